import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DialectName } from '../../src/feed/dialects.ts';
import { DIALECTS_BY_NAME } from '../../src/format/dialect/registry.ts';
import { type Answer, ask, decoded, makeFolder, type Running, record, serving } from '../helpers.ts';
import { keyFor, NOW, SECOND } from './api.ts';
import { bearer, partnerKeys } from './partners.ts';

const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const RETENTION = HOUR;
const FEED = 'section/river';

const iso = (moment: number) => new Date(moment).toISOString();

/** A story that no dialect refuses. */
function story(name: string, more: object = {}): object {
  return record({
    id: name,
    sections: ['River'],
    url: `/${name}`,
    title: `The story ${name} of the river`,
    summary: 'It rose in the night.',
    image: { url: 'https://media.example/1.jpg', type: 'image/jpeg', length: 90_000, width: 1600, height: 900 },
    media: [{ url: 'https://media.example/film.mp4', type: 'video/mp4', length: 9_000_000, duration: 60 }],
    publishedAt: iso(NOW - HOUR / 2),
    ...more,
  });
}

/** When each story of the tests is taken back, and how. */
const ENDINGS = {
  killed: { at: NOW + 5 * MINUTE, kind: 'withdrawn', fields: {} },
  expiring: { at: NOW + 10 * MINUTE, kind: 'expired', fields: { expiresAt: iso(NOW + 10 * MINUTE) } },
  licensed: { at: NOW + 15 * MINUTE, kind: 'rights-ended', fields: { rights: { endsAt: iso(NOW + 15 * MINUTE) } } },
  moving: { at: NOW + 16 * MINUTE, kind: 'moved', fields: {} },
  passed: { at: NOW + 17 * MINUTE, kind: 'rights-changed', fields: {} },
} as const;
type Name = keyof typeof ENDINGS;

/** The corrections with which stories leave the feeds of all partners. */
const CORRECTIONS: Readonly<Record<string, object>> = {
  moved: { sections: ['Lake'], title: 'The new words' },
  'rights-changed': { rights: { partners: ['nobody'] }, title: 'The new words' },
};

/** How a document says that a story is gone: what its item has to have. Without a word for it, the story leaves the document. */
type Mark = (item: string, at: number) => void;

/** A correction and the mark that it brings may be of one second: the mark has the next one. */
const isNewer = (moment: string | undefined, at: number) =>
  expect([at, at + SECOND]).toContain(Date.parse(moment ?? ''));
const gone = (moment: string | undefined, at: number) => expect(Date.parse(moment ?? '')).toBeLessThanOrEqual(at);
const textOf = (item: string, element: string) => new RegExp(`<${element}>([^<]*)<`).exec(item)?.[1];

const canceled: Mark = (item, at) => {
  const members = Object.fromEntries(
    Object.entries(JSON.parse(item)).map(([name, value]) => [name.toLowerCase(), value]),
  );
  expect(members).toMatchObject({ pubstatus: 'canceled', versioncreated: iso(at).replace('.000', '') });
};

const deletedEntry: Mark = (item, at) => {
  expect(item).toMatch(/^<at:deleted-entry /);
  expect(Date.parse(/ when="([^"]*)"/.exec(item)?.[1] ?? '')).toBe(at);
};

const MARKS: Readonly<Partial<Record<`${DialectName}.${'rss' | 'atom' | 'json'}`, Mark>>> = {
  'plain.atom': deletedEntry,
  'summary.atom': deletedEntry,
  'licensed-pull.atom': deletedEntry,
  'licensed-pull.rss': (item, at) => {
    expect(item).toContain('qcode="stat:canceled"');
    expect(Date.parse(textOf(item, 'dcterms:modified') ?? '')).toBe(at);
  },
  'msn.rss': (item, at) => {
    gone(textOf(item, 'mi:expirationDate'), at);
    isNewer(textOf(item, 'dcterms:modified'), at);
  },
  'smartnews.rss': (item, at) => {
    expect(textOf(item, 'media:status')).toBe('deleted');
    isNewer(textOf(item, 'pubDate'), at);
  },
  'line.rss': (item, at) => {
    expect(textOf(item, 'oa:delStatus')).toBe('1');
    isNewer(textOf(item, 'oa:lastPubDate'), at);
  },
  'ninjs.json': canceled,
  'ninjs-2.2.json': canceled,
};

