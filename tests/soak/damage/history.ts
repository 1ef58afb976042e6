import { hash } from 'node:crypto';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createKey } from '../../../src/publish/api-keys.ts';
import { openDataFolder, storeFile } from '../../../src/service/data-folder.ts';
import { makeFolder, PUBLICATION, serving } from '../../helpers.ts';
import { FORMATS } from '../../http/api.ts';
import { type Ask, clientOf } from '../crash/program.ts';
import { seeded, whole } from '../crash/random.ts';
import { sized } from '../sizes.ts';

/** Articles at the first revision that counts. */
const FIRST = 60;
/** Recorded states of the store after the first. */
const CHANGES = sized({ short: 8, soak: 30, full: 30 });
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
];

function addressesOf(id: string): string[] {
  return [`/api/articles/${id}`, `/api/articles/${id}/history`];
}

/** All that an undamaged store has answered: for each address, the digests of its bodies with 200, and its other statuses. */
export interface History {
  readonly given: ReadonlyMap<string, ReadonlySet<string>>;
  /** What each address answers last. */
  readonly last: ReadonlyMap<string, string>;
  /** Ids by what the article is at the end. */
  readonly visible: readonly string[];
  readonly hidden: readonly string[];
}

export function digestOf({ status, body }: { readonly status: number; readonly body: Buffer }): string {
  return status === 200 ? hash('sha256', body, 'base64') : `status ${status}`;
}

/** Folders with a store each. All are states of one store. */
export interface Stores {
  /** publication.yaml, and no store. */
  readonly folder: string;
  readonly key: string;
  /** The store's file in the middle of its history, at its end, and at its end with half of the history in the log (WAL). */
  readonly half: string;
  readonly whole: string;
  readonly logged: string;
  readonly history: History;
}

/** Makes a store by many changes, and records what it answers after each. */
export async function recordHistory(seed: number): Promise<Stores> {
  const random = seeded(seed);
  const folder = await makeFolder({ 'publication.yaml': `${PUBLICATION}entries: 40\n` });
  const path = storeFile(folder);
  const { store } = openDataFolder(folder);
  const { key } = await createKey(store, 'damage', 'write', Date.now());
  await store.close();
  const newsroom = createNewsroom(random);

  let service = await serving(folder, {});
  let client = clientOf(service.port, key);
  const close = async () => {
    client.close();
    await service.close();
  };
  await newsroom.begin(client.ask);
  for (let change = 0; change < CHANGES / 2; change += 1) await newsroom.change(client.ask, true);
  await close();
  const half = await copyStore(path, join(folder, 'half'));

  service = await serving(folder, {});
  client = clientOf(service.port, key);
  // An erasure empties the log.
  for (let change = CHANGES / 2; change < CHANGES; change += 1) await newsroom.change(client.ask, false);
  const logged = await copyStore(path, join(folder, 'logged'));
  await copyFile(`${path}-wal`, `${logged}-wal`);
  await close();
  const atEnd = await copyStore(path, join(folder, 'whole'));
  return { folder, key, half, whole: atEnd, logged, history: newsroom.history() };
}

async function copyStore(from: string, to: string): Promise<string> {
  await mkdir(to);
  const file = join(to, 'publisher.sqlite');
  await copyFile(from, file);
  return file;
}

type State = 'visible' | 'withdrawn' | 'embargoed' | 'erased';

