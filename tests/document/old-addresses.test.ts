import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { createLineReader } from '../../src/config/redirects/recorded-lines.ts';
import { RedirectTable } from '../../src/config/redirects/redirect-table.ts';
import { createOldAddresses } from '../../src/document/old-addresses.ts';
import { PUBLICATION } from '../helpers.ts';

/** Feeds by their keys, with the moment from which readers can see them. */
type Feeds = Readonly<Record<string, number>>;

/** Returns a function that says where an address leads at a moment: `section/x.rss`, `gone`, or `lost`. */
function finder(feeds: Feeds, yaml = '', lines = '') {
  const publication = parsePublication(PUBLICATION + yaml, 'publication.yaml');
  const table = new RedirectTable(publication.builtInRedirects);
  const reader = createLineReader(table);
  for (const [index, line] of lines.split('\n').entries()) reader.add(line, index + 1);
  const keys = ['latest', ...publication.feeds.map(({ id }) => id), ...Object.keys(feeds)].sort();
  const { find } = createOldAddresses({
    publication,
    recorded: async () => table,
    store: {
      feedKeys: async () => keys,
      seenFeeds: async (wanted, at) =>
        wanted.filter((key) => keys.includes(key) && (feeds[key] ?? 0) <= at).map((key) => ({ key, name: '' })),
    },
  });
  return async (address: string, at = 1) => {
    const destination = await find(address, at);
    if (destination === undefined) return 'lost';
    return destination === 'gone' ? destination : `${destination.feed}.${destination.format}`;
  };
}

const block = (entries: string) => `redirects:\n${entries}`;

describe('what an operator writes', () => {
  const find = finder(
    { 'section/culture': 0, 'section/world': 0, 'tag/water': 0, 'language/ku': 0 },
    block(`  - { from: /news.xml, to: latest }
  - { from: /news-atom.xml, to: latest, format: atom }
  - { from: /old, to: section/culture, format: json }
  - { from: /old?cat=7, to: section/world }
  - { from: /old?cat=7&type=atom, to: tag/water }
  - { from: /index.php?option=news&format=feed, to: latest }
  - { from: /ended }
  - { from: "/rubrik/{slug}/feed", to: "section/{slug}" }
  - { from: "/ressort/{slug+}/rss", to: "section/{slug}" }
  - { from: "/rss/{slug}.xml", to: "section/{slug}" }
  - { from: "/rss/tag-{slug}.xml", to: "tag/{slug}", format: atom }
  - { from: "/rss/world.xml", to: latest }
  - { from: "/feeds.php?rubrik={slug}", to: "section/{slug}" }
  - { from: "/{lang}/neu", to: "language/{lang}" }
  - { from: "/x/{id}", to: "{id}" }
  - { from: "/{any}/ended" }
feeds:
  - { id: rivers, title: Rivers }
`),
  );

  test.each([
    ['/news.xml', 'latest.rss'],
    ['/News.XML/', 'latest.rss'],
    ['https://old.example/news.xml?utm_source=x#top', 'latest.rss'],
    ['/news-atom.xml', 'latest.atom'],
    ['/old', 'section/culture.json'],
    ['/old?page=3', 'section/culture.json'],
    ['/old?cat=8', 'section/culture.json'],
    ['/old?x=1&cat=7', 'section/world.rss'],
    ['/old?type=atom&cat=7', 'tag/water.atom'],
    ['/index.php?format=feed&option=news&Itemid=5', 'latest.rss'],
    ['/index.php?format=feed', 'lost'],
    ['/ended', 'gone'],
    ['/rubrik/World/feed', 'section/world.rss'],
    ['/rubrik/nothing/feed', 'lost'],
    ['/rubrik/a/world/feed', 'section/world.rss'], // as WordPress without “category”
    ['/ressort/world/rss', 'section/world.rss'],
    ['/ressort/a/b/c/world/rss/', 'section/world.rss'],
    ['/ressort/rss', 'lost'],
    ['/rss/culture.xml', 'section/culture.rss'],
    ['/rss/world.xml', 'latest.rss'],
    ['/rss/tag-water.xml', 'tag/water.atom'],
    ['/rss/.xml', 'lost'],
    ['/feeds.php?rubrik=culture&x=1', 'section/culture.rss'],
    ['/feeds.php', 'lost'],
    ['/ku/neu', 'language/ku.rss'],
    ['/x/rivers', 'rivers.rss'],
    ['/a/ended', 'gone'],
    ['/a/b/ended', 'lost'],
  ])('%s → %s', async (address, destination) => {
    expect(await find(address)).toBe(destination);
  });
});

