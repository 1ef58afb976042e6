import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SCHEMA_FILES } from './files.ts';

/** `npm run schema` writes the folder `schema/` again, after a change of the schemas that read records, publication.yaml and partners. */
for (const [name, text] of SCHEMA_FILES) {
  writeFileSync(join(import.meta.dirname, '../../schema', name), text());
}
