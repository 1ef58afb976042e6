import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CODINGS } from '../../src/document/content-codings.ts';
import { acceptsDelta, missingEntries, opaqueTag } from '../../src/document/delta.ts';
import { type Document, type EntrySpan, partialDocument } from '../../src/document/document.ts';
import { represent } from '../../src/document/representation.ts';
import { FORMATS, type Format } from '../../src/feed/feeds.ts';
import { sized } from '../soak/sizes.ts';

const DIGEST = 'sixteen-digits_1';
const SEPARATOR: Record<Format, string> = { rss: '', atom: '', json: ',\n' };

/** A document of these entries. `nameOf` makes an entry's name from its text. */
function document(entries: readonly string[], format: Format = 'rss', nameOf = identity): Document {
  const feed = { key: 'latest', title: 'T', description: 'D', language: 'en', entries: 50, content: 'full' as const };
  let end = HEAD.length - SEPARATOR[format].length;
  const parts = entries.map((entry): EntrySpan => {
    const start = end + SEPARATOR[format].length;
    end = start + entry.length;
    return { start, end, tag: nameOf(entry) };
  });
  return { feed, format, bytes: Buffer.from(joined(entries, format)), entries: parts, changedAt: 0 };
}

const HEAD = '<head>';
const TAIL = '</tail>';

function joined(entries: readonly string[], format: Format): string {
  return HEAD + entries.join(SEPARATOR[format]) + TAIL;
}

function identity(entry: string): string {
  return entry;
}

/** The name that an arranger gives to an entry. */
function nameOf(entry: string): string {
  return createHash('sha256').update(entry).digest('base64url').slice(0, 4);
}

function named(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index).padStart(4, '0'));
}

/** The names of the entries that a client with this tag may lack. */
function missing(ifNoneMatch: string | undefined, entries: readonly string[]): string[] | undefined {
  return missingEntries(ifNoneMatch, document(entries))?.map(({ tag }) => tag);
}