test('a redirect for one address of a feed counts for its other addresses, and patterns find it', async () => {
  const find = finder(
    { 'section/çand': 0, 'section/kultur': 0 },
    block('  - { from: "/rubrik/{slug}/feed", to: "section/{slug}" }\n'),
    '/category/a/kultur/feed/ section/çand\n/?feed=rss2&cat=5 section/çand\n/taxonomy/term/9/feed section/çand\n/feed/ section/kultur\n',
  );
  for (const address of [
    '/category/kultur/feed/',
    '/category/x/y/kultur/feed/rdf/',
    '/?cat=5&feed=rss',
    '/rubrik/kultur/feed',
    '/taxonomy/term/9/all/feed',
    '/categories/kultur/index.xml',
    '/kultur/rss/',
  ])
    expect([address, await find(address)]).toEqual([address, 'section/çand.rss']);
  expect(await find('/category/kultur/feed/atom/')).toBe('section/çand.atom');
  // The other addresses of /feed/ are the formats of WordPress, not every address at the top of a site.
  expect(await find('/feed/atom/')).toBe('section/kultur.atom');
  expect(await find('/?feed=rss2')).toBe('section/kultur.rss');
  expect(await find('/rss.xml')).toBe('latest.rss');
});

test('publication.yaml wins over redirects.txt, and both win over the built-in redirects', async () => {
  const own = block('  - { from: /feed/, to: section/a }\n  - { from: /tag/x/feed/ }\n');
  const recorded = '/feed/ section/b\n/tag/x/feed/ section/b\n/rss.xml section/b\n/tag/y/feed/ section/b json\n';
  const find = finder({ 'section/a': 0, 'section/b': 0, 'tag/x': 0, 'tag/y': 0 }, own, recorded);

  expect(
    await Promise.all(['/feed/', '/tag/x/feed/', '/rss.xml', '/tag/y/feed/', '/atom.xml'].map((one) => find(one))),
  ).toEqual(['section/a.rss', 'gone', 'section/b.rss', 'section/b.json', 'latest.atom']);
});

test('a pattern that leads to a feed wins over one that says that its addresses are gone', async () => {
  const find = finder({ 'section/world': 0 }, '', '/{story}/feed/ 410\n');

  expect(await find('/world/feed/')).toBe('section/world.rss');
  expect(await find('/a-story/feed/')).toBe('gone');
});

test('an address that is written down never leads elsewhere, or is gone, because its feed is not there yet', async () => {
  const find = finder(
    { 'section/world': 0, 'section/later': 5 },
    '',
    '/world/feed/ section/later\n/{story}/feed/ 410\n',
  );

  expect([await find('/world/feed/', 1), await find('/world/feed/', 5)]).toEqual(['lost', 'section/later.rss']);
});

describe('names as other systems write them', () => {
  const find = finder({
    'section/çand-û-huner': 0,
    'section/flüsse-und-täler': 0,
    'tag/işçi': 0,
    'tag/کوردی': 0,
    'author/ann-lee': 0,
    'section/cote-d-ivoire': 0,
    'section/cote': 9,
    'section/côte': 0,
  });
  test.each([
    ['/category/cand-u-huner/feed/', 'section/çand-û-huner.rss'],
    ['/category/fluesse-und-taeler/feed/', 'section/flüsse-und-täler.rss'],
    ['/category/flusse-und-taler/feed/', 'section/flüsse-und-täler.rss'],
    ['/tag/isci/feed/', 'tag/işçi.rss'],
    ['/tag/%D9%83%D9%88%D8%B1%D8%AF%D9%8A/feed/', 'tag/کوردی.rss'], // with the letters of Arabic
    ['/author/ann.lee/rss/', 'author/ann-lee.rss'],
    ['/author/ann_lee/rss/', 'author/ann-lee.rss'],
    ['/tag/cand-u-huner/feed/', 'lost'],
    ['/category/cote/feed/', 'section/côte.rss'], // the exact one is not visible yet
  ])('%s → %s', async (address, destination) => {
    expect(await find(address)).toBe(destination);
  });
});

test('names are folded once, in pieces, and leave with their feeds', async () => {
  const MANY = 3000;
  let keys = ['latest', 'section/çand', ...Array.from({ length: MANY }, (_, index) => `tag/şîn-${index}`)];
  const folding = vi.spyOn(String.prototype, 'normalize');
  onTestFinished(() => folding.mockRestore());
  const { find } = createOldAddresses({
    publication: parsePublication(PUBLICATION, 'publication.yaml'),
    recorded: async () => new RedirectTable([]),
    store: {
      feedKeys: async () => keys,
      seenFeeds: async (wanted) => wanted.filter((key) => keys.includes(key)).map((key) => ({ key, name: '' })),
    },
  });
  const leadsTo = async (slug: string) => {
    const destination = await find(`/category/${slug}/feed/`, 1);
    return typeof destination === 'object' ? destination.feed : destination;
  };
  /** How often the event loop goes round before a look-up is over. */
  async function rounds(lookUp: Promise<unknown>): Promise<number> {
    let count = 0;
    const state = { isOver: false };
    void lookUp.then(() => (state.isOver = true));
    for (; !state.isOver; count += 1) await new Promise(setImmediate);
    return count;
  }

  expect(await rounds(leadsTo('cand'))).toBeGreaterThan(1);
  folding.mockClear();
  keys = [...keys, 'section/kûr', 'section/kur-1'];
  expect(await leadsTo('kur')).toBe('section/kûr');
  expect(folding.mock.calls.length).toBeLessThan(100);
  keys = [...keys, 'section/cànd'];
  expect(await leadsTo('cand')).toBe('section/cànd'); // as after a start: by their keys, not in the order in which they came
  keys = keys.filter((key) => key !== 'section/cànd' && key !== 'section/kûr');
  expect([await leadsTo('cand'), await leadsTo('kur')]).toEqual(['section/çand', undefined]);
});

