import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { chooseCoding } from '../../src/document/content-codings.ts';
import { FORMATS } from '../../src/feed/feeds.ts';
import { parseTrust } from '../../src/http/client.ts';
import { httpDate, parseHttpDate } from '../../src/lib/instant.ts';
import { ask, dataFolder, PUBLICATION, record, start } from '../helpers.ts';

const MB = 1024 * 1024;
/** Feeds beside `latest` and `language/en`, and stories in each. */
const FEEDS = 60;
const STORIES = 4;
const CODINGS = ['identity', 'gzip', 'br', 'zstd'];

/** Kilobytes of text that does not compress, different in each story. */
function noise(seed: number): string {
  let state = seed + 1;
  const words = Array.from({ length: 800 }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return state.toString(36);
  });
  return `<p>${words.join(' ')}</p>`;
}

function files(): Record<string, string> {
  const stories = Array.from({ length: FEEDS * STORIES }, (_, number) => {
    const id = `story-${number}`;
    const fields = { id, url: `https://news.example/${id}`, body: noise(number), tags: [`t${number % FEEDS}`] };
    return [`articles/${id}.json`, JSON.stringify(record(fields))] as const;
  });
  return { 'publication.yaml': PUBLICATION, ...Object.fromEntries(stories) };
}

test('the cache stays within its limit for any number of documents, in all codings and as deltas', async () => {
  const { port, measure } = await start(await dataFolder(files()), { cache: 1 });
  const value = async (name: string) => {
    const metric = (await measure()).find((each) => each.name === `feed_publisher_${name}`);
    return Number(metric?.values[0]?.value);
  };
  let most = { documents: 0, entries: 0 };
  for (let feed = 0; feed < FEEDS; feed += 1) {
    for (const format of FORMATS) {
      const path = `/feeds/tag/t${feed}.${format}`;
      for (const coding of CODINGS) {
        const { status, headers } = await ask(port, path, { headers: { 'Accept-Encoding': coding } });
        expect(status).toBe(200);
        // A reader without the newest story sends the tag without its first name.
        const tag = String(headers.etag).replace(/\..{4}/, '.');
        const delta = await ask(port, path, { headers: { 'A-IM': 'feed', 'If-None-Match': tag } });
        expect(delta.status).toBe(226);
      }
    }
    const [documents, entries] = [await value('kept_documents_bytes'), await value('kept_entries_bytes')];
    most = { documents: Math.max(most.documents, documents), entries: Math.max(most.entries, entries) };
  }

  // A third for entries, an eighth for archives and lists; of the rest, three fifths for documents.
  expect(most.documents).toBeGreaterThan(0.25 * MB);
  expect(most.documents).toBeLessThanOrEqual(0.325 * MB);
  expect(most.entries).toBeGreaterThan(0.25 * MB);
  expect(most.entries).toBeLessThanOrEqual(MB / 3);
  expect(await value('evicted_documents_total')).toBeGreaterThan(100);
  expect(await value('evicted_entries_total')).toBeGreaterThan(100);
});

describe('200,000 different', () => {
  const MANY = 200_000;
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');

  /** Returns the bytes of heap that stay after the work. */
  function left(work: (number: number) => void): number {
    work(-1);
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let number = 0; number < MANY; number += 1) work(number);
    collectGarbage();
    return process.memoryUsage().heapUsed - before;
  }

  /** All of them together would take ten megabytes or more. */
  const LITTLE = 4 * MB;

  test('Accept-Encoding headers are all understood, and few stay in memory', () => {
    const chosen = new Set<string | undefined>();
    const bytes = left((number) => chosen.add(chooseCoding(`gzip, x-${number}`)));
    expect([...chosen]).toEqual(['gzip']);
    expect(bytes).toBeLessThan(LITTLE);
  });

  test('dates are all understood, and few stay in memory', () => {
    let wrong = 0;
    const bytes = left((number) => {
      const date = Date.UTC(2026, 0, 1) + number * 1000;
      if (parseHttpDate(httpDate(date)) !== date) wrong += 1;
    });
    expect(wrong).toBe(0);
    expect(bytes).toBeLessThan(LITTLE);
  });

  test('addresses of X-Forwarded-For are all checked, and few stay in memory', () => {
    const trust = parseTrust('10.0.0.0/8');
    let trusted = 0;
    const bytes = left((number) => {
      const rest = `${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
      if (trust(`${number % 2 === 0 ? 10 : 11}.${rest}`, 0)) trusted += 1;
    });
    expect(trusted).toBe(MANY / 2);
    expect(bytes).toBeLessThan(LITTLE);
  });
});