describe('a tag', () => {
  test.each([
    ['none', [], DIGEST],
    ['one', ['aaaa'], `${DIGEST}.aaaa`],
    ['some, in their order', ['bbbb', 'aaaa', 'cccc'], `${DIGEST}.bbbbaaaacccc`],
    ['one twice', ['aaaa', 'aaaa'], `${DIGEST}.aaaaaaaa`],
    ['as many as it can name', named(56), `${DIGEST}.${named(56).join('')}`],
    ['more than it can name', named(57), `${DIGEST}.${named(56).join('')}`],
    ['twice as many', named(112), `${DIGEST}.${named(56).join('')}`],
    ['more than that', named(113), DIGEST],
    ['far more', named(1000), DIGEST],
  ])('of a document of %s', (_, entries, expected) => {
    expect(opaqueTag(DIGEST, document(entries).entries)).toBe(expected);
  });

  test('is never longer than 255 characters, weak and in whichever coding', () => {
    const lengths = [0, 1, 55, 56, 57, 112, 113, 1000].flatMap((count) => {
      const { etag } = represent(document(named(count)));
      return CODINGS.map((coding) => `W/${etag(coding)}`.length);
    });

    expect(Math.max(...lengths)).toBe(`W/"${DIGEST}.${'0000'.repeat(56)}-gzip"`.length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(255);
  });
});

describe('of a document of aaaa, bbbb, aAaA and cccc, the client', () => {
  const tag = (rest: string) => `"${DIGEST}${rest}"`;

  test.each([
    ['without a tag', undefined, undefined],
    ['with an empty one', '', undefined],
    ['with any', '*', undefined],

    ['with a tag of two', tag('.aaaabbbb'), ['aAaA', 'cccc']],
    ['with a tag of two in another order', tag('.ccccaaaa'), ['bbbb', 'aAaA']],
    ['with a weak one', `W/${tag('.aaaabbbb')}`, ['aAaA', 'cccc']],
    ['with white space around it', ` \t${tag('.aaaabbbb')} `, ['aAaA', 'cccc']],
    ['with one of br', tag('.aaaabbbb-br'), ['aAaA', 'cccc']],
    ['with one of zstd', tag('.aaaabbbb-zstd'), ['aAaA', 'cccc']],
    ['with one of gzip', tag('.aaaabbbb-gzip'), ['aAaA', 'cccc']],
    ['with a weak one of gzip', `W/${tag('.aaaabbbb-gzip')}`, ['aAaA', 'cccc']],
    ['with a tag of one and of others that are gone', tag('.xxxxaaaayyyy'), ['bbbb', 'aAaA', 'cccc']],
    ['with a tag of all', tag('.aaaabbbbaAaAcccc'), []],
    ['with a tag of all and of another that is gone', tag('.aaaabbbbaAaAccccdddd'), []],
    ['with a tag of more than a tag can name', tag(`.${named(60).join('')}aaaa`), ['bbbb', 'aAaA', 'cccc']],

    ['with a tag of none of them', tag('.xxxxyyyy'), undefined],
    ['with a name spelt otherwise', tag('.AAAA'), undefined],
    ['with a tag that names no entries', tag(''), undefined],
    ['with a tag that names none, of gzip', tag('-gzip'), undefined],
    ['with a tag of no entries', tag('.'), undefined],
    ['with a tag of no entries, of br', tag('.-br'), undefined],
    ['with half a name', tag('.aaaabb'), undefined],
    ['with a coding that is none of ours', tag('.aaaabbbb-xz'), undefined],
    ['with one that reads as two names more', tag('.aaaabbbb-deflate'), ['aAaA', 'cccc']],
    ['with two codings', tag('.aaaabbbb-gzip-gzip'), undefined],
    ['with a coding in capitals', tag('.aaaabbbb-GZIP'), undefined],
    ['with a coding outside the quotes', `${tag('.aaaabbbb')}-gzip`, undefined],
    ['with a weak one in lower case', `w/${tag('.aaaabbbb')}`, undefined],
    ['without quotes', `${DIGEST}.aaaabbbb`, undefined],
    ['with one quote', `"${DIGEST}.aaaabbbb`, undefined],
    ['with a digest that is too short', '"sixteen-digits_.aaaabbbb"', undefined],
    ['with a digest that is too long', '"sixteen-digits_12.aaaabbbb"', undefined],
    ['with a sign that names do not have', tag('.aaaabb+b'), undefined],
    ['with several tags', `${tag('.aaaabbbb')}, ${tag('.aaaa')}`, undefined],
    ['with the same tag twice', `${tag('.aaaabbbb')}, ${tag('.aaaabbbb')}`, undefined],
    ["with another server's tag", '"5f8e-62b1a0c9d4e00"', undefined],
    ["with another server's weak tag", 'W/"33a64df551425fcc55e4d42a148795d9f25f89d4"', undefined],
  ])('%s', (_, ifNoneMatch, expected) => {
    expect(missing(ifNoneMatch, ['aaaa', 'bbbb', 'aAaA', 'cccc'])).toEqual(expected);
  });
});

test.each([
  ['no entries, to a client that had some', [], '.aaaa', []],
  ['no entries, to a client that had none', [], '', undefined],
  ['two of one name, to a client that has it', ['aaaa', 'bbbb', 'aaaa'], '.aaaabbbb', ['aaaa', 'aaaa']],
  ['two of one name, to a client that has it twice', ['aaaa', 'aaaa', 'bbbb'], '.aaaaaaaabbbb', ['aaaa', 'aaaa']],
  ['three of one name', ['aaaa', 'bbbb', 'aaaa', 'aaaa'], '.aaaabbbb', ['aaaa', 'aaaa', 'aaaa']],
  ['nothing but one name', ['aaaa', 'aaaa'], '.aaaa', undefined],
  ['as many as a tag can name', named(56), `.${named(55).join('')}`, ['0055']],
  ['more than a tag can name', named(57), `.${named(56).join('')}`, ['0056']],
  ['more than that, to a client that lacks a named one', named(58), `.${named(55).join('')}`, ['0055', '0056', '0057']],
  ['twice as many', named(112), `.${named(56).join('')}`, named(112).slice(56)],
  ['more than twice as many', named(113), `.${named(56).join('')}`, undefined],
])('of a document of %s', (_, entries, names, expected) => {
  expect(missing(`"${DIGEST}${names}"`, entries)).toEqual(expected);
});

describe('A-IM', () => {
  test.each([
    'feed',
    'FEED',
    ' feed ',
    '\tfeed',
    'feed;q=1',
    'feed; q=0.5',
    'feed ;q=0.001',
    'feed;Q=1.000',
    'feed;q=0.10',
    'feed;q=0.5 ',
    'feed;q=abc, feed',
    'vcdiff, feed',
    'feed,vcdiff',
    'diffe;q=1,feed;q=0.1,gzip',
    'feed;q=0, feed',
    ', feed,',
  ])('“%s” accepts feed', (header) => {
    expect(acceptsDelta(header)).toBe(true);
  });

  test.each([
    undefined,
    '',
    ',',
    'feed;q=0',
    'feed; q=0 ',
    'feed ; q=0',
    'feed;q=0.',
    'feed;q=0.0',
    'feed;q=0.000',
    'FEED;Q=0',
    'feed;q=abc',
    'feed;q=',
    'feed;q',
    'feed;q="1"',
    'feed;q=2',
    'feed;q=1.1',
    'feed;q=-1',
    'feed;q=0.5.5',
    'feed;q=0,5',
    'feed;q=NaN, feed;q=0',
    'feed;q=0, vcdiff',
    'vcdiff',
    'identity',
    '*',
    'feeds',
    'refeed',
    'feed-me',
    'feed me',
    'feed=1',
    'feed/1',
    '"feed"',
    'vcdiff;feed',
    'vcdiff;q=feed',
  ])('“%s” does not', (header) => {
    expect(acceptsDelta(header)).toBe(false);
  });

  test.each([
    [' ', false],
    ['feed ', false],
    ['feed;', false],
    [';', false],
    [',', false],
    ['feed,', true],
    ['feed;q=0.1', false],
    ['feed;q=0.', false],
  ])('of “%s” fifty thousand times is read before the test runs out of time', (part, expected) => {
    expect(acceptsDelta(part.repeat(50_000))).toBe(expected);
  });

  test.each(['0', '1'])('of a weight of a million times %s is read before the test runs out of time', (digit) => {
    expect(acceptsDelta(`feed;q=0.${digit.repeat(1_000_000)}`)).toBe(digit === '1');
    expect(acceptsDelta(`feed;q=0.${digit.repeat(1_000_000)}x`)).toBe(false);
  });
});

/** One of few entries, so that lists have many in common, and some twice. */
const entry = fc.integer({ min: 0, max: 80 }).map((number) => `entry ${number}`);
/** Lists that a tag can name, and longer ones. */
const lists = fc.oneof(fc.array(entry, { maxLength: 60 }), fc.array(entry, { minLength: 57, maxLength: 120 }));
const spelling = fc.tuple(fc.constantFrom('', 'W/'), fc.constantFrom('', '-br', '-zstd', '-gzip'));

test('a client that applies a delta has every entry, and gets none again that its tag names', {
  tags: ['soak'],
}, () => {
  fc.assert(
    fc.property(lists, lists, spelling, (before, now, [weak, coding]) => {
      const old = document(before, 'rss', nameOf);
      const ifNoneMatch = `${weak}"${opaqueTag(DIGEST, old.entries)}${coding}"`;
      const current = document(now, 'rss', nameOf);
      const delta = missingEntries(ifNoneMatch, current);
      const sent = (delta ?? current.entries).map(({ start, end }) => current.bytes.toString('utf8', start, end));

      expect(new Set([...before, ...sent])).toEqual(new Set([...before, ...now]));
      expect(now.filter((each) => sent.includes(each))).toEqual(sent);
      if (delta === undefined) return;
      const twice = now.filter((each, index) => now.indexOf(each) !== index);
      const named = before.slice(0, 56);
      expect(sent.filter((each) => named.includes(each) && !twice.includes(each))).toEqual([]);
    }),
    { numRuns: sized({ short: 500, soak: 5000, full: 100_000 }) },
  );
});

test('a client that gets only deltas has every entry as it is now, whatever is published, corrected or withdrawn', {
  tags: ['soak'],
}, () => {
  const change = fc.record({
    what: fc.constantFrom('publish', 'correct', 'correct', 'withdraw', 'poll'),
    at: fc.nat(),
  });
  const runs = sized({ short: 300, soak: 3000, full: 50_000 });
  let deltas = 0;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 120 }), fc.array(change, { maxLength: 60 }), (most, changes) => {
      /** Newest first, more than the feed shows. */
      let articles = Array.from({ length: 150 }, (_, index) => ({ id: 150 - index, version: 0 }));
      const has = new Map<string, string>();
      let tag: string | undefined;
      const poll = () => {
        const current = document(
          articles.slice(0, most).map(({ id, version }) => `${id} v${version}`),
          'rss',
          nameOf,
        );
        const delta = missingEntries(tag, current);
        if (delta !== undefined) deltas += 1;
        for (const { start, end } of delta ?? current.entries) {
          const [id = '', version = ''] = current.bytes.toString('utf8', start, end).split(' ');
          has.set(id, version);
        }
        for (const { id, version } of articles.slice(0, most)) expect(has.get(String(id))).toBe(`v${version}`);
        tag = `"${opaqueTag(DIGEST, current.entries)}"`;
      };
      poll();
      for (const [number, { what, at }] of changes.entries()) {
        const index = at % Math.min(articles.length, most + 2);
        if (what === 'poll') poll();
        else if (what === 'publish') articles = [{ id: 1000 + number, version: 0 }, ...articles];
        else if (what === 'withdraw') articles = articles.toSpliced(index, 1);
        else articles = articles.map((each, position) => (position === index ? { ...each, version: number } : each));
      }
      poll();
    }),
    { numRuns: runs },
  );
  expect(deltas).toBeGreaterThan(runs);
});

