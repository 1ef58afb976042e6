import { describe, expect, test } from 'vitest';
import type { Article } from '../../src/article/article.ts';
import { articleText } from '../../src/article/stored.ts';
import { parsePublication } from '../../src/config/publication.ts';
import { createArranger } from '../../src/document/arranger.ts';
import { FORMATS, type Format } from '../../src/feed/feeds.ts';
import { atom } from '../../src/format/atom.ts';
import { json } from '../../src/format/json.ts';
import { rss } from '../../src/format/rss.ts';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { article, newsroom, PUBLICATION, record } from '../helpers.ts';
import { feedsmith } from '../peers/feedsmith.ts';

const NOW = Date.UTC(2026, 10, 22);
const RENDERERS = { rss, atom, json };
const publication = parsePublication(
  `${PUBLICATION}feeds:
  - { id: two, title: Two, entries: 2 }
  - { id: short, title: Short, content: summary }
  - { id: arabic, title: Arabic, language: ar }
`,
  'publication.yaml',
);

async function room(...records: readonly unknown[]) {
  const store = openSqliteStore(':memory:');
  await store.backfillFeeds(publication.feeds, () => NOW);
  const announce = () => undefined;
  const publisher = createPublisher({
    store,
    parse: parseHere(newsroom),
    now: () => NOW,
    announce,
  });
  await publisher.publish(records.map(unparsedRecord));
  const reported: string[] = [];
  const report = (id: string, format: Format, error: unknown) =>
    reported.push(`${id} ${format} ${error instanceof Error}`);
  const clock = { now: 0 };
  const parts = { store, publication, report, entryBytes: 1_000_000, clock: () => clock.now };
  const { arrange, forgetErased, counts } = createArranger(parts);
  const text = async (key: string, format: Format, at = NOW) =>
    (await arrange(key, format, at))?.bytes.toString() ?? '';
  return { store, clock, ...publisher, reported, arrange, forgetErased, counts, text };
}

const options = { content: 'full' as const, feedLanguage: 'en', feedsUrl: newsroom.feedsUrl, publisher: publication };
const fields = [
  { id: 'c', publishedAt: '2026-11-20T12:00:00Z', language: 'ar' },
  { id: 'b', publishedAt: '2026-11-20T11:00:00Z', updatedAt: '2026-11-21T00:00:00Z' },
  { id: 'a' },
];
const records = fields.map(record);

describe.each(FORMATS)('a document in %s', (format) => {
  const { head, separator, tail, entry } = RENDERERS[format];

  test('is head, entries and tail', async () => {
    const { arrange } = await room(...records);
    const document = await arrange('latest', format, NOW);
    const feed = {
      key: 'latest',
      title: 'The Test Post',
      description: 'News for tests.',
      language: 'en',
      entries: 50,
      content: 'full' as const,
    };
    const entries = fields.map((each) => entry(article(each), options));
    const dates = { updatedAt: Date.UTC(2026, 10, 21), publishedAt: Date.UTC(2026, 10, 20, 12) };
    expect(document?.bytes.toString()).toBe(
      head({ feed, publication, tombstones: [], ...dates }) + entries.join(separator) + tail,
    );
    expect(document).toMatchObject({ feed, format, changedAt: Date.UTC(2026, 10, 21) });
    expect(document).not.toHaveProperty('nextChangeAt');
  });

  test('of a feed without entries is head and tail', async () => {
    const { text } = await room();
    expect(await text('latest', format)).toMatch(tail);
    expect(await text('section/x', format)).toBe('');
  });

  test('holds as many entries as its feed allows', async () => {
    const { text } = await room(...records);
    expect(feedsmith(await text('two', format)).map(({ id }) => id)).toEqual([
      'tag:news.example,2026:c',
      'tag:news.example,2026:b',
    ]);
  });

  test('has the content and language of its feed, whichever feed was made first', async () => {
    const { text } = await room(...records);
    const first = await text('latest', format);
    const short = await text('short', format);
    const arabic = await text('arabic', format);
    expect(feedsmith(short).map(({ body }) => body)).toEqual(['A body.', 'A body.', 'A body.']);
    expect(arabic).toContain(entry(article(fields[0]), { ...options, feedLanguage: 'ar' }));
    expect(await text('latest', format)).toBe(first);
    const other = await room(...records);
    expect([
      await other.text('arabic', format),
      await other.text('short', format),
      await other.text('latest', format),
    ]).toEqual([arabic, short, first]);
  });

  test('has the same bytes on two instances, in whatever order articles came', async () => {
    const [one, other] = [await room(...records), await room(...records.toReversed())];
    expect(await one.text('latest', format)).toBe(await other.text('latest', format));
  });

  test('follows a change and a withdrawal', async () => {
    const { text, publish, withdraw } = await room(...records);
    await text('latest', format);
    await publish([unparsedRecord(record({ id: 'a', title: 'New' }))]);
    await withdraw([{ id: 'b' }]);
    expect(feedsmith(await text('latest', format)).map(({ title }) => title.includes('New'))).toEqual([false, true]);
  });

  test('omits an article that cannot be rendered, and reports it', async () => {
    const { store, text, reported } = await room(...records);
    const bad: Article = { ...article({ id: 'bad' }), ...JSON.parse('{ "authors": null }') };
    await store.apply(
      [{ kind: 'put', article: articleText(bad), record: '{}', feeds: [{ key: 'latest', name: '' }], changedAt: 0 }],
      () => NOW,
    );
    expect(feedsmith(await text('latest', format))).toHaveLength(3);
    expect(reported).toEqual([`bad ${format} true`]);
  });
});