/** Whether documents have an item for a story that is gone. */
function isMarked(dialect: DialectName, format: 'rss' | 'atom' | 'json'): boolean {
  return (
    MARKS[`${dialect}.${format}`] !== undefined || DIALECTS_BY_NAME[dialect].formats[format]?.takenBack !== undefined
  );
}

const PARTNERS = Object.values(DIALECTS_BY_NAME).map(({ name, formats }) => ({
  id: name.replace('.', '-'),
  dialect: name,
  formats: Object.keys(formats) as ('rss' | 'atom' | 'json')[],
}));
/** These fetch a document while the stories are there, and then nothing, or only its head. */
const SILENT = ['silent', 'head-only'];
const NEVER = 'newcomer';
/** Reads its change feed alone. */
const FOLLOWER = 'follower';
const OTHER = 'other';

function fileOf(dialect: string, more: object = {}): string {
  return JSON.stringify({
    name: dialect,
    dialect,
    feeds: [FEED],
    window: { entries: 9 },
    retention: { hours: 1 },
    ...more,
  });
}

let folder = '';
let service: Running;
let keys: ReadonlyMap<string, { readonly id: string; readonly key: string }>;
let apiKey = '';
let now = NOW;

beforeAll(async () => {
  const ids = [...PARTNERS.map(({ id }) => id), ...SILENT, NEVER, FOLLOWER, OTHER];
  folder = await makeFolder({
    'articles/.keep': '',
    ...Object.fromEntries(PARTNERS.map(({ id, dialect }) => [`partners/${id}.yaml`, fileOf(dialect)])),
    ...Object.fromEntries([...SILENT, NEVER, FOLLOWER].map((id) => [`partners/${id}.yaml`, fileOf('plain')])),
    // It cannot have had any of the stories.
    [`partners/${OTHER}.yaml`]: fileOf('plain', { delay: { days: 1 } }),
  });
  ({ key: apiKey } = await keyFor(folder));
  keys = await partnerKeys(folder, ids);
  service = await serving(folder, { now: () => now });
  await put('staying', {});
  for (const [name, { fields }] of Object.entries(ENDINGS)) await put(name, fields);
});

afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

async function put(name: string, fields: object, status = 201): Promise<void> {
  const body = JSON.stringify(story(name, fields));
  const answer = await api(`/api/articles/${name}`, { method: 'PUT', body });
  expect(answer.status, answer.text).toBe(status);
}

async function withdraw(name: string): Promise<void> {
  expect((await api(`/api/articles/${name}`, { method: 'DELETE' })).status).toBe(200);
}

function api(path: string, more: { readonly method?: string; readonly body?: string } = {}): Promise<Answer> {
  return ask(service.port, path, { ...more, headers: bearer(apiKey) });
}

function fetchAs(partner: string, format: string, headers = {}, method = 'GET'): Promise<Answer> {
  const { key = '' } = keys.get(partner) ?? {};
  const path = `/partners/${partner}/${FEED}.${format}`;
  return ask(service.port, path, { method, headers: { ...bearer(key), ...headers } });
}

interface Changes {
  readonly items: readonly { readonly change: string; readonly id: string; readonly reason?: string }[];
  readonly cursor: string;
  readonly hasMore: boolean;
}

/** By partner: how far it has read its change feed. */
const cursors = new Map<string, string>();

/** What the change feed of a partner has since the last look: kind, id and reason of each change. */
async function changesFor(partner: string): Promise<string[]> {
  const { key = '' } = keys.get(partner) ?? {};
  const known = cursors.get(partner);
  const path = `/partners/${partner}/changes${known === undefined ? '' : `?since=${known}`}`;
  const answer = await ask(service.port, path, { headers: bearer(key) });
  expect([partner, answer.status]).toEqual([partner, 200]);
  const { items, cursor, hasMore } = JSON.parse(decoded(answer).toString()) as Changes;
  expect(hasMore).toBe(false);
  cursors.set(partner, cursor);
  return items.map(({ change, id, reason }) => [change, id.replace(/^.*:/, ''), reason].join(' ').trim());
}

