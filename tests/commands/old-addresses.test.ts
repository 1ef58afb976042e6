import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseFeed } from 'feedsmith';
import { expect, test } from 'vitest';
import { ask, dataFolder, start } from '../helpers.ts';
import { guidOf, OLD_ADDRESSES, PUBLICATION_AFTER, wordpressExport } from '../wordpress-move.ts';
import { command } from './terminal.ts';

async function moved(more = '', home?: string): Promise<string> {
  return dataFolder({
    'publication.yaml': PUBLICATION_AFTER + more,
    'articles/.keep': '',
    'export.xml': wordpressExport(home),
  });
}

const imported = (folder: string, ...args: string[]) =>
  command(['import', '--data', folder, '--rejected', join(folder, 'r.ndjson'), ...args, join(folder, 'export.xml')]);

const recordedIn = (folder: string) => readFile(join(folder, 'redirects.txt'), 'utf8');

/** The ids of the entries of a document, by a parser that is not ours. */
function idsIn(text: string): (string | undefined)[] {
  const { format, feed } = parseFeed(text);
  if (format === 'rss') return (feed.items ?? []).map(({ guid }) => guid?.value);
  if (format === 'atom') return (feed.entries ?? []).map(({ id }) => id);
  if (format === 'json') return (feed.items ?? []).map(({ id }) => id);
  throw new Error(`a document in ${format}`);
}

test('forty addresses of a WordPress site lead to the right feed, with the guids of its export, or are gone', async () => {
  const folder = await moved();
  await imported(folder);
  const { port } = await start(folder);
  expect(OLD_ADDRESSES.length).toBeGreaterThanOrEqual(40);
  for (const [address, led, format = 'rss'] of OLD_ADDRESSES) {
    const { status, headers } = await ask(port, address);
    if (led === undefined) {
      expect([status, headers.location], address).toEqual([410, undefined]);
      continue;
    }
    expect(status, address).toBe(308);
    expect(headers.location, address).not.toMatch(/^\/|\?|:/);
    const target = new URL(String(headers.location), `https://kovar.example/a${address}`);
    expect([address, decodeURIComponent(target.pathname)]).toEqual([address, `/a/feeds/${led.feed}.${format}`]);
    const document = await ask(port, target.pathname.slice('/a'.length));
    expect(idsIn(document.text).toSorted(), address).toEqual(led.guids.map(guidOf).toSorted());
  }
});

test('an import ends with the addresses, and writes them into redirects.txt', async () => {
  const folder = await moved();
  const { out } = await imported(folder);

  expect(out.split('\n').slice(2)).toEqual([
    'Old addresses: 9 lead to feeds, 1 gone. Without a visible story, and 404 until there is one: 1',
    '  /feed/ → /feeds/latest.rss',
    '  /author/lbaran/feed/ → /feeds/author/leyla-baran.rss',
    '  /author/azad-k/feed/ → /feeds/author/azad-kendal.rss',
    '  /category/cihan/feed/ → /feeds/section/cîhan.rss',
    '  /category/cihan/kurdistan/feed/ → /feeds/section/kurdistan.rss',
    '  /category/cihan/kurdistan/kultur-kurdi/feed/ → /feeds/section/çand-û-huner.rss',
    '  /category/کلتوور/feed/ → /feeds/section/کلتوور.rss',
    '  /tag/ziman/feed/ → /feeds/tag/zimanê-kurdî.rss',
    '  /tag/rivers/feed/ → /feeds/tag/rivers.rss',
    '  /comments/feed/ → gone (410)',
    `They are in ${join(folder, 'redirects.txt')}. To list all: check --data ${folder} --redirects ${join(folder, 'redirects.txt')}`,
    '',
  ]);
  expect((await recordedIn(folder)).split('\n').slice(1)).toEqual([
    '/feed/ latest',
    '/author/lbaran/feed/ author/leyla-baran',
    '/?feed=rss2&author=1 author/leyla-baran',
    '/author/azad-k/feed/ author/azad-kendal',
    '/?feed=rss2&author=2 author/azad-kendal',
    '/category/cihan/feed/ section/cîhan',
    '/?feed=rss2&cat=3 section/cîhan',
    '/category/cihan/kurdistan/feed/ section/kurdistan',
    '/?feed=rss2&cat=4 section/kurdistan',
    '/category/cihan/kurdistan/kultur-kurdi/feed/ section/çand-û-huner',
    '/?feed=rss2&cat=5 section/çand-û-huner',
    '/category/کلتوور/feed/ section/کلتوور',
    '/?feed=rss2&cat=6 section/کلتوور',
    '/category/empty/feed/ section/nothing-yet',
    '/?feed=rss2&cat=7 section/nothing-yet',
    '/tag/ziman/feed/ tag/zimanê-kurdî',
    '/tag/rivers/feed/ tag/rivers',
    '/comments/feed/ 410',
    '',
  ]);
});

