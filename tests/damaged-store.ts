import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { FORMATS } from '../src/feed/feeds.ts';
import { createKey } from '../src/publish/api-keys.ts';
import { openDataFolder, storeFile } from '../src/service/data-folder.ts';
import type { Store } from '../src/store/store.ts';
import { command } from './commands/terminal.ts';
import { ask, makeFolder, PUBLICATION, put, record, serving } from './helpers.ts';

const HOUR = 3_600_000;
const BEGAN = Math.floor(Date.now() / 1000) * 1000;
/** After everything that was done, and before the embargoes end. */
export const NOW = BEGAN + HOUR;
export const AFTER_EMBARGOES = Date.parse('2990-01-01T00:00:00Z');

/** So few entries that feeds have archives. */
const RULES = `entries: 5
feeds:
  - id: world-without-sport
    title: World without sport
    select: { any: [section/world], none: [tag/sport] }
`;

/** The store before articles were withdrawn and erased, beside the data folder's own files. */
const EARLIER = 'earlier.sqlite';

/** Articles of each state. Their texts name their states, so that a test finds them in a feed. */
const STORIES = Array.from({ length: 40 }, (_, number) => {
  const fields = {
    id: `story/${number}`,
    url: `/story/${number}`,
    title: `Story ${number}`,
    body: `<p>${`Text ${number} of the story. `.repeat(10 + (number % 7) * 60)}</p>`,
    publishedAt: new Date(BEGAN - (50 - number) * HOUR).toISOString(),
    sections: [number % 2 === 0 ? 'World' : 'Harbour'],
    tags: [`Tag ${number % 5}`, ...(number % 6 === 0 ? ['Sport'] : [])],
    authors: [{ name: `Author ${number % 4}` }],
  };
  if (number % 10 === 3)
    return record({ ...fields, title: `EMBARGOED ${number}`, embargoUntil: '2980-01-01T00:00:00Z' });
  if (number % 10 === 4) return record({ ...fields, title: `GONE ${number}` });
  if (number % 10 === 5) return record({ ...fields, title: `ERASED ${number}` });
  if (number % 10 === 6) return record({ ...fields, expiresAt: '2995-01-01T00:00:00Z' });
  if (number % 10 === 7)
    return record({ ...fields, rights: { endsAt: new Date(BEGAN - (48 - number) * HOUR).toISOString() } });
  if (number % 10 === 8)
    return record({
      ...fields,
      rights: { endsAt: '2995-01-01T00:00:00Z' },
      correction: { note: 'A name was wrong.', at: new Date(BEGAN - HOUR).toISOString() },
    });
  return record(fields);
});

/** The record of an article. */
export function storyNamed(id: string): object {
  return STORIES.find((story) => story.id === id) ?? {};
}

export const withdrawn = [4, 14, 24, 34].map((number) => `story/${number}`);
export const erased = [5, 15, 25, 35].map((number) => `story/${number}`);

/**
 * Makes a data folder whose store has articles of each state, files, keys, a feed of the operator's and a partner's own selection.
 * The caller removes it.
 */
export async function newsroomWithStates(): Promise<string> {
  const folder = await makeFolder({
    'publication.yaml': PUBLICATION + RULES,
    'partners/wire.yaml': 'name: Wire\ndialect: plain\nselect: { any: [section/world], none: [tag/sport] }\n',
    'articles/filed.json': JSON.stringify(record({ id: 'filed', url: '/filed', title: 'Filed', sections: ['World'] })),
    'articles/filed-and-gone.json': JSON.stringify(
      record({ id: 'filed-and-gone', url: '/filed-and-gone', title: 'GONE filed', sections: ['World'] }),
    ),
  });
  // Whole seconds, so that copies of the files have the same times.
  for (const name of readdirSync(join(folder, 'articles'))) utimesSync(join(folder, 'articles', name), 1e9, 1e9);
  const service = await serving(folder, {});
  await service.close();
  await put(folder, 'in.ndjson', STORIES.map((story) => `${JSON.stringify(story)}\n`).join(''));
  await command(['import', '--data', folder, join(folder, 'in.ndjson')]);
  rmSync(join(folder, 'in.ndjson'));
  cpSync(storeFile(folder), join(folder, EARLIER));
  const { store } = openDataFolder(folder);
  await createKey(store, 'CMS', 'write', NOW);
  await createKey(store, 'Wire', 'partner', NOW, { partner: 'wire', expiresAt: AFTER_EMBARGOES });
  for (const id of [...withdrawn, 'filed-and-gone'])
    await store.apply([{ kind: 'withdraw', id, reason: 'a mistake' }], Date.now);
  await store.close();
  await command(['erase', '--data', folder, ...erased]);
  return folder;
}

/** A copy of a data folder for one test. */
export function copyOf(folder: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'feed-publisher-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  cpSync(folder, copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

/** A copy whose store was changed behind the back of its checksums. `earlier` is the store as it was before withdrawals. */
export function changed(folder: string, sql: string): string {
  const copy = copyOf(folder);
  const db = new DatabaseSync(storeFile(copy));
  db.exec(`ATTACH '${join(copy, EARLIER)}' AS earlier`);
  db.exec(sql);
  db.close();
  return copy;
}

/** Numbers from 0 to 1 that are the same in each run. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export const PAGE = 8192;

/** Overwrites bytes of a file. */
export function overwrite(file: string, at: number, bytes: Uint8Array): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, at);
  closeSync(descriptor);
}

/** Changes some bytes of a file that differ from before. */
export function flipBytes(file: string, random: () => number, count: number, from = 100): void {
  const { size } = statSync(file);
  for (let done = 0; done < count; done += 1) {
    const at = from + Math.floor(random() * (size - from));
    const before = readFileSync(file)[at] ?? 0;
    overwrite(file, at, Uint8Array.of(before ^ (1 + Math.floor(random() * 255))));
  }
}

/** Overwrites a whole page that is not the first one. */
export function overwritePage(file: string, random: () => number): void {
  const pages = statSync(file).size / PAGE;
  const bytes = Uint8Array.from({ length: PAGE }, () => Math.floor(random() * 256));
  overwrite(file, PAGE * (1 + Math.floor(random() * (pages - 1))), bytes);
}

/** Feeds that hold every article, and one of each kind. */
const FEEDS = ['latest', 'world-without-sport', 'section/world', 'tag/tag-0'];

/** The documents of some feeds at a moment, by their addresses. */
export async function documentsOf(folder: string, at: number): Promise<Record<string, string>> {
  const service = await serving(folder, { now: () => at });
  try {
    const documents: Record<string, string> = {};
    for (const path of FEEDS.flatMap((key) => FORMATS.map((format) => `/feeds/${key}.${format}`))) {
      const { status, text } = await ask(service.port, path);
      documents[path] = `${status}\n${text}`;
    }
    return documents;
  } finally {
    await service.close();
  }
}

/** Opens the store of a data folder for one question. */
export async function inStore<Result>(folder: string, read: (store: Store) => Promise<Result>): Promise<Result> {
  const { store } = openDataFolder(folder);
  try {
    return await read(store);
  } finally {
    await store.close();
  }
}

export { storeFile };
