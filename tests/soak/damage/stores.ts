import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createKey } from '../../../src/publish/api-keys.ts';
import { openDataFolder, storeFile } from '../../../src/service/data-folder.ts';
import { makeFolder, PUBLICATION, serving } from '../../helpers.ts';
import { FORMATS } from '../../http/api.ts';
import { type Ask, clientOf } from '../crash/program.ts';
import { seeded, whole } from '../crash/random.ts';
import { sized } from '../sizes.ts';
import { createHistory, type History, type HistoryRecorder } from './history.ts';

/** Articles at the first state that is recorded. */
const FIRST = 60;
/** Recorded states of the store after the first. */
const CHANGES = sized({ short: 8, soak: 30, full: 30 });
/** More than there are articles: the feed of all has every visible one. */
const ENTRIES = 100;
/** Pictures that articles share. */
const PICTURES = 8;
/** An article under embargo. No other article names its picture. */
const SECRET = 'secret';
const EMBARGO = { embargoUntil: '2199-01-01T00:00:00Z' };
const SECTIONS = ['World', 'Harbour', 'Culture', 'Sport'];
const TAGS = ['Rivers', 'Ferries', 'Bridges', 'Markets', 'Schools', 'Storms'];
const AUTHORS = ['Ada Quay', 'Ben Pier', 'Cleo Lock', 'Dan Weir'];
/** A word in every story. */
export const WORD = 'lighthouse';

const slug = (name: string) => name.toLowerCase().replaceAll(' ', '-');
const FEEDS = [
  'latest',
  'language/en',
  ...SECTIONS.map((name) => `section/${slug(name)}`),
  ...TAGS.map((name) => `tag/${slug(name)}`),
  ...AUTHORS.map((name) => `author/${slug(name)}`),
];
/** What may change with every change of any article. */
const SHARED_ADDRESSES = [
  ...FEEDS.flatMap((feed) => FORMATS.map((format) => `/feeds/${feed}.${format}`)),
  ...Array.from({ length: 10 }, (_, number) => `/api/articles/s${number}/feeds`),
  '/api/articles?limit=30',
  '/api/articles?limit=500',
  '/api/articles?status=withdrawn',
  '/api/articles?status=embargoed',
  '/api/feeds',
  `/media/${SECRET}.jpg`,
  ...Array.from({ length: PICTURES }, (_, number) => `/media/${number}.jpg`),
];

function addressesOf(id: string): string[] {
  return [`/api/articles/${id}`, `/api/articles/${id}/history`];
}

/** States of one store, and what it has answered in all of them. */
export interface Stores {
  /** A data folder without its store. */
  readonly folder: string;
  readonly key: string;
  /** The store's file in the middle of its history, at its end, and at its end with half of the history in the log (WAL). */
  readonly half: string;
  readonly whole: string;
  readonly logged: string;
  readonly history: History;
  /** Ids of articles that no reader may see: at the end, and at any time from the middle on. */
  readonly hidden: { readonly atEnd: readonly string[]; readonly throughout: readonly string[] };
}

/** Makes a store by many changes, and records what it answers after each. */
export async function makeStores(seed: number): Promise<Stores> {
  const random = seeded(seed);
  const folder = await makeFolder({
    'publication.yaml': `${PUBLICATION}entries: ${ENTRIES}\n`,
    [`media/${SECRET}.jpg`]: 'A picture under embargo.',
    ...Object.fromEntries(
      Array.from({ length: PICTURES }, (_, number) => [`media/${number}.jpg`, `Picture ${number}.`]),
    ),
  });
  const file = storeFile(folder);
  const { store } = openDataFolder(folder);
  const { key } = await createKey(store, 'damage', 'write', Date.now());
  await store.close();
  const recorder = createHistory();
  const newsroom = createNewsroom(random, recorder);

  let service = await serving(folder, {});
  let client = clientOf(service.port, key);
  const close = async () => {
    client.close();
    await service.close();
  };
  await newsroom.begin(client.ask);
  for (let change = 0; change < CHANGES / 2; change += 1) await newsroom.change(client.ask, true);
  const hiddenInTheMiddle = newsroom.hidden();
  await close();
  const half = await copyStore(file, join(folder, 'half'));

  service = await serving(folder, {});
  client = clientOf(service.port, key);
  // An erasure would empty the log.
  for (let change = CHANGES / 2; change < CHANGES; change += 1) await newsroom.change(client.ask, false);
  const logged = await copyStore(file, join(folder, 'logged'));
  await copyFile(`${file}-wal`, `${logged}-wal`);
  await close();
  const atEnd = newsroom.hidden();
  return {
    folder,
    key,
    half,
    whole: await copyStore(file, join(folder, 'whole')),
    logged,
    history: recorder.history,
    hidden: { atEnd, throughout: hiddenInTheMiddle.filter((id) => atEnd.includes(id)) },
  };
}