/** Changes articles at random, and records what the service answers. */
function createNewsroom(random: () => number) {
  const states = new Map<string, State>();
  const given = new Map<string, Set<string>>();
  const last = new Map<string, string>();
  let version = 0;
  const next = () => ++version;

  async function recordAnswers(ask: Ask, addresses: readonly string[]): Promise<void> {
    const digests = await Promise.all(addresses.map(async (address) => digestOf(await ask(address))));
    addresses.forEach((address, index) => {
      const digest = digests[index] ?? '';
      last.set(address, digest);
      given.set(address, (given.get(address) ?? new Set()).add(digest));
    });
  }

  const chosen = (...of: readonly State[]): string => {
    const ids = [...states].filter(([, state]) => of.includes(state)).map(([id]) => id);
    return ids[whole(random, ids.length)] ?? 's0';
  };

  async function expectDone(asked: ReturnType<Ask>): Promise<void> {
    const { status, text } = await asked;
    if ((status !== 200 && status !== 201) || text.includes('"result":"refused"'))
      throw new Error(`a change got ${status}: ${text}`);
  }

  async function put(ask: Ask, id: string, more: object = {}): Promise<void> {
    const body = JSON.stringify({ ...story(id, next(), random), ...more });
    await expectDone(ask(`/api/articles/${id}`, { method: 'PUT', body }));
  }

  async function makeChange(ask: Ask, canErase: boolean): Promise<string[]> {
    const kind = whole(random, canErase ? 6 : 5);
    if (kind === 0) {
      const id = `s${states.size}`;
      await recordAnswers(ask, addressesOf(id));
      const isEmbargoed = random() < 0.3;
      await put(ask, id, isEmbargoed ? { embargoUntil: '2199-01-01T00:00:00Z' } : {});
      states.set(id, isEmbargoed ? 'embargoed' : 'visible');
      return [id];
    }
    if (kind === 1) {
      const ids = [...new Set([chosen('visible'), chosen('visible'), chosen('visible')])];
      const lines = ids.map((id) => JSON.stringify({ id, ...story(id, next(), random) }));
      await expectDone(ask('/api/articles', { method: 'POST', body: `${lines.join('\n')}\n` }));
      return ids;
    }
    if (kind === 2 || kind === 5) {
      const id = chosen('visible');
      const way = kind === 5 ? 'erase=true' : `reason=Wrong%20${version}`;
      await expectDone(ask(`/api/articles/${id}?${way}`, { method: 'DELETE' }));
      states.set(id, kind === 5 ? 'erased' : 'withdrawn');
      return [id];
    }
    const id = chosen('visible', kind === 3 ? 'withdrawn' : 'visible');
    await put(ask, id);
    states.set(id, 'visible');
    return [id];
  }

  return {
    async begin(ask: Ask): Promise<void> {
      const lines = Array.from({ length: FIRST }, (_, number) => {
        states.set(`s${number}`, 'visible');
        return JSON.stringify({ id: `s${number}`, ...story(`s${number}`, next(), random) });
      });
      await expectDone(ask('/api/articles', { method: 'POST', body: `${lines.join('\n')}\n` }));
      // One of each state, whatever the seed chooses afterwards.
      await put(ask, 'secret', { embargoUntil: '2199-01-01T00:00:00Z' });
      states.set('secret', 'embargoed');
      await expectDone(ask('/api/articles/s1?reason=Wrong', { method: 'DELETE' }));
      states.set('s1', 'withdrawn');
      await expectDone(ask('/api/articles/s2?erase=true', { method: 'DELETE' }));
      states.set('s2', 'erased');
      await recordAnswers(ask, [...SHARED_ADDRESSES, ...[...states.keys()].flatMap(addressesOf)]);
    },
    async change(ask: Ask, canErase: boolean): Promise<void> {
      const ids = await makeChange(ask, canErase);
      await recordAnswers(ask, [...SHARED_ADDRESSES, ...ids.flatMap(addressesOf)]);
    },
    history(): History {
      const ids = (isVisible: boolean) =>
        [...states].filter(([, state]) => (state === 'visible') === isVisible).map(([id]) => id);
      return { given, last, visible: ids(true), hidden: ids(false) };
    },
  };
}

/** A record without its id. Some bodies fill several pages of the store. */
function story(id: string, version: number, random: () => number): object {
  const one = (names: readonly string[]) => names[whole(random, names.length)] ?? '';
  const paragraphs = 1 + whole(random, 12) ** 2;
  const sentence = `The ${WORD} of ${id} in version ${version} stands by the water, and no ship has passed it today. `;
  return {
    url: `/${id}`,
    title: `Story ${id} in version ${version}`,
    summary: `About ${id} in version ${version}`,
    body: `<p>${sentence.repeat(paragraphs)}</p>`,
    authors: [{ name: one(AUTHORS) }],
    sections: [one(SECTIONS)],
    tags: [...new Set([one(TAGS), one(TAGS)])],
    publishedAt: `2024-05-${String(1 + (Number(id.replace(/\D/g, '')) % 28)).padStart(2, '0')}T10:00:00Z`,
  };
}