test('a client that has an entry of a document gets a delta if the entries can be named', { tags: ['soak'] }, () => {
  fc.assert(
    fc.property(fc.uniqueArray(entry, { minLength: 1, maxLength: 56 }), lists, (before, now) => {
      const tag = `"${opaqueTag(DIGEST, document(before, 'rss', nameOf).entries)}"`;
      const missed = missingEntries(tag, document(now, 'rss', nameOf));
      const known = now.some((each) => before.includes(each) && now.indexOf(each) === now.lastIndexOf(each));
      expect(missed !== undefined).toBe(now.length <= 112 && (known || now.length === 0));
    }),
    { numRuns: sized({ short: 500, soak: 5000, full: 100_000 }) },
  );
});

describe.each(FORMATS)('a document in %s', (format) => {
  test('with some of its entries is its head, these entries and its tail', () => {
    const some = fc
      .uniqueArray(entry, { maxLength: 20 })
      .chain((entries) => fc.tuple(fc.constant(entries), fc.subarray(entries)));
    fc.assert(
      fc.property(some, ([entries, chosen]) => {
        const whole = document(entries, format);
        const parts = whole.entries.filter(({ tag }) => chosen.includes(tag));
        expect(partialDocument(whole, parts).toString()).toBe(joined(chosen, format));
        expect(partialDocument(whole, whole.entries).equals(whole.bytes)).toBe(true);
      }),
    );
  });
});