test.each(['rss', 'atom'] as const)('a character that is not XML is never served in %s', async (format) => {
  const { store, text, reported } = await room(...records);
  const bad = { ...article({ id: 'bad' }), title: 'a\u0001' };
  await store.apply(
    [{ kind: 'put', article: articleText(bad), record: '{}', feeds: [{ key: 'latest', name: '' }], changedAt: 0 }],
    () => NOW,
  );
  expect(feedsmith(await text('latest', format))).toHaveLength(3);
  expect(reported).toEqual([`bad ${format} true`]);
});

test.each([
  ['rss', '<p>a</item>\n        <item>b</p>'],
  ['atom', '<p>a</entry>\n    <entry>b</p>'],
] as const)(
  'an entry in %s whose body looks like the end of an entry is rendered like all others',
  async (format, html) => {
    const { store, text, reported } = await room(...records);
    const odd: Article = { ...article({ id: 'odd', publishedAt: '2026-11-19T10:00:00Z' }), html };
    await store.apply(
      [{ kind: 'put', article: articleText(odd), record: '{}', feeds: [{ key: 'latest', name: '' }], changedAt: 0 }],
      () => NOW,
    );
    const { entry, tail } = RENDERERS[format];
    const entries = [...fields.map((each) => article(each)), odd].map((each) => entry(each, options));
    expect((await text('latest', format)).endsWith(entries.join('') + tail)).toBe(true);
    expect(reported).toEqual([]);
  },
);

test.each(['rss', 'atom'] as const)('entries in %s are the same however many are rendered together', async (format) => {
  const sizes = Array.from({ length: 60 }, (_, index) => (index % 9 === 0 ? 20_000 : 3));
  const many = sizes.map((words, index) => ({
    id: `many-${index}`,
    body: `<p>${'word '.repeat(words)}</p>`,
    publishedAt: new Date(NOW - 1000 * index).toISOString(),
  }));
  const { text } = await room(...many.map(record));
  const entries = many.slice(0, 50).map((each) => RENDERERS[format].entry(article(each), options));
  expect((await text('latest', format)).endsWith(entries.join('') + RENDERERS[format].tail)).toBe(true);
});

test.each([
  ['an embargo ends', { id: 'e', embargoUntil: '2026-11-23T00:00:00Z' }, 3, 4],
  ['a licence expires', { id: 'e', expiresAt: '2026-11-23T00:00:00Z' }, 4, 3],
])('a document changes at the moment %s', async (_, extra, before, after) => {
  const { arrange } = await room(...records, record(extra));
  const moment = Date.UTC(2026, 10, 23);
  const at = async (time: number) => {
    const document = await arrange('latest', 'json', time);
    const changed = document?.changedAt === moment;
    return [feedsmith(document?.bytes.toString() ?? '').length, document?.nextChangeAt, changed];
  };
  expect(await at(moment - 1)).toEqual([before, moment, false]);
  expect(await at(moment)).toEqual([after, undefined, true]);
});

test('a removal is a change of the document, and of its head', async () => {
  const { arrange, withdraw } = await room(...records);
  await withdraw([{ id: 'c' }]);
  const document = await arrange('latest', 'atom', NOW);
  expect(document?.changedAt).toBe(NOW);
  expect(document?.bytes.toString()).toContain('    <updated>2026-11-22T00:00:00.000Z</updated>\n');
});

