import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ask, dataFolder, decoded, PUBLICATION, record, start } from '../helpers.ts';
import { unmemorable, watchWays } from '../http/ways.ts';

/**
 * What this HTTP server promises, one promise a file: a new case is a new file in a folder beside this one. Each is kept
 * both ways there are to answer: by what is at hand for an address that is known, and through Express.
 */

const FOLDER = import.meta.dirname;
const NOW = Date.UTC(2026, 10, 22, 12);
/** The document that {etag} and the like in a case stand for. */
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
    /** Exact values; null for a header that must not be there. */
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
    record({ id: 'merger', tags: ['Merger'], embargoUntil: '2036-01-01T00:00:00Z' }),
  ),
  'media/digits.txt': '0123456789',
  'media/drawing.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
  'media/آب 100%.txt': 'water',
  'media/.hidden': 'hidden',
  'media/sub/file.txt': 'file',
};

const groups = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory());

describe.each(['at hand', 'Express'] as const)('%s:', (way) => {
  describe.each(groups)('$name', (group) => {
    const files = readdirSync(join(FOLDER, group.name));

    test.each(files)('%s', async (file) => {
      const {
        description,
        request,
        expect: expected,
      } = caseFile.parse(JSON.parse(readFileSync(join(FOLDER, group.name, file), 'utf8')));
      const { port } = await start(await dataFolder(NEWSROOM), { now: () => NOW });
      const fill = await placeholders(port);

      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, fill(value)]));
      const path = way === 'Express' ? unmemorable(request.path) : request.path;
      const question = { method: request.method, headers };
      if (way === 'at hand') await ask(port, path, question);
      const ways = watchWays();
      const answer = await ask(port, path, question);

      expect(answer.status, description).toBe(expected.status);
      const isDocument = request.path.startsWith('/feeds/') && [200, 226, 304].includes(expected.status);
      expect(ways(), description).toEqual([isDocument ? way : 'Express']);
      const said = Object.fromEntries(
        Object.keys(expected.headers).map((name) => [name, answer.headers[name] ?? null]),
      );
      const toSay = Object.entries(expected.headers).map(([name, value]) => [
        name,
        value === null ? null : fill(value),
      ]);
      expect(said, description).toEqual(Object.fromEntries(toSay));
      if (expected.body === undefined) return;
      const text = decoded(answer).toString();
      if (typeof expected.body === 'string') expect(text, description).toBe(fill(expected.body));
      else expect(JSON.parse(text), description).toEqual(expected.body);
    });
  });
});

/** Fills in what a case cannot know: the tags, date and bytes of the document. */
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