describe('representations', () => {
  const texts = document(['entry 1', 'entry 2', 'entry 3'], 'json', nameOf);
  const tagOf = (...entries: string[]) => `"${opaqueTag(DIGEST, document(entries, 'json', nameOf).entries)}"`;

  test('make one delta for all clients that lack the same entries', () => {
    const { delta } = represent(texts);
    const made = delta(tagOf('entry 2', 'entry 3', 'entry 4'));

    expect(made?.identity.toString()).toBe(joined(['entry 1'], 'json'));
    expect(delta(tagOf('entry 3', 'entry 2'))).toBe(made);
    expect(delta(tagOf('entry 3'))?.identity.toString()).toBe(joined(['entry 1', 'entry 2'], 'json'));
    expect(delta(tagOf('entry 9'))).toBeUndefined();
    expect(delta(undefined)).toBeUndefined();
  });

  test('count the bytes of their deltas, and report the growth', async () => {
    let growths = 0;
    const onGrow = () => {
      growths += 1;
    };
    const { delta, size } = represent(texts, onGrow);
    const before = size();
    const made = delta(tagOf('entry 3'));
    const withDelta = size();
    const gzip = await made?.bytes('gzip');

    expect(withDelta - before).toBe(joined(['entry 1', 'entry 2'], 'json').length);
    expect(size() - withDelta).toBe(gzip?.length);
    expect(growths).toBe(2);
  });

  test('keep 32 deltas, and make others again', () => {
    const all = Array.from({ length: 40 }, (_, index) => `entry ${index}`);
    const { delta, size } = represent(document(all, 'json', nameOf));
    const deltas = all.map((each) => delta(tagOf(each)));

    expect(new Set(deltas.map((each) => each?.identity.toString())).size).toBe(40);
    expect(delta(tagOf('entry 39'))).toBe(deltas[39]);
    const first = delta(tagOf('entry 0'));
    expect(first).not.toBe(deltas[0]);
    expect(first?.identity).toEqual(deltas[0]?.identity);
    expect(size()).toBeLessThan(34 * (first?.identity.length ?? 0) + 4096);
  });
});
