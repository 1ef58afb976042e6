import { recordFileSchema } from '../../src/article/record-schema.ts';
import { partnerFileSchema } from '../../src/config/partner-schema.ts';
import { publicationFileSchema } from '../../src/config/publication-schema.ts';
import { schemaText } from '../../src/http/schemas.ts';

/** The files of the folder `schema/`, by their names. */
export const SCHEMA_FILES: ReadonlyMap<string, () => string> = new Map([
  ['record.json', () => schemaText(recordFileSchema())],
  ['publication.json', () => schemaText(publicationFileSchema())],
  ['partner.json', () => schemaText(partnerFileSchema())],
]);