/** Those that read their change feeds. */
const READERS = [...PARTNERS.map(({ id }) => id), FOLLOWER];

/** The item of a story, whatever the format calls it; undefined where the document has none. */
function itemIn(text: string, format: string, name: string): string | undefined {
  const isOf = (item: string) => new RegExp(`[:/]${name}["<?]`).test(item);
  if (format !== 'json') return text.match(/<(item|entry|at:deleted-entry)[ >].*?(?:<\/\1>|\/>(?=\s*<))/gs)?.find(isOf);
  const parsed = JSON.parse(text);
  const items: unknown[] = Array.isArray(parsed) ? parsed : parsed.items;
  return items.map((item) => JSON.stringify(item)).find(isOf);
}

/** The documents of all partners by their addresses. */
type Documents = ReadonlyMap<string, Answer>;

async function fetchAll(headersOf: (address: string) => object = () => ({})): Promise<Documents> {
  const found = new Map<string, Answer>();
  for (const { id, formats } of PARTNERS) {
    for (const format of formats) {
      const address = `${id}.${format}`;
      found.set(address, await fetchAs(id, format, headersOf(address)));
    }
  }
  return found;
}

const tagOf = (answer: Answer | undefined) => ({ 'If-None-Match': answer?.headers.etag });
const dateOf = (answer: Answer | undefined) => ({ 'If-Modified-Since': answer?.headers['last-modified'] });

function expectMarks(documents: Documents, name: Name, at: number): void {
  for (const { id, dialect, formats } of PARTNERS) {
    for (const format of formats) {
      const address = `${id}.${format}`;
      const answer = documents.get(address);
      expect([address, answer?.status]).toEqual([address, 200]);
      const item = itemIn(answer?.text ?? '', format, name);
      expect([address, item !== undefined]).toEqual([address, isMarked(dialect, format)]);
      MARKS[`${dialect}.${format}`]?.(item ?? '', at);
      expect(answer?.text).not.toContain('The new words');
      expect(itemIn(answer?.text ?? '', format, 'staying'), address).toBeDefined();
    }
  }
}

interface Ended {
  readonly article: string;
  readonly kind: string;
  readonly at: string;
  readonly receipts: readonly { readonly partner: string; readonly state: string }[];
}

/** The receipts of a story, once the last delivery is recorded: by partner, what is known of it. */
async function expectReceipts(name: Name, at: number, expected: Readonly<Record<string, object>>): Promise<void> {
  const { kind } = ENDINGS[name];
  await expect
    .poll(async () => {
      const { withdrawals } = JSON.parse((await api('/api/withdrawals')).text) as { withdrawals: readonly Ended[] };
      const found = withdrawals.find(({ article }) => article === name);
      const receipts = found?.receipts.map(({ partner, ...receipt }) => [partner, receipt] as const);
      return { kind: found?.kind, at: found?.at, receipts: Object.fromEntries(receipts ?? []) };
    })
    .toEqual({ kind, at: iso(at).replace('.000', ''), receipts: expected });
}

const unseen = {
  ...Object.fromEntries(SILENT.map((id) => [id, { state: 'not seen' }])),
  [NEVER]: { state: 'never fetched' },
};

/** All partners that fetch their documents have seen it at that moment. */
function seenAt(at: number): Readonly<Record<string, object>> {
  const seen = PARTNERS.map(({ id }) => {
    return [id, { state: 'seen', at: iso(at).replace('.000', ''), key: keys.get(id)?.id, feed: FEED }];
  });
  const follower = { state: 'seen', at: iso(at).replace('.000', ''), key: keys.get(FOLLOWER)?.id, feed: 'changes' };
  return { ...unseen, ...Object.fromEntries(seen), [FOLLOWER]: follower };
}