async function copyStore(from: string, to: string): Promise<string> {
  await mkdir(to);
  const file = join(to, 'publisher.sqlite');
  await copyFile(from, file);
  return file;
}

type State = 'visible' | 'withdrawn' | 'embargoed' | 'erased';

/** Changes articles at random, and records what the service answers. */
function createNewsroom(random: () => number, { record }: HistoryRecorder) {
  const states = new Map<string, State>();
  let version = 0;
  const next = () => ++version;

  function chosen(...of: readonly State[]): string {
    const ids = [...states].filter(([, state]) => of.includes(state)).map(([id]) => id);
    return ids[whole(random, ids.length)] ?? 's3';
  }

  async function put(ask: Ask, id: string, more: object = {}): Promise<void> {
    const body = JSON.stringify({ ...story(id, next(), random), ...more });
    await expectDone(ask(`/api/articles/${id}`, { method: 'PUT', body }));
  }

  async function bulk(ask: Ask, ids: readonly string[]): Promise<void> {
    const lines = ids.map((id) => JSON.stringify({ id, ...story(id, next(), random) }));
    await expectDone(ask('/api/articles', { method: 'POST', body: `${lines.join('\n')}\n` }));
  }

  async function remove(ask: Ask, id: string, how: 'withdrawn' | 'erased'): Promise<void> {
    const query = how === 'erased' ? 'erase=true' : `reason=Wrong%20${version}`;
    await expectDone(ask(`/api/articles/${id}?${query}`, { method: 'DELETE' }));
    states.set(id, how);
  }

  /** Returns the ids of the articles that it changes. */
  async function changeOne(ask: Ask, canErase: boolean): Promise<string[]> {
    const choice = whole(random, canErase ? 6 : 5);
    if (choice === 0) {
      const id = `s${states.size}`;
      await record(ask, addressesOf(id));
      const isSecret = random() < 0.3;
      await put(ask, id, isSecret ? EMBARGO : {});
      states.set(id, isSecret ? 'embargoed' : 'visible');
      return [id];
    }
    if (choice === 1) {
      const ids = [...new Set([chosen('visible'), chosen('visible'), chosen('visible')])];
      await bulk(ask, ids);
      return ids;
    }
    if (choice === 2 || choice === 5) {
      const id = chosen('visible');
      await remove(ask, id, choice === 2 ? 'withdrawn' : 'erased');
      return [id];
    }
    const id = chosen('visible', choice === 3 ? 'withdrawn' : 'visible');
    await put(ask, id);
    states.set(id, 'visible');
    return [id];
  }

  return {
    async begin(ask: Ask): Promise<void> {
      const ids = Array.from({ length: FIRST }, (_, number) => `s${number}`);
      await bulk(ask, ids);
      for (const id of ids) states.set(id, 'visible');
      // One of each state, whatever is chosen afterwards.
      await put(ask, SECRET, { ...EMBARGO, image: { url: `/media/${SECRET}.jpg` } });
      states.set(SECRET, 'embargoed');
      await remove(ask, 's1', 'withdrawn');
      await remove(ask, 's2', 'erased');
      await record(ask, [...SHARED_ADDRESSES, ...[...states.keys()].flatMap(addressesOf)]);
    },
    async change(ask: Ask, canErase: boolean): Promise<void> {
      const ids = await changeOne(ask, canErase);
      await record(ask, [...SHARED_ADDRESSES, ...ids.flatMap(addressesOf)]);
    },
    hidden: () => [...states].filter(([, state]) => state !== 'visible').map(([id]) => id),
  };
}

async function expectDone(asked: ReturnType<Ask>): Promise<void> {
  const { status, text } = await asked;
  if ((status !== 200 && status !== 201) || text.includes('"result":"refused"'))
    throw new Error(`a change got ${status}: ${text}`);
}

/** A record without its id. Some bodies fill several pages of the store. */
function story(id: string, version: number, random: () => number): object {
  const one = (names: readonly string[]) => names[whole(random, names.length)] ?? '';
  const sentence = `The ${WORD} of ${id} in version ${version} stands by the water, and no ship has passed it today. `;
  return {
    url: `/${id}`,
    title: `Story ${id} in version ${version}`,
    summary: `About ${id} in version ${version}`,
    body: `<p>${sentence.repeat(1 + whole(random, 12) ** 2)}</p>`,
    authors: [{ name: one(AUTHORS) }],
    sections: [one(SECTIONS)],
    tags: [...new Set([one(TAGS), one(TAGS)])],
    image: { url: `/media/${whole(random, PICTURES)}.jpg` },
    publishedAt: `2024-05-${String(1 + (Number(id.replace(/\D/g, '')) % 28)).padStart(2, '0')}T10:00:00Z`,
  };
}
