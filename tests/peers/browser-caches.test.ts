// @module-tag soak
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { type Answer, ask, dataFolder, decoded, PUBLICATION, record, start } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';
import { startNginx } from './nginx.ts';
import { watchOrigin } from './origin.ts';
import type { Server } from './processes.ts';
import { peerTest } from './programs.ts';
import { READER_HEADERS, type ReaderHeaders } from './reader-headers.ts';
import { startVarnish } from './varnish.ts';

/** A reader gets the feed and nothing but the feed from a cache that browsers use as well (docs/deploy.md). */

interface Cache {
  readonly name: string;
  readonly program: string;
  /** Whether a browser always goes on to the page. */
  readonly isForBrowsers?: boolean;
  /** Whether it ignores Vary and the query. */
  readonly isCareless?: boolean;
  readonly start: (originPort: number) => Promise<Server>;
}

const caches: readonly Cache[] = [
  { name: 'nginx', program: 'nginx', start: (port) => startNginx(port) },
  {
    name: 'nginx with the lines of docs/deploy.md',
    program: 'nginx',
    isForBrowsers: true,
    start: async (port) => {
      const [outside = '', inside = ''] = await linesIn('nginx');
      return startNginx(port, { lines: { outside, inside } });
    },
  },
  {
    name: 'nginx that ignores Vary and the query',
    program: 'nginx',
    isCareless: true,
    start: (port) => startNginx(port, { ignoresVary: true, isCareless: true }),
  },
  { name: 'Varnish', program: 'varnishd', start: (port) => startVarnish(port) },
  {
    name: 'Varnish with the lines of docs/deploy.md',
    program: 'varnishd',
    isForBrowsers: true,
    start: async (port) => startVarnish(port, { lines: (await linesIn('vcl')).join('') }),
  },
  {
    name: 'Varnish that ignores Vary and the query',
    program: 'varnishd',
    isCareless: true,
    start: (port) => startVarnish(port, { isCareless: true }),
  },
];

/**
 * The readers that ask. A short run has one of those whose headers a cache or the service treats alike: all send some Accept,
 * some Accept-Encoding and some validators.
 */
const ASKING = sized({ short: unlike(READER_HEADERS), soak: READER_HEADERS, full: READER_HEADERS });

function unlike(readers: readonly ReaderHeaders[]): readonly ReaderHeaders[] {
  const kinds = readers.map((reader): [string, ReaderHeaders] => {
    const { Accept = 'none', 'Accept-Encoding': codings = 'none' } = reader.headers;
    const takes = ['none', 'html', 'json', '*/*'].filter((each) => Accept.includes(each));
    const packed = ['none', 'gzip', 'br', 'zstd'].filter((each) => codings.includes(each));
    return [
      JSON.stringify([takes, packed, reader.validators, 'A-Im' in reader.headers, reader.withValidators]),
      reader,
    ];
  });
  return [...new Map(kinds).values()];
}

/** Caches whose copies a test lets expire. */
const expiring = sized({
  short: caches.filter(({ isForBrowsers, isCareless }) => !isForBrowsers && !isCareless),
  soak: caches,
  full: caches,
});

