import { beforeEach, describe, expect, test } from 'vitest';
import type { Partner } from '../../src/config/partners.ts';
import { parsePublication } from '../../src/config/publication.ts';
import { createChangeAnswers } from '../../src/partner/change-answers.ts';
import { CURSOR_LENGTH, createCursorSeal, openCursorSeal, type Position } from '../../src/partner/change-cursor.ts';
import { type ChangeFormat, createChangeItems } from '../../src/partner/change-items.ts';
import { article, PUBLICATION } from '../helpers.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';
import { dialects, partnerOf } from './partners.ts';

const BEGIN = Date.UTC(2026, 10, 22, 12);
const MINUTE = 60_000;
const DAY = 86_400_000;
const wire = partnerOf();
const publication = parsePublication(PUBLICATION, '/dev/null');

let store: MemoryStore;
let settings: Map<string, string>;
let at: number;
let unrendered: string[];

beforeEach(() => {
  store = memoryStore();
  settings = new Map();
  at = BEGIN;
  unrendered = [];
});

function answers() {
  const items = createChangeItems({ publication, dialects, report: (stored) => unrendered.push(stored.article.id) });
  const settingsStore = {
    setting: async (name: string) => settings.get(name),
    keepSetting: async (name: string, value: string) => {
      settings.set(name, settings.get(name) ?? value);
      return settings.get(name) ?? '';
    },
  };
  return createChangeAnswers({ store: { ...store, ...settingsStore }, publication, items, now: () => at });
}

interface Written {
  readonly items: readonly Record<string, unknown>[];
  readonly cursor: string;
  readonly next: string;
  readonly hasMore: boolean;
}

/** Another process each time: what a page has depends on its cursor alone. */
async function read(
  partner: Partner = wire,
  since?: string,
  { limit = 100, format = 'json' }: { limit?: number; format?: ChangeFormat } = {},
): Promise<Written> {
  const changes = answers();
  const page = await changes.page(partner, await changes.positionOf(partner, since), limit);
  return JSON.parse(await changes.write(partner, page, { limit, format, parameters: {} }));
}

function put(id: string, fields: Readonly<Record<string, unknown>> = {}): void {
  const published = {
    url: `https://news.example/${id}`,
    title: `Story ${id}`,
    publishedAt: new Date(at).toISOString(),
  };
  store.put(article({ id, ...published, ...fields }), at);
}

const told = ({ items }: Written) =>
  items.map(({ change, id, reason }) => [change, String(id).split(':').at(-1), reason].join(' ').trim());

describe('the items', () => {
  test('have what happened, when, and the story', async () => {
    put('a');
    const { items, next, hasMore, cursor } = await read();

    expect(items).toEqual([
      {
        change: 'published',
        at: '2026-11-22T12:00:00Z',
        id: 'tag:news.example,2026:a',
        item: { title: 'Story a', url: 'https://news.example/a' },
      },
    ]);
    expect(next).toBe(`https://feeds.news.example/partners/wire/changes?since=${cursor}`);
    expect(hasMore).toBe(false);
  });

  test('say why a story is gone, with its remains where the format has some', async () => {
    put('a');
    const { cursor } = await read();
    at += MINUTE;
    store.withdraw('a', at, 'It was wrong.');

    const gone = { change: 'withdrawn', at: '2026-11-22T12:01:00Z', id: 'tag:news.example,2026:a' };
    expect((await read(wire, cursor)).items).toEqual([{ ...gone, reason: 'withdrawn', note: 'It was wrong.' }]);
    expect((await read(wire, cursor, { format: 'ninjs' })).items).toEqual([
      {
        ...gone,
        reason: 'withdrawn',
        note: 'It was wrong.',
        item: { uri: 'tag:news.example,2026:a', canceled: '2026-11-22T12:01:00Z' },
      },
    ]);
  });

  test('have the note of a correction', async () => {
    put('a');
    const { cursor } = await read();
    at += MINUTE;
    const corrected = article({ id: 'a', publishedAt: new Date(BEGIN).toISOString(), title: 'Another title' });
    store.put({ ...corrected, correction: { note: 'The name was wrong.', at } }, at);

    expect((await read(wire, cursor)).items).toMatchObject([
      { change: 'corrected', at: '2026-11-22T12:01:00Z', note: 'The name was wrong.' },
    ]);
  });

  test('leave out a story that cannot be rendered, and say so to the operator', async () => {
    put('a', { title: 'broken' });
    put('b');

    expect(told(await read())).toEqual(['published b']);
    expect(unrendered).toEqual(['a']);
  });
});