describe('one taking back reaches every partner', () => {
  let before: Documents;

  test('that has the stories', async () => {
    before = await fetchAll();
    for (const [address, { text }] of before) {
      const format = address.slice(address.lastIndexOf('.') + 1);
      for (const name of [...Object.keys(ENDINGS), 'staying'])
        expect([address, name, itemIn(text, format, name) !== undefined]).toEqual([address, name, true]);
    }
    for (const id of SILENT) expect((await fetchAs(id, 'rss')).status).toBe(200);
    expect((await fetchAs(OTHER, 'rss')).text).not.toContain('The story');
    const published = [...Object.keys(ENDINGS), 'staying'].map((name) => `published ${name}`).sort();
    for (const id of READERS) expect([id, (await changesFor(id)).sort()]).toEqual([id, published]);
    expect(await changesFor(OTHER)).toEqual([]);
  });

  describe.each(Object.entries(ENDINGS) as [Name, (typeof ENDINGS)[Name]][])('%s', (name, { at, kind }) => {
    test('whose next poll, conditional or not, brings the mark of its dialect, and never a 304', async () => {
      now = at - 1;
      for (const [address, { status }] of await fetchAll((each) => tagOf(before.get(each))))
        expect([address, status]).toEqual([address, 304]);
      now = at;
      if (kind === 'withdrawn') await withdraw(name);
      if (CORRECTIONS[kind] !== undefined) await put(name, CORRECTIONS[kind], 200);
      expectMarks(await fetchAll((address) => tagOf(before.get(address))), name, at);
      expectMarks(await fetchAll((address) => dateOf(before.get(address))), name, at);
      for (const id of READERS) expect([id, await changesFor(id)]).toEqual([id, [`withdrawn ${name} ${kind}`]]);
      expect(await changesFor(OTHER)).toEqual([]);
      const after = await fetchAll();
      expectMarks(after, name, at);
      for (const conditions of [tagOf, dateOf]) {
        now += SECOND;
        for (const [address, { status }] of await fetchAll((each) => conditions(after.get(each))))
          expect([address, status]).toEqual([address, 304]);
      }
      before = after;
    });

    test('whose receipts say who has seen it, and who has not', async () => {
      expect((await fetchAs('head-only', 'rss', {}, 'HEAD')).status).toBe(200);
      await expectReceipts(name, at, seenAt(at));
    });
  });

  test('in the second of its last fetch as well', async () => {
    now = NOW + 20 * MINUTE + 100;
    await put('sudden', {});
    const last = await fetchAll();
    now += 300;
    await withdraw('sudden');
    for (const conditions of [tagOf, dateOf]) {
      const documents = await fetchAll((address) => conditions(last.get(address)));
      for (const [address, { status, text }] of documents) {
        expect([address, status]).toEqual([address, 200]);
        expect(text).not.toBe(last.get(address)?.text);
      }
    }
  });

  test.each(Object.entries(ENDINGS) as [Name, (typeof ENDINGS)[Name]][])(
    '%s, and is gone after the retention, which the next poll says',
    async (name, { at }) => {
      now = at + RETENTION - 1;
      before = await fetchAll();
      for (const { id, dialect, formats } of PARTNERS) {
        for (const format of formats) {
          const item = itemIn(before.get(`${id}.${format}`)?.text ?? '', format, name);
          expect([id, format, item !== undefined]).toEqual([id, format, isMarked(dialect, format)]);
        }
      }
      now = at + RETENTION;
      for (const conditions of [tagOf, dateOf]) {
        for (const { id, dialect, formats } of PARTNERS) {
          for (const format of formats) {
            const hadMark = isMarked(dialect, format);
            const answer = await fetchAs(id, format, conditions(before.get(`${id}.${format}`)));
            if (hadMark) expect([id, format, answer.status]).toEqual([id, format, 200]);
            if (answer.status === 200) expect(itemIn(answer.text, format, name)).toBeUndefined();
          }
        }
      }
      cursors.delete(FOLLOWER);
      expect((await changesFor(FOLLOWER)).join()).not.toContain(name);
      const seen = Object.entries(seenAt(at));
      const known = seen.map(([id, receipt]) => {
        const { state } = receipt as { readonly state: string };
        return [id, state === 'seen' ? receipt : { state: 'expired', known: state }];
      });
      await expectReceipts(name, at, Object.fromEntries(known));
    },
  );
});