/** The blocks of a language in the section of docs/deploy.md. */
async function linesIn(language: string): Promise<string[]> {
  const page = await readFile(new URL('../../docs/deploy.md', import.meta.url), 'utf8');
  const section = page.slice(page.indexOf('### Browsers behind a cache'));
  return section.split(`\`\`\`${language}\n`).flatMap((part, index) => (index > 0 ? [part.replace(/```.*/s, '')] : []));
}

/** The headers with which Chromium opens an address. */
const BROWSER = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Upgrade-Insecure-Requests': '1',
  'Sec-Fetch-Site': 'none',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-User': '?1',
  'Sec-Fetch-Dest': 'document',
};

const NOW = Date.UTC(2026, 10, 22, 12);
const TYPES = [
  ['rss', 'application/rss+xml; charset=utf-8'],
  ['atom', 'application/atom+xml; charset=utf-8'],
  ['json', 'application/feed+json; charset=utf-8'],
] as const;
/** Seconds for which a feed is fresh if a test waits for it to expire. The clock of the service stands still. */
const SHORT = 1;
const LONG = 86_400;

/** A service with feeds of its own for each reader, and the cache in front of it. */
async function publishBehind(cache: Cache, maxAge: number) {
  const tags = ASKING.flatMap((_, index) => [`cold${index}`, `warm${index}`]);
  const body = `<p>${'The river rose in the night. '.repeat(200)}</p>`;
  const folder = await dataFolder({
    'publication.yaml': `${PUBLICATION}maxAge: ${maxAge}\n`,
    'articles/a.json': JSON.stringify(record({ body, tags })),
  });
  const service = await start(folder, { now: () => NOW });
  const origin = await watchOrigin(service.port);
  const { port } = await cache.start(origin.port);

  function feedOf(state: 'cold' | 'warm', index: number) {
    const [format, type] = TYPES[index % TYPES.length] ?? TYPES[0];
    const path = `/feeds/tag/${state}${index}.${format}`;
    /** Expects what a reader may get, and returns it. */
    const read = async (reader: ReaderHeaders, copy?: Answer): Promise<Answer> => {
      const answer = await ask(port, path, { headers: { ...reader.headers, ...conditions(reader, copy) } });
      expect(answer.headers.location, reader.name).toBeUndefined();
      if (answer.status === 304 && copy !== undefined) return answer;
      expect([answer.status, answer.headers['content-type']], reader.name).toEqual([200, type]);
      expect(decoded(answer).toString(), reader.name).toBe((await ask(service.port, path)).text);
      return answer;
    };
    /** Expects the way to the page, which no cache may keep; or the feed, where the cache has it. */
    const open = async ({ cacheHasIt = false } = {}): Promise<void> => {
      const { status, headers } = await ask(port, path, { headers: BROWSER });
      if (cacheHasIt && cache.isForBrowsers !== true && status === 200) {
        expect(headers['content-type']).toBe(type);
        return;
      }
      const page = new URL(headers.location ?? '', `http://a.example${path}`).pathname;
      expect([status, page, headers['cache-control']]).toEqual([303, path.replace(/\.\w+$/, ''), 'no-store']);
    };
    /** Expects the feed as plain text; or as it is, where the cache has it and leaves out the query. */
    const openRaw = async ({ cacheHasIt = false } = {}): Promise<void> => {
      const { status, headers } = await ask(port, `${path}?format=raw`, { headers: BROWSER });
      const types = ['text/plain; charset=utf-8', ...(cacheHasIt && cache.isCareless ? [type] : [])];
      expect(status).toBe(200);
      expect(types).toContain(headers['content-type']);
    };
    return { read, open, openRaw };
  }

  return { origin, feedOf };
}

/** The headers by which a reader names its copy. */
function conditions({ validators, withValidators }: ReaderHeaders, copy: Answer | undefined): Record<string, string> {
  if (copy === undefined || validators === 'none') return {};
  const { etag = '', 'last-modified': date = '' } = copy.headers;
  return {
    'If-Modified-Since': date,
    ...(validators === 'date' ? {} : { 'If-None-Match': etag }),
    ...withValidators,
  };
}

for (const cache of caches) {
  describe(`behind ${cache.name}`, () => {
    peerTest(cache.program, 'every reader gets the feed, whoever asked before', async () => {
      const { origin, feedOf } = await publishBehind(cache, LONG);
      for (const [index, reader] of ASKING.entries()) {
        const cold = feedOf('cold', index);
        await cold.open();
        await cold.openRaw();
        const copy = await cold.read(reader);
        await cold.open({ cacheHasIt: true });
        await cold.read(reader, copy);

        const warm = feedOf('warm', index);
        const first = await warm.read(reader);
        await warm.open({ cacheHasIt: true });
        await warm.openRaw({ cacheHasIt: true });
        await warm.read(reader, first);
        await warm.read(reader);
      }
      // The cache does its work: it served some reader.
      const asked = origin.exchanges.filter(({ path }) => /warm\d+\.\w+$/.test(path));
      expect(asked.length).toBeLessThan(ASKING.length * 3);
    });

    if (!expiring.includes(cache)) return;

    peerTest(cache.program, 'a copy that has expired is not replaced by what a browser gets', async () => {
      const { feedOf } = await publishBehind(cache, SHORT);
      const copies: Answer[] = [];
      for (const [index, reader] of ASKING.entries()) copies.push(await feedOf('warm', index).read(reader));
      await sleep(SHORT * 1000 + 200);
      for (const [index, reader] of ASKING.entries()) {
        const { open, read } = feedOf('warm', index);
        await open({ cacheHasIt: true });
        await read(reader, copies[index]);
        await read(reader);
      }
    });
  });
}