describe('what a partner learns', () => {
  test.each([0, 90 * MINUTE])(
    'nothing of a story under embargo that gets dates by which it was over, with a delay of %d',
    async (delay) => {
      const partner = partnerOf({ delay });
      const moment = (minutes: number) => new Date(at + minutes * MINUTE).toISOString();
      const { cursor } = await read(partner);
      put('a', { embargoUntil: moment(20) });
      put('a', { publishedAt: moment(-120), expiresAt: moment(-111) });
      expect(told(await read(partner, cursor))).toEqual([]);
      at += 2 * MINUTE;
      put('a', { publishedAt: moment(-122), expiresAt: moment(-113), title: 'Another title' });
      expect(told(await read(partner, cursor))).toEqual([]);
    },
  );

  test('first everything that it can see, then what changed, page by page', async () => {
    for (const id of ['a', 'b', 'c']) {
      put(id);
      at += 1000;
    }
    store.withdraw('b', at);
    const first = await read(wire, undefined, { limit: 2 });
    expect(told(first)).toEqual(['published a', 'published c']);
    expect(first.hasMore).toBe(true);
    const second = await read(wire, first.cursor, { limit: 2 });
    expect(told(second)).toEqual(['withdrawn b withdrawn']);
    expect(second.hasMore).toBe(false);

    put('a', { title: 'Corrected', publishedAt: new Date(BEGIN).toISOString() });
    put('d');
    expect(told(await read(wire, second.cursor))).toEqual(['corrected a', 'published d']);
  });

  test('of a story that comes and goes within a span, nothing but its end', async () => {
    const { cursor } = await read();
    put('a');
    store.withdraw('a', at + 1000);
    put('b', { expiresAt: new Date(at + MINUTE).toISOString() });
    at += 2 * MINUTE;

    const both = ['withdrawn a withdrawn', 'withdrawn b expired'];
    expect(told(await read(wire, cursor))).toEqual(both);
    expect(told(await read())).toEqual(both);
  });

  test('not a word of a story that was withdrawn before it appeared', async () => {
    const partner = partnerOf({ delay: 10 * MINUTE });
    const { cursor } = await read(partner);
    put('a');
    put('b', { publishedAt: new Date(at + MINUTE).toISOString() });
    const held = await read(partner, cursor);
    store.withdraw('a', at + 5 * MINUTE);
    store.withdraw('b', at + 5 * MINUTE);
    at += DAY;

    expect(told(held)).toEqual([]);
    expect(told(await read(partner, held.cursor))).toEqual([]);
  });

  test('nothing one millisecond before the holdback ends, and then the corrected story once', async () => {
    const partner = partnerOf({ delay: 10 * MINUTE });
    put('a');
    const first = await read(partner);
    at += MINUTE;
    put('a', { title: 'Corrected', publishedAt: new Date(BEGIN).toISOString() });
    const second = await read(partner, first.cursor);
    at = BEGIN + 10 * MINUTE - 1;
    const third = await read(partner, second.cursor);
    at += 1;

    expect([first, second, third].map(told)).toEqual([[], [], []]);
    const fourth = await read(partner, third.cursor);
    expect(fourth.items).toMatchObject([{ change: 'published', at: '2026-11-22T12:10:00Z' }]);
    expect(told(await read(partner, fourth.cursor))).toEqual([]);
  });

  test('the end of the rights, of which readers learn nothing', async () => {
    store.put(
      { ...article({ id: 'a', publishedAt: new Date(at).toISOString() }), rights: { endsAt: at + MINUTE } },
      at,
    );
    store.put({ ...article({ id: 'b', url: 'https://news.example/b' }), rights: { partners: ['other'] } }, at);
    const { cursor, items } = await read();
    at += MINUTE;

    expect(items).toHaveLength(1);
    expect(told(await read(wire, cursor))).toEqual(['withdrawn a rights-ended']);
  });

  test('the end of a story that a correction has dated back', async () => {
    const partner = partnerOf({ delay: MINUTE });
    put('a');
    at += 2 * MINUTE;
    const { cursor, items } = await read(partner);
    put('a', { publishedAt: new Date(BEGIN).toISOString(), expiresAt: new Date(BEGIN + 1000).toISOString() });

    expect(items).toHaveLength(1);
    expect(told(await read(partner, cursor))).toEqual(['withdrawn a expired']);
  });

  test('the withdrawal of a story that was erased', async () => {
    put('a');
    const { cursor } = await read();
    store.erase('a', at + 1000);
    at += MINUTE;

    expect(told(await read(wire, cursor))).toEqual(['withdrawn a withdrawn']);
  });

  test('a story that breaks a rule of the dialect only once it no longer does, and the reverse', async () => {
    const partner = partnerOf({ dialect: 'msn' });
    put('a', { title: 'Ugh' });
    put('b');
    const first = await read(partner);
    at += MINUTE;
    const before = { publishedAt: new Date(BEGIN).toISOString(), updatedAt: new Date(BEGIN + 1000).toISOString() };
    put('a', { ...before, title: 'A whole title' });
    put('b', { ...before, title: 'Ugh' });
    const second = await read(partner, first.cursor);

    expect(told(first)).toEqual(['published b']);
    expect(told(second)).toEqual(['corrected a', 'withdrawn b rule']);
    // A correction has the date of its record; the loss is as old as the change that made the story break the rule.
    expect(second.items).toMatchObject([
      { at: '2026-11-22T12:00:01Z' },
      { at: '2026-11-22T12:01:00Z', note: 'A title has at least five characters.' },
    ]);
  });

  test('nothing of the end of a story that rules had kept out', async () => {
    const partner = partnerOf({ dialect: 'msn' });
    put('a', { title: 'Ugh', expiresAt: new Date(BEGIN + MINUTE).toISOString() });
    put('b', { title: 'Oh' });
    const { cursor } = await read(partner);
    store.withdraw('b', at + 1000);
    at += 2 * MINUTE;

    expect(told(await read(partner, cursor))).toEqual([]);
  });

  test('with a shorter holdback, the stories that the longer one held back; with another selection, all again', async () => {
    const long = partnerOf({ delay: 60 * MINUTE });
    put('a', { sections: ['World'] });
    at += 2 * MINUTE;
    const first = await read(long);
    expect(told(first)).toEqual([]);

    const second = await read({ ...long, delay: MINUTE }, first.cursor);
    expect(told(second)).toEqual(['published a']);

    const third = await read({ ...long, delay: MINUTE, feeds: ['section/world'] }, second.cursor);
    expect(told(third)).toEqual(['published a']);
    expect(told(await read({ ...long, delay: MINUTE, feeds: ['section/world'] }, third.cursor))).toEqual([]);
  });

  test('begins with no story that is older than the window of its feeds', async () => {
    put('old');
    at += DAY;
    put('new');

    expect(told(await read(partnerOf({ window: { offset: 0, age: DAY / 2 } })))).toEqual(['published new']);
  });
});