test('the command that the import names lists every address that leads somewhere', async () => {
  const folder = await moved();
  const { out } = await imported(folder);
  const [, ...listing] = /To list all: (check) (--data) (\S+) (--redirects) (\S+)/.exec(out) ?? [];
  const { code, out: listed, err } = await command(listing);

  expect(code).toBe(1);
  for (const line of out.split('\n').filter((text) => text.includes(' → /feeds'))) {
    const [address = '', destination] = line.trim().split(' → ');
    expect(listed).toContain(`\n  ${address}\n`);
    expect(listed).toContain(`→ ${destination}\n`);
  }
  expect(listed).toContain(
    '→ section/nothing-yet, without a visible story (404)\n  /category/empty/feed/\n  /?feed=rss2&cat=7\n',
  );
  expect(listed).not.toContain('lost (404)');
  expect(err).toBe('A feed without a visible story answers 404 until it has one. Wait for it, or name another feed.\n');
});

test('an address whose feed has no visible story is told apart from one that no redirect knows', async () => {
  const folder = await moved(
    'redirects:\n  - { from: /podcast/feed/, to: section/podcast }\n  - { from: "/x/{any}", to: "tag/{any}" }\n',
  );
  await imported(folder);
  const list = join(folder, 'list');
  await writeFile(list, ['/nowhere/feed/', '/podcast/feed/atom/', '/empty/feed/', '/x/none', '/feed/'].join('\n'));
  const { code, out } = await command(['check', '--data', folder, '--redirects', list]);
  const json = await command(['check', '--data', folder, '--redirects', list, '--json']);

  expect([code, out]).toEqual([
    1,
    `→ /feeds/latest.rss
  /feed/
→ section/podcast, without a visible story (404)
  /podcast/feed/atom/
→ section/nothing-yet, without a visible story (404)
  /empty/feed/
→ lost (404)
  /nowhere/feed/
  /x/none
addresses to feeds: 1, gone: 0, lost: 4
`,
  ]);
  expect(JSON.parse(json.out).lost).toEqual([
    { address: '/nowhere/feed/', count: 1 },
    { address: '/podcast/feed/atom/', count: 1, feed: 'section/podcast' },
    { address: '/empty/feed/', count: 1, feed: 'section/nothing-yet' },
    { address: '/x/none', count: 1 },
  ]);
});

test('an import of many categories prints twenty addresses, and how many more there are', async () => {
  const folder = await moved();
  const tags = Array.from(
    { length: 60 },
    (_, index) => `<wp:tag><wp:tag_slug>t${index}</wp:tag_slug><wp:tag_name>Tag ${index}</wp:tag_name></wp:tag>`,
  );
  const used = Array.from(
    { length: 60 },
    (_, index) => `<category domain="post_tag" nicename="t${index}">Tag ${index}</category>`,
  );
  const text = wordpressExport()
    .replace('</item>', `${used.join('')}</item>`)
    .replace('<item>', `${tags.join('')}<item>`);
  await writeFile(join(folder, 'export.xml'), text);
  const { out } = await imported(folder);

  expect(out.match(/ → /g)).toHaveLength(20);
  const [, more] = /^ {2}and (\d+) more$/m.exec(out) ?? [];
  const [, leading, gone] = /^Old addresses: (\d+) lead to feeds, (\d+) gone/m.exec(out) ?? [];
  expect(Number(more)).toBe(Number(leading) + Number(gone) - 20);
});

test('a dry run says where the addresses would lead, and writes nothing', async () => {
  const folder = await moved();
  const { out } = await imported(folder, '--dry-run');

  expect(out).toContain(
    'Old addresses, as they would be: 9 lead to feeds, 1 gone. Without a visible story, and 404 until there is one: 1\n',
  );
  expect(out).toContain('  /category/cihan/kurdistan/kultur-kurdi/feed/ → /feeds/section/çand-û-huner.rss\n');
  expect(out).not.toContain('redirects.txt');
  await expect(recordedIn(folder)).rejects.toThrow('ENOENT');
});

