import { articleText } from '../../src/article/stored.ts';
import { loadPublication } from '../../src/config/publication.ts';
import { createArranger } from '../../src/document/arranger.ts';
import { represent } from '../../src/document/representation.ts';
import { FORMATS, ownKeys } from '../../src/feed/feeds.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { median, print, printTable } from './figures.ts';
import { SAMPLE, sampleArticles } from './sample.ts';

const ROUNDS = 40;
const NOW = Date.parse('2026-11-22T00:00:00Z');

/** Milliseconds to make a document of 50 entries: all entries anew, and with one entry new among kept ones. */
export async function rendering(): Promise<void> {
  const publication = loadPublication(SAMPLE);
  const store = openSqliteStore(':memory:');
  const articles = await sampleArticles();
  const put = (changed: typeof articles) =>
    store.apply(
      changed.map(
        (article) =>
          ({
            kind: 'put',
            article: articleText(article),
            record: '{}',
            feeds: ownKeys(article),
          }) as const,
      ),
      () => NOW,
    );
  await put(articles);
  const parts = { store, publication, report: () => {}, entryBytes: 64 * 1024 * 1024 };
  const kept = createArranger(parts);

  print('\nMaking a document of the newest 50, milliseconds (median)');
  const rows = [['', 'all entries new', 'one entry new', 'its ETag as well']];
  for (const format of FORMATS) {
    const cold: number[] = [];
    const warm: number[] = [];
    const tagged: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      cold.push(await timed(() => createArranger(parts).arrange('latest', format, NOW)));
      const [first] = articles;
      if (first === undefined) throw new Error('there are no sample articles');
      const corrected = { ...first, title: `${first.title} ${round}`, publishedAt: NOW - 1000 };
      await put([corrected]);
      warm.push(await timed(() => kept.arrange('latest', format, NOW)));
      const document = await kept.arrange('latest', format, NOW);
      if (document === undefined) throw new Error('there is no feed latest');
      tagged.push(await timed(async () => represent(document)));
    }
    rows.push([format, ...[cold, warm, tagged].map((figures) => median(figures).toFixed(2))]);
  }
  printTable(rows);
  await store.close();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
