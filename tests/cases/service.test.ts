import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ask, dataFolder, record, start } from '../helpers.ts';

/** Cases of the service itself: addresses, folders and dates. Each is a folder with its input and what is expected. */

function read<Content>(path: string): Content {
  return JSON.parse(readFileSync(join(import.meta.dirname, path), 'utf8')) as Content;
}

describe('slash-at-the-end', () => {
  const { requests } = read<{ requests: Record<string, string> }>('slash-at-the-end/requests.json');

  test.each(Object.entries(requests))('%s leads to %s', async (line, location) => {
    const [method = '', path = ''] = line.split(' ');
    const { port } = await start(await dataFolder({ 'articles/a.json': JSON.stringify(record()) }));
    const { status, headers } = await ask(port, path, { method });

    expect([status, headers.location]).toEqual([308, location]);
    for (const base of ['https://feeds.example', 'https://news.example/rss']) {
      const { href } = new URL(location, base + path);
      expect(href).toBe(`${base}/feeds/latest.${location.split('.').at(-1)}`);
    }
  });
});
