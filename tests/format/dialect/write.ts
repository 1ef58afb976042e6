import { readFileSync, writeFileSync } from 'node:fs';
import { dialectLists } from './lists.ts';

/**
 * `npm run dialects` brings what names each dialect up to the files of `src/format/dialect/`: the two lists of the code, the row and
 * the rules in docs/dialects.md, and then the folder `schema/`.
 */
for (const [path, text] of dialectLists()) writeFileSync(path, text);

// After the lists: these modules read them.
const { DIALECTS_BY_NAME } = await import('../../../src/format/dialect/registry.ts');
const { PAGE, pageText } = await import('./docs.ts');
writeFileSync(PAGE, pageText(readFileSync(PAGE, 'utf8'), Object.values(DIALECTS_BY_NAME)));
await import('../../schema/write.ts');