test('a second import keeps the lines of the operator, and adds what is new', async () => {
  const folder = await moved();
  const file = join(folder, 'redirects.txt');
  const own =
    '# ours\n/category/kurdistan/feed/ tag/rivers\n/tag/ziman/feed 410\n/author/lbaran/feed/ author/leyla-baran';
  await writeFile(file, own);
  await imported(folder);
  const first = await recordedIn(folder);
  await imported(folder);

  expect(first.startsWith(`${own}\n# Imported from export.xml, `)).toBe(true);
  expect(first.match(/\/tag\/ziman\//g)).toHaveLength(1);
  expect(first.match(/\/author\/lbaran\//g)).toHaveLength(1);
  expect(await recordedIn(folder)).toBe(first);
  const { port } = await start(folder);
  // A line for one address of a feed counts for all of them; the first one wins.
  expect((await ask(port, '/category/kurdistan/feed/atom/')).headers.location).toBe(
    '../../../../feeds/tag/rivers.atom',
  );
  expect((await ask(port, '/?feed=rss2&tag=ziman')).status).toBe(410);
});

test('a service that runs sees what an import records, and what an operator writes', async () => {
  const folder = await moved();
  const { port } = await start(folder);
  const before = await ask(port, '/category/kultur-kurdi/feed/');
  await imported(folder);
  const after = await ask(port, '/category/kultur-kurdi/feed/');
  await writeFile(join(folder, 'redirects.txt'), '/category/kultur-kurdi/feed/ latest\nnonsense\n');
  const changed = await ask(port, '/category/kultur-kurdi/feed/');
  await writeFile(join(folder, 'redirects.txt'), '');

  expect([before.status, after.status, changed.status]).toEqual([404, 308, 308]);
  expect(decodeURIComponent(String(after.headers.location))).toBe('../../../feeds/section/çand-û-huner.rss');
  expect(changed.headers.location).toBe('../../../feeds/latest.rss');
  expect((await ask(port, '/category/kultur-kurdi/feed/')).status).toBe(404);
});

test('a site below a path has its addresses below that path', async () => {
  const folder = await moved('', 'https://kovar.example/blog');
  const { out } = await imported(folder);
  expect(out).toContain('  /blog/feed/ → /feeds/latest.rss\n');
  const { port } = await start(folder);
  const statusOf = async (path: string) => {
    const { status, headers } = await ask(port, path);
    return `${status} ${decodeURIComponent(headers.location ?? '')}`;
  };

  expect(await statusOf('/blog/feed/')).toBe('308 ../../feeds/latest.rss');
  expect(await statusOf('/blog/feed/atom/')).toBe('308 ../../../feeds/latest.atom');
  expect(await statusOf('/blog/category/kultur-kurdi/feed/')).toBe('308 ../../../../feeds/section/çand-û-huner.rss');
  expect(await statusOf('/blog/?feed=rss2&cat=5')).toBe('308 ../feeds/section/çand-û-huner.rss');
  expect(await statusOf('/blog/comments/feed/')).toBe('410 ');
});

test('the comments of stories at the top of a site are gone, and its categories are not', async () => {
  const folder = await moved();
  await writeFile(join(folder, 'export.xml'), wordpressExport().replaceAll(/example\/2024\/0\d\//g, 'example/'));
  const { out } = await imported(folder);
  expect(out).toContain('  /{story}/feed/ → gone (410)\n');
  const { port } = await start(folder);

  expect((await ask(port, '/stran/feed/')).status).toBe(410);
  expect((await ask(port, '/kultur-kurdi/feed/')).status).toBe(308);
  expect((await ask(port, '/category/empty/feed/')).status).toBe(404);
});

test('the comments of stories below the paths of categories are gone, and the categories are not', async () => {
  const folder = await moved();
  await writeFile(join(folder, 'export.xml'), wordpressExport().replaceAll(/example\/2024\/0\d\//g, 'example/cihan/'));
  const { out } = await imported(folder);
  expect(out).toContain('  /cihan/{story}/feed/ → gone (410)\n');
  const { port } = await start(folder);

  expect((await ask(port, '/cihan/stran/feed/')).status).toBe(410);
  expect((await ask(port, '/cihan/kurdistan/feed/')).status).toBe(308);
  expect((await ask(port, '/category/cihan/kurdistan/feed/')).status).toBe(308);
  expect((await ask(port, '/other/stran/feed/')).status).toBe(404);
});