describe('a document that nobody waits for', () => {
  const ALL = 50;
  const fifty = Array.from({ length: ALL }, (_, index) => {
    const publishedAt = new Date(NOW - 1000 * (index + 1)).toISOString();
    return record({ id: `many-${index}`, publishedAt });
  });

  /** Makes the document, counts the rounds of the event loop that it takes, and does some work in one of them. */
  async function inPieces(
    then: { round: number; work: (raisePriority: () => void) => unknown } = { round: 0, work: () => {} },
  ) {
    const { store, publish, arrange, text } = await room(...fifty);
    const asked: number[] = [];
    const { articles } = store;
    store.articles = async (numbers) => {
      asked.push(numbers.length);
      return await articles(numbers);
    };
    let isAwaited = false;
    const raisePriority = () => {
      isAwaited = true;
    };
    let rounds = 0;
    let isMade = false;
    const made = arrange('latest', 'rss', NOW, () => isAwaited).finally(() => {
      isMade = true;
    });
    for (; !isMade; rounds += 1) {
      if (rounds === then.round) await then.work(raisePriority);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { store, publish, rounds, asked, made: (await made)?.bytes.toString(), text };
  }

  test('is made a few entries at a time, with rounds for others in between', async () => {
    const { rounds, asked, made, text } = await inPieces();
    expect(Math.max(...asked)).toBeLessThanOrEqual(4);
    expect(rounds).toBeGreaterThan((5 * ALL) / 4); // several for each piece, as many as a request takes
    expect(made).toBe(await text('latest', 'rss'));
  });

  test('is made without a pause as soon as somebody waits for it', async () => {
    const { rounds, asked, made, text } = await inPieces({ round: 5, work: (raisePriority) => raisePriority() });
    expect(rounds).toBeLessThan(8);
    expect(Math.max(...asked)).toBeGreaterThan(10);
    expect(made).toBe(await text('latest', 'rss'));
  });
});

describe('a large document that somebody waits for', () => {
  const ALL = 50;
  const fifty = Array.from({ length: ALL }, (_, index) =>
    record({ id: `many-${index}`, publishedAt: new Date(NOW - 1000 * (index + 1)).toISOString() }),
  );

  /** Makes the document. Each article takes so many milliseconds, after which something happens. */
  async function arrangeSlowly(
    takes: number,
    then: (number: number, publish: (record: unknown) => unknown) => unknown,
  ) {
    const { store, clock, publish, arrange, text } = await room(...fifty);
    const asked: number[] = [];
    const { articles } = store;
    store.articles = async (numbers) => {
      asked.push(numbers.length);
      const found = await articles(numbers);
      clock.now += takes * numbers.length;
      await then(asked.length, (changed) => publish([unparsedRecord(changed)]));
      return found;
    };
    let rounds = 0;
    let isMade = false;
    const made = arrange('latest', 'rss', NOW).finally(() => {
      isMade = true;
    });
    for (; !isMade; rounds += 1) await new Promise((resolve) => setImmediate(resolve));
    store.articles = articles;
    return { rounds, asked, made: (await made)?.bytes.toString(), now: await text('latest', 'rss') };
  }

  test.each<[takes: number, sizes: readonly number[], rounds: number]>([
    [0, [1, 2, 4, 8, 16, 19], 1],
    [1, [1, 2, ...Array<number>(11).fill(4), 3], 5],
    [20, Array<number>(ALL).fill(1), ALL],
  ])(
    'is made in pieces: with %i ms for each entry, the event loop goes round after 10 ms',
    async (takes, sizes, rounds) => {
      const { asked, made, now, rounds: gone } = await arrangeSlowly(takes, () => {});

      expect(asked).toEqual(sizes);
      expect(Math.abs(gone - rounds)).toBeLessThanOrEqual(1);
      expect(made).toBe(now);
    },
  );

  test('is begun again if an article of it changes meanwhile', async () => {
    const { made, now } = await arrangeSlowly(20, (number, publish) => {
      const changed = { title: `Corrected ${number}`, publishedAt: new Date(NOW - 1000 * ALL).toISOString() };
      if (number < 5) return publish(record({ id: `many-${ALL - 1}`, ...changed }));
    });

    expect(made).toContain('Corrected 4');
    expect(made).toBe(now);
  });

  test('is made at once if articles of it change all the time', async () => {
    const { asked, made } = await arrangeSlowly(20, (number, publish) => {
      const index = ALL - 1 - (number % 2);
      const changed = { title: `Corrected ${number}`, publishedAt: new Date(NOW - 1000 * (index + 1)).toISOString() };
      return publish(record({ id: `many-${index}`, ...changed }));
    });

    expect(asked.length).toBeLessThan(2 * ALL);
    expect(made).toContain('Corrected');
  });
});

test.each([
  ['is corrected', record({ id: 'a', title: 'Corrected', publishedAt: '2026-11-20T10:00:00Z' }), 'Corrected'],
  [
    'is withdrawn',
    { ...record({ id: 'a' }), withdrawn: { at: '2026-11-21T00:00:00Z' } },
    '"id":"tag:news.example,2026:c"',
  ],
])(
  'if an article %s while a document is made in pieces, the document is as it is after that',
  async (_, changed, expected) => {
    const others = Array.from({ length: 9 }, (_, index) => record({ id: `other-${index}` }));
    const { publish, arrange } = await room(...records, ...others);
    const before = (await arrange('latest', 'json', NOW))?.bytes.toString();
    const fresh = await room(...records, ...others);
    const made = fresh.arrange('latest', 'json', NOW, () => false);
    await fresh.publish([unparsedRecord(changed)]);
    await publish([unparsedRecord(changed)]);
    const after = (await arrange('latest', 'json', NOW))?.bytes.toString();

    expect((await made)?.bytes.toString()).toBe(after);
    expect(after).not.toBe(before);
    expect(after).toContain(expected);
  },
);

test('the entries of an erased article are forgotten, in every version and format, and those of others are kept', async () => {
  const { text, publish, erase, forgetErased, counts } = await room(...records);
  for (const format of FORMATS) await text('latest', format);
  await publish([unparsedRecord(record({ ...fields[0], title: 'New' }))]);
  for (const format of FORMATS) await text('latest', format);
  await erase([{ id: 'c' }]);
  const before = counts();
  const found = [await forgetErased(), await forgetErased()];

  expect([before.count, counts().count, found]).toEqual([12, 6, [true, false]]);
});
