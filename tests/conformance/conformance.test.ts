import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { ask, decoded, FAST_PATH, linking, makeFolder, PUBLICATION, record, serving } from '../helpers.ts';
import { countAnswersWithoutResponse, READY_WAY, unmemorable, type Way, watchWays } from '../http/ways.ts';
import { speak } from '../raw.ts';

/**
 * The promises of this HTTP server, one promise a file: a new case is a new file in a folder beside this one. The service
 * keeps each promise on both paths of an answer: the fast path, for an address that it knows, and Express. The fast path
 * writes with a response of Node's, or without one if it wrote the same in this second.
 */

const FOLDER = import.meta.dirname;
const NOW = Date.UTC(2026, 10, 22, 12);
/** {etag} and other placeholders in a case stand for parts of this document. */
const DOCUMENT = '/feeds/latest.rss';

const caseFile = z.strictObject({
  description: z.string().min(1),
  spec: z.string().min(1),
  request: z.strictObject({
    method: z.string().default('GET'),
    path: z.string().startsWith('/'),
    headers: z.record(z.string(), z.string()).default({}),
  }),
  expect: z.strictObject({
    status: z.int(),
    /** Exact values. Null forbids the header. */
    headers: z.record(z.string(), z.string().nullable()).default({}),
    /** Decoded text, or a JSON object. */
    body: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  }),
});

const NEWSROOM = {
  'publication.yaml': `${PUBLICATION}maxAge: 300
retired:
  - { feed: section/sport, movedTo: tag/football }
  - { feed: ticker, movedTo: latest }
  - { feed: tag/old, movedTo: tag/آب }
  - { feed: section/horoscopes }
`,
  'articles/rivers.json': JSON.stringify(
    record({
      id: 'rivers',
      body: `<p>${'The river rose again. '.repeat(50)}</p>`,
      sections: ['Climate'],
      tags: ['Football', 'Café', 'آب'],
    }),
  ),
  'articles/merger.json': JSON.stringify(
    record({ id: 'merger', tags: ['Merger'], embargoUntil: '2036-01-01T00:00:00Z', image: { url: '/media/deal.txt' } }),
  ),
  'articles/files.json': linking('digits.txt', 'drawing.svg', 'آب 100%.txt', '.hidden', 'sub', 'sub/', 'missing.png'),
  'media/digits.txt': '0123456789',
  'media/drawing.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
  'media/آب 100%.txt': 'water',
  'media/.hidden': 'hidden',
  'media/sub/file.txt': 'file',
  'media/deal.txt': 'deal',
  'media/draft.txt': 'draft',
};

const groups = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({ name, files: readdirSync(join(FOLDER, name)) }));

/** A service for cases, until it is closed. */
async function openNewsroom() {
  const folder = await makeFolder(NEWSROOM);
  const { port, close } = await serving(folder, { now: () => NOW });
  return {
    port,
    fill: await placeholders(port),
    async close() {
      await close();
      await rm(folder, { recursive: true });
    },
  };
}

function readCase(group: string, file: string, fill: (text: string) => string) {
  const read = caseFile.parse(JSON.parse(readFileSync(join(FOLDER, group, file), 'utf8')));
  const { method, path, headers } = read.request;
  const question = { method, headers: mapped(headers, fill) };
  const isDocument = path.startsWith('/feeds/') && [200, 226, 304].includes(read.expect.status);
  return { ...read, path, question, isDocument };
}

function mapped<From, To>(object: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}

describe.each(['fast path', 'general path'] as const)('%s:', (wanted) => {
  const way: Way = wanted === 'fast path' ? READY_WAY : 'Express';
  describe.each(groups)('$name', ({ name, files }) => {
    /** One for all cases: no case changes anything. */
    let newsroom: Awaited<ReturnType<typeof openNewsroom>>;
    beforeAll(async () => {
      newsroom = await openNewsroom();
      return newsroom.close;
    });

    test.each(files)('%s', async (file) => {
      const { port, fill } = newsroom;
      const asked = readCase(name, file, fill);
      const { description, question, expect: expected } = asked;
      const path = wanted === 'general path' ? unmemorable(asked.path) : asked.path;
      if (wanted === 'fast path') await ask(port, path, question);
      const ways = watchWays();
      const answer = await ask(port, path, question);

      expect(answer.status, description).toBe(expected.status);
      expect(ways(), description).toEqual([asked.isDocument ? way : 'Express']);
      const said = Object.fromEntries(
        Object.keys(expected.headers).map((header) => [header, answer.headers[header] ?? null]),
      );
      const toSay = mapped(expected.headers, (value) => (value === null ? null : fill(value)));
      expect(said, description).toEqual(toSay);
      if (expected.body === undefined) return;
      const text = decoded(answer).toString();
      if (typeof expected.body === 'string') expect(text, description).toBe(fill(expected.body));
      else expect(JSON.parse(text), description).toEqual(expected.body);
    });
  });
});

test.each(groups)('both paths give the same bytes: $name', async ({ name, files }) => {
  const { port, fill, close } = await openNewsroom();
  onTestFinished(close);
  const withoutResponse = countAnswersWithoutResponse();
  let documents = 0;
  for (const file of files) {
    const { description, path, question, isDocument } = readCase(name, file, fill);
    await ask(port, path, question);
    const ways = watchWays();
    const ready = await thrice(port, path, question);
    const express = await thrice(port, unmemorable(path), question);

    expect(ready, description).toBe(express);
    expect(ways(), description).toEqual([
      ...Array(3).fill(isDocument ? READY_WAY : 'Express'),
      ...Array(3).fill('Express'),
    ]);
    if (isDocument) documents += 1;
  }
  if (FAST_PATH) expect(withoutResponse()).toBeGreaterThanOrEqual(documents);
  else expect(withoutResponse()).toBe(0);
});

interface Asked {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Asks the same three times on one connection, which the last request ends. Returns all bytes of the answers, but no dates. */
async function thrice(port: number, path: string, { method, headers }: Asked): Promise<string> {
  const said = (more: Readonly<Record<string, string>>) => {
    const lines = Object.entries({ Host: 'a', ...headers, ...more }).map(([name, value]) => `${name}: ${value}\r\n`);
    return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
  };
  const raw = await speak(port, Buffer.from(said({}) + said({}) + said({ Connection: 'close' }), 'latin1'));
  const text = await raw.closed;
  expect(text.match(/^Date: /gm)?.length).toBe(3);
  return text.replaceAll(/^Date: .*$/gm, 'Date: …');
}

/** Fills in the tags, dates and bytes of the document, which a case cannot know. */
async function placeholders(port: number): Promise<(text: string) => string> {
  const plain = await ask(port, DOCUMENT);
  const etag = String(plain.headers.etag);
  const values = new Map([
    ['{etag}', etag],
    ['{opaque-tag}', etag.slice(1, -1)],
    ['{opaque-tag-start}', etag.slice(1, 9)],
    ['{entry-names}', etag.slice(etag.indexOf('.') + 1, -1)],
    ['{last-modified}', String(plain.headers['last-modified'])],
    ['{cache-control}', String(plain.headers['cache-control'])],
    ['{link}', String(plain.headers.link)],
    ['{document}', plain.text],
  ]);
  for (const coding of ['br', 'zstd', 'gzip']) {
    const { headers } = await ask(port, DOCUMENT, { headers: { 'Accept-Encoding': coding } });
    values.set(`{etag:${coding}}`, String(headers.etag));
  }
  return (text) => text.replace(/\{[a-z-]+(?::[a-z]+)?\}/g, (name) => values.get(name) ?? name);
}