test('a feed that has ended leads where its own address leads', async () => {
  const yaml = 'retired: [{ feed: section/a, movedTo: tag/b }, { feed: section/c }]\n';
  const find = finder({ 'tag/b': 0, 'section/a': 0, 'section/c': 0 }, yaml, '/x section/a\n/y section/c\n');

  expect(
    await Promise.all(['/x', '/y', '/category/a/feed/atom/', '/category/c/feed/'].map((one) => find(one))),
  ).toEqual(['tag/b.rss', 'gone', 'tag/b.atom', 'gone']);
});

test('without built-in redirects only what is written down leads anywhere', async () => {
  const find = finder({ 'section/a': 0 }, 'builtInRedirects: off\n', '/category/a/feed/ section/a\n');

  expect(
    await Promise.all(['/feed/', '/rss.xml', '/category/a/feed/', '/category/a/feed/atom/'].map((one) => find(one))),
  ).toEqual(['lost', 'lost', 'section/a.rss', 'lost']);
});

test('names of prototypes are names like others', async () => {
  const find = finder({}, block('  - { from: "/x/{slug}", to: "tag/{slug}" }\n'), '/a?b=c latest\n');
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
    for (const start of ['/', '/x/', '/feed/', '/tag/', '/a?', '/?feed=', '/?feed=rss2&tag='])
      expect([start, name, await find(start + name)]).toEqual([start, name, 'lost']);
});

test('a hundred thousand redirects are read, and an address is found among them', async () => {
  const many = 100_000;
  const lines = Array.from(
    { length: many },
    (_, index) => `/old/part-${index % 100}/address-${index}.xml section/world`,
  );
  const queries = Array.from({ length: many }, (_, index) => `/index.php?id=${index} section/world`);
  const find = finder({ 'section/world': 0 }, '', [...lines, ...queries].join('\n'));

  expect(await find(`/old/part-99/address-${many - 1}.xml`)).toBe('section/world.rss');
  expect(await find(`/index.php?id=${many - 1}`)).toBe('section/world.rss');
  expect(await find(`/index.php?id=${many}`)).toBe('lost');
  expect(await find('/old/part-0/address-1.xml')).toBe('lost');
});

test('an address is taken apart once for each way in which a pattern can fit it', async () => {
  // Each part of the address fits the text and the parameter of every pattern, but for its end.
  const ways = Array.from({ length: 2 ** 7 }, (_, bits) =>
    Array.from({ length: 7 }, (_part, index) => ((bits >> index) & 1 ? `{p${index}}` : 'a')).join('/'),
  );
  const find = finder({}, '', [...ways.map((way) => `/${way}/end latest`), '/{a+}/a/{b}/a/end latest'].join('\n'));

  expect(await find(`/${'a/'.repeat(7)}b`)).toBe('lost');
  expect(await find(`/${'a/'.repeat(29)}`)).toBe('lost');
  expect(await find(`/${'a/'.repeat(7)}end`)).toBe('latest.rss');
  expect(await find(`/${'a/'.repeat(25)}x/a/end`)).toBe('latest.rss');
});

test.each([
  ['a long path', `/${'a'.repeat(100_000)}/feed/`],
  ['many parts', `/${'a/'.repeat(900)}feed/`],
  ['percent signs', `/${'%'.repeat(1900)}/feed/`],
  ['letters that are no UTF-8', '/category/%C0%AF/feed/'],
  ['a parameter again and again', `/x?${'feed=x&'.repeat(280)}`],
  ['many parameters', `/?${Array.from({ length: 300 }, (_, index) => `p${index}`).join('&')}`],
  ['marks upon marks', `/category/${'\u0301'.repeat(600)}/feed/`],
  ['joined emoji', `/category/${encodeURIComponent('\u{1F468}\u200D'.repeat(40))}/feed/`],
  ['half a character', '/category/\uD800/feed/'],
  ['a NUL', '/category/%00/feed/'],
  ['the folder above', '/category/%2e%2e%2f%2e%2e/feed/'],
  ['a line end', '/category/%0d%0aSet-Cookie:x/feed/'],
  ['another host', '//evil.example/x'],
  ['another scheme', 'javascript:alert(1)'],
  ['nothing', ''],
])('a hostile address is lost: %s', async (_name, address) => {
  const find = finder({ 'section/a': 0 });

  expect(await find(address)).toBe('lost');
});
