import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseFeed } from 'feedsmith';
import { describe, expect } from 'vitest';
import { command } from '../commands/terminal.ts';
import { ask, dataFolder, start } from '../helpers.ts';
import { guidOf, OLD_ADDRESSES, PUBLICATION_AFTER, wordpressExport } from '../wordpress-move.ts';
import { startNginx } from './nginx.ts';
import { peerTest } from './programs.ts';

/** The lines that the page “Move from WordPress” has for the nginx of the old site. */
const [, LINES = ''] =
  /```nginx\n([^`]+)```/.exec(readFileSync(join(import.meta.dirname, '../../docs/move-from-wordpress.md'), 'utf8')) ??
  [];

/** The service of a newsroom that has moved from WordPress. */
async function movedService(): Promise<number> {
  const folder = await dataFolder({
    'publication.yaml': PUBLICATION_AFTER,
    'articles/.keep': '',
    'export.xml': wordpressExport(),
  });
  const rejected = join(folder, 'rejected.ndjson');
  await command(['import', '--data', folder, '--rejected', rejected, join(folder, 'export.xml')]);
  return (await start(folder)).port;
}

/** The status and the ids that a reader ends with, and how many redirects it followed. */
async function followed(base: URL, path: string) {
  let url = new URL(path, base);
  for (let redirects = 0; redirects < 5; redirects += 1) {
    const { status, headers, text } = await ask(Number(url.port), url.pathname + url.search);
    if (status !== 308 && status !== 301) return { status, redirects, path: decodeURIComponent(url.pathname), text };
    url = new URL(String(headers.location), url);
  }
  throw new Error(`${path} leads in a circle`);
}

function idsIn(text: string): (string | undefined)[] {
  const { format, feed } = parseFeed(text);
  if (format === 'rss') return (feed.items ?? []).map(({ guid }) => guid?.value);
  return format === 'atom' ? (feed.entries ?? []).map(({ id }) => id) : [];
}

/** @param path of the service behind nginx */
async function expectEveryAddress(base: URL, path: string, hops: number): Promise<void> {
  for (const [address, led, format = 'rss'] of OLD_ADDRESSES) {
    const answer = await followed(base, path + address);
    if (led === undefined) {
      expect([address, answer.status]).toEqual([address, 410]);
      continue;
    }
    expect([address, answer.status, answer.path]).toEqual([address, 200, `${path}/feeds/${led.feed}.${format}`]);
    expect(answer.redirects, address).toBeLessThanOrEqual(hops);
    expect(idsIn(answer.text).toSorted(), address).toEqual(led.guids.map(guidOf).toSorted());
  }
}

describe('behind nginx, the addresses of a WordPress site lead to their feeds', () => {
  peerTest('nginx', 'at the top of a host, also from the cache', async () => {
    const { port } = await startNginx(await movedService());
    const base = new URL(`http://127.0.0.1:${port}`);
    await expectEveryAddress(base, '', 1);
    await expectEveryAddress(base, '', 1);
    expect((await ask(port, '/category/kultur-kurdi/feed/')).headers['x-cache-status']).toBe('HIT');
    expect((await ask(port, '/comments/feed/')).headers['x-cache-status']).toBe('HIT');
  });

  peerTest('nginx', 'below a path', async () => {
    const { port } = await startNginx(await movedService(), { path: '/news' });
    await expectEveryAddress(new URL(`http://127.0.0.1:${port}`), '/news', 1);
  });

  peerTest('nginx', 'from the host of the old site, with the lines of the documentation', async () => {
    const service = await movedService();
    const lines = LINES.replaceAll('https://feeds.example.com', `http://127.0.0.1:${service}`);
    expect(lines).not.toBe(LINES);
    const oldSite = await start(
      await dataFolder({ 'publication.yaml': `${PUBLICATION_AFTER}builtInRedirects: off\n` }),
    );
    const { port } = await startNginx(oldSite.port, { serverLines: lines });
    await expectEveryAddress(new URL(`http://127.0.0.1:${port}`), '', 2);
    expect((await ask(port, '/2024/05/stran/')).status).toBe(404); // the old site goes on
    expect((await ask(port, '/')).status).toBe(200);
  });
});