describe('a cursor', () => {
  const refused = { code: 'invalid_query', hint: 'Begin again at /partners/wire/changes, without “since”.' };

  test('is another text of the same length each time, and tells nothing', async () => {
    const pages = [await read(), await read(wire)];
    put('a');
    pages.push(await read());
    const cursors = pages.map(({ cursor }) => cursor);

    expect(new Set(cursors).size).toBe(3);
    expect(new Set(cursors.map((cursor) => cursor.length))).toEqual(new Set([CURSOR_LENGTH]));
    expect([...new Set(cursors.map((cursor) => cursor.slice(0, 8)))]).toHaveLength(3);
  });

  test('is of one partner, and of one key', async () => {
    const { cursor } = await read();

    await expect(read(partnerOf({ id: 'other' }), cursor)).rejects.toMatchObject({ code: 'invalid_query' });
    settings.clear();
    await expect(read(wire, cursor)).rejects.toMatchObject(refused);
  });

  test('cannot be forged', async () => {
    const { cursor } = await read();
    const flipped = [0, 40, CURSOR_LENGTH - 1].map((place) => {
      const other = cursor[place] === 'A' ? 'B' : 'A';
      return cursor.slice(0, place) + other + cursor.slice(place + 1);
    });

    for (const text of [...flipped, '', '0', `${cursor}=`, `${cursor}A`, cursor.slice(1), 'é'.repeat(CURSOR_LENGTH)])
      await expect(read(wire, text)).rejects.toMatchObject(refused);
  });

  test('ends with the retention of the partner', async () => {
    const { cursor } = await read();
    at += wire.retention;
    expect(told(await read(wire, cursor))).toEqual([]);
    at += 1;

    await expect(read(wire, cursor)).rejects.toMatchObject({
      code: 'cursor_expired',
      hint: 'Begin again at /partners/wire/changes, without “since”.',
    });
  });

  test('keeps every number of a position', () => {
    const seal = createCursorSeal(new Uint8Array(32).fill(7));
    const position: Position = {
      revision: Number.MAX_SAFE_INTEGER,
      time: BEGIN,
      number: 3,
      readAt: BEGIN - 1,
      readRevision: 5,
      isBeginning: true,
      delay: 0.5,
      selection: 2 ** 48 - 1,
    };

    expect(seal.open('wire', seal.seal('wire', { position, issuedAt: BEGIN }))).toEqual({ position, issuedAt: BEGIN });
  });

  test('is sealed with the key that the first process has kept', async () => {
    const kept: string[] = [];
    const shared = {
      setting: async () => undefined, // both look before one of them keeps its key
      keepSetting: async (_name: string, value: string) => {
        kept.push(value);
        return kept[0] ?? '';
      },
    };
    const [one, other] = [await openCursorSeal(shared), await openCursorSeal(shared)];
    const position = {
      revision: 1,
      time: 2,
      number: 3,
      readAt: 4,
      readRevision: 5,
      isBeginning: false,
      delay: 6,
      selection: 7,
    };

    expect(kept[0]).not.toBe(kept[1]);
    expect(other.open('wire', one.seal('wire', { position, issuedAt: 8 }))?.position).toEqual(position);
  });
});
