/** A process of its own: prints the milliseconds of processor time of its first page of all feeds. */
import { loadPublication } from '../../src/config/publication.ts';
import { INDEX } from '../../src/document/cache.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { processorTime } from './figures.ts';
import { SAMPLE } from './sample.ts';

const [, , file = '', time = '', warm] = process.argv;
const at = Number(time);
const store = openSqliteStore(file);
const publication = loadPublication(SAMPLE);
const report = (_: unknown, error: unknown) => {
  throw error;
};
await store.feeds(at); // as every start does
if (warm === 'warm') {
  const { warmUpPages } = await import('../../src/document/pages.ts');
  await warmUpPages({ store, publication, report }, at);
}
const taken = await processorTime(async () => {
  const { createPages } = await import('../../src/document/pages.ts');
  await createPages({ store, publication, report }).arrange(INDEX, at);
});
process.stdout.write(`${taken}\n`);
await store.close();
