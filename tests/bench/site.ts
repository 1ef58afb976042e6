import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { articleText } from '../../src/article/stored.ts';
import { parsePublication } from '../../src/config/publication.ts';
import { ownKeys } from '../../src/feed/feeds.ts';
import { newsroomOf } from '../../src/service/data-folder.ts';
import { folderTarget } from '../../src/service/site/folder-target.ts';
import { writeSite } from '../../src/service/site/write-site.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Change } from '../../src/store/store.ts';
import { openLog } from '../../src/telemetry/log.ts';
import { print, printTable, setting } from './figures.ts';
import { PUBLICATION } from './newsroom.ts';
import { sampleArticles } from './sample.ts';

const ARTICLES = setting('BENCH_ARTICLES', 5000);
const BATCH = 500;
const MINUTE = 60_000;
const NOW = Date.parse('2026-11-22T00:00:00Z');
const SECTIONS = 8;
const TOPICS = 100;

/** What an export of a static site costs: the first one, one without a change, and those after single changes. */
export async function staticSite(): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'bench-site-'));
  const file = join(path, 'store.sqlite');
  const publication = parsePublication(PUBLICATION, 'publication.yaml');
  const { log } = openLog(new Writable({ write: (_chunk, _encoding, done) => done() }));
  const [sample] = await sampleArticles();
  if (sample === undefined) throw new Error('there are no sample articles');
  let at = NOW;
  const put = (number: number, title = sample.title): Change => {
    const [section, topic] = [number % SECTIONS, number % TOPICS];
    const article = {
      ...sample,
      id: `bench-${number}`,
      publicId: `tag:bench,2026:${number}`,
      url: `https://courier.example/bench/${number}`,
      title,
      publishedAt: NOW - (2 * ARTICLES - number) * MINUTE,
      sections: [{ name: `Section ${section}`, slug: `section-${section}` }],
      tags: [{ name: `Topic ${topic}`, slug: `topic-${topic}` }],
    };
    return { kind: 'put', article: articleText(article), record: '{}', feeds: ownKeys(article) };
  };
  async function change(changes: readonly Change[]): Promise<void> {
    const store = openSqliteStore(file);
    at += MINUTE;
    await store.apply(changes, () => at);
    await store.close();
  }
  /** With a store that was opened for it, as by the command. */
  async function exported(title: string): Promise<string[]> {
    const [began, processor] = [performance.now(), process.cpuUsage()];
    const store = openSqliteStore(file);
    const newsroom = newsroomOf(path, publication);
    const folder = { path, publication, newsroom, store, storeFile: file };
    const target = folderTarget(join(path, 'site'));
    const { written, unchanged, removed } = await writeSite({ folder, target, version: 'bench', now: () => at, log });
    await store.close();
    const { user, system } = process.cpuUsage(processor);
    const milliseconds = [(user + system) / 1000, performance.now() - began].map((time) => time.toFixed(0));
    return [title, ...milliseconds, String(written), String(unchanged), String(removed)];
  }
  try {
    const store = openSqliteStore(file, { isBulk: true });
    for (let number = 0; number < ARTICLES; number += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, ARTICLES - number) }, (_, index) => put(number + index));
      await store.apply(batch, () => NOW);
    }
    await store.setDocumentSizes({ entries: publication.entries, feeds: [] }, () => NOW);
    await store.markServed();
    for (let after: string | undefined = ''; after !== undefined; )
      after = (await store.divideHistory(after, () => NOW)).next;
    await store.close();
    const rows = [['export', 'processor time, ms', 'ms', 'written', 'unchanged', 'removed']];
    rows.push(await exported('the first one'), await exported('without a change'));
    await change([put(ARTICLES, 'A new story')]);
    rows.push(await exported('after a new story'));
    await change([put(Math.floor(ARTICLES / 2), 'Corrected')]);
    rows.push(await exported('after a correction of an old story'));
    await change([{ kind: 'withdraw', id: `bench-${Math.floor(ARTICLES / 3)}` }]);
    rows.push(await exported('after a withdrawal of an old story'));
    print(`\nA static site of ${ARTICLES} articles`);
    printTable(rows);
  } finally {
    rmSync(path, { recursive: true });
  }
}
