import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { dataFolder, PUBLICATION, record } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';
import { type Api, clientOf, FORMATS, NOW, SECOND } from './api.ts';
import { createSeeing, type Headers, type Seen } from './seen.ts';

const PICTURES = ['a.png', 'b.png', 'c.png', 'd.png'] as const;
/** Generations with lines in redirects.txt. */
const MOST_GENERATIONS = 3100;
const FILES = {
  // So few entries that every coding is waited for.
  'publication.yaml': `${PUBLICATION}entries: 10
feeds:
  - { id: rivers, title: Rivers, select: { any: [tag/dams] } }
  - { id: small, title: Small, entries: 1 }
retired:
  - { feed: section/old, movedTo: section/world }
redirects:
  - { from: "/rubrik/{slug}/rss", to: "section/{slug}" }
  - { from: "/{slug}/ended" }
terms: { search: yes, dataMining: ask, contact: { email: rights@news.example }, contentUsage: yes }
`,
  // By lines as an import writes them, for slugs that differ from the names of feeds.
  'redirects.txt': Array.from(
    { length: MOST_GENERATIONS },
    (_, generation) =>
      `/category/politics-${generation}/feed/ section/world-${generation}\n/?feed=rss2&author=${generation} author/ann-${generation}\n`,
  ).join(''),
  'articles/.keep': '',
  ...Object.fromEntries(PICTURES.map((name) => [`media/${name}`, name])),
};

/** Two publications that share a clock. Only the second one ever gets a story under embargo. */
async function twins() {
  const clock = { now: NOW };
  const open = async () => {
    const folder = await dataFolder(FILES);
    for (const name of PICTURES) await utimes(join(folder, 'media', name), NOW / SECOND, NOW / SECOND);
    const api = await clientOf(folder, { now: () => clock.now });
    return { api, see: createSeeing(api.port) };
  };
  return { clock, plain: await open(), secretive: await open() };
}

/** The addresses of a generation of stories, whose sections, tags and authors no earlier story has. */
function addresses(generation: number): string[] {
  const feeds = [`section/world-${generation}`, `tag/dams-${generation}`, `author/ann-${generation}`];
  return [
    ...['latest', 'language/ku', 'rivers', 'section/old', ...feeds].flatMap((feed) =>
      FORMATS.map((format) => `/feeds/${feed}.${format}`),
    ),
    ...['latest', 'rivers', 'section/old', ...feeds].map((feed) => `/feeds/${feed}.rss?format=raw`),
    // Hints name the nearest feed that exists.
    ...[`section/wrld-${generation}`, `tag/dam-${generation}`, 'author/anne', 'language/ky'].map(
      (feed) => `/feeds/${feed}.rss`,
    ),
    // The newest pages of archives, those that are next, and those that do not exist yet.
    ...Array.from({ length: 2 * generation + 4 }, (_, index) => index + 1)
      .slice(-8)
      .flatMap((page) => ['.atom', '.json', ''].map((format) => `/feeds/small/archive/${page}${format}`)),
    ...[1, 2, 3].flatMap((page) => FORMATS.map((format) => `/feeds/latest/archive/${page}.${format}`)),
    '/feeds/small.rss',
    ...PICTURES.map((name) => `/media/${name}`),
    ...['/feeds.opml', '/sitemap.xml', '/sitemap-feeds.xml', '/sitemap-2026-11.xml', '/news-sitemap.xml'],
    ...['/sitemap-2026-11-2.xml', '/sitemap-2026-12.xml', '/robots.txt', '/favicon.ico'],
    ...['/license.xml', '/.well-known/tdmrep.json', '/tdm-policy.json'],
    // Their numbers, charts, headlines and searches know what readers can see.
    ...['latest', 'rivers', 'section/old', ...feeds].map((feed) => `/feeds/${feed}`),
    '/',
    ...['dams', 'kurd'].map((text) => `/?q=${text}`),
    ...oldAddresses(generation),
    '/healthz',
    '/readyz',
  ];
}

/** Addresses of earlier systems: they lead to feeds, but not to those of a story under embargo. */
function oldAddresses(generation: number): string[] {
  return [
    '/feed',
    '/?feed=rss2',
    `/category/a/world-${generation}/feed/`,
    `/category/w%C3%B6rld-${generation}/feed/atom/`, // feeds are found by names without accents as well
    `/tag/dams-${generation}/rss/`,
    `/tags/d%C3%A2ms-${generation}/index.xml`,
    `/author/ann-${generation}/feed/`,
    `/?feed=rss2&tag=dams-${generation}`,
    `/world-${generation}/feed/`,
    `/rubrik/world-${generation}/rss`,
    `/category/politics-${generation}/feed/`,
    `/category/politics-${generation}/feed/atom/`,
    `/?feed=atom&author=${generation}`,
    `/world-${generation}/ended`,
    `/feeds/posts/default/-/dams-${generation}`,
  ];
}

const fields = fc.record(
  {
    section: fc.constantFrom('World', 'WORLD', 'world'),
    tag: fc.constantFrom('Dams', 'dams', 'DAMS'),
    author: fc.constantFrom('Ann', 'ANN'),
    language: fc.constantFrom('ku', 'en'),
    picture: fc.constantFrom(...PICTURES),
    title: fc.constantFrom('Water', 'Snow'),
  },
  { requiredKeys: ['section'] },
);
type Fields = typeof fields extends fc.Arbitrary<infer Value> ? Value : never;

type Step =
  | { readonly kind: 'publish'; readonly id: string; readonly fields: Fields; readonly minutes: number }
  | { readonly kind: 'hide'; readonly id: string; readonly fields: Fields; readonly minutes: number }
  | { readonly kind: 'withdraw'; readonly id: string }
  | { readonly kind: 'withdrawHidden'; readonly id: string }
  | { readonly kind: 'wait'; readonly seconds: number };

const id = fc.constantFrom('x', 'y');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('publish'), id, fields, minutes: fc.integer({ min: 1, max: 90 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('hide'), id, fields, minutes: fc.integer({ min: 1, max: 20 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('withdraw'), id }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('withdrawHidden'), id }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait'), seconds: fc.integer({ min: 0, max: 1800 }) }) },
);

const iso = (moment: number) => new Date(moment).toISOString();

const story = (name: string, more: object) => record({ id: name, url: `/${name}`, body: '<p>Water.</p>', ...more });

/** A story of a generation. */
function storyOf(generation: number, name: string, { section, tag, author, picture, ...rest }: Fields, more: object) {
  return story(name, {
    ...rest,
    sections: [`${section} ${generation}`],
    ...(tag === undefined ? {} : { tags: [`${tag} ${generation}`, tag] }),
    ...(author === undefined ? {} : { authors: [{ name: `${author} ${generation}` }] }),
    ...(picture === undefined ? {} : { image: { url: `/media/${picture}` } }),
    ...more,
  });
}

async function expectDone(answer: ReturnType<Api['put']>) {
  expect((await answer).status).toBeLessThan(300);
}

test('two publications that differ only in stories under embargo give the same answers, until their time', {
  tags: ['soak'],
}, async () => {
  const { clock, plain, secretive } = await twins();
  /** The end of each embargo. */
  const hidden = new Map<string, number>();
  const known = new Map<string, string>();
  const statuses = new Set<number | undefined>();
  let generation = 0;

  async function expectTheSame() {
    for (const address of addresses(generation)) {
      const tag = known.get(address);
      const headers: Headers = {
        // The feeds of all generations fill the list. A long document gets gzip once it is made, whenever that is.
        'Accept-Encoding': address === '/' || address.startsWith('/?') ? 'identity' : 'gzip',
        Accept: 'text/html, */*',
        ...(tag === undefined ? {} : { 'A-IM': 'feed' }),
      };
      const conditions: Headers[] = tag === undefined ? [{}] : [{}, { 'If-None-Match': tag }];
      if (/\.(?:rss|atom|json)$/.test(address)) conditions.push({ 'Sec-Fetch-Dest': 'document' });
      for (const condition of conditions) {
        const expected = await plain.see(address, { ...headers, ...condition });
        expect(await secretive.see(address, { ...headers, ...condition }), address).toEqual(expected);
        statuses.add(expected.status);
        if (expected.status === 303) continue;
        known.set(address, expected.headers.find((line) => line.startsWith('ETag: '))?.slice(6) ?? tag ?? '"none"');
      }
    }
  }

  async function withdrawHidden(name: string) {
    if (!hidden.delete(name)) return;
    await expectDone(secretive.api.remove(`/${name}`));
  }

  async function take(each: Step) {
    if (each.kind === 'publish') {
      const name = `${each.id}-${generation}`;
      const body = storyOf(generation, name, each.fields, { publishedAt: iso(NOW - each.minutes * 60 * SECOND) });
      await Promise.all([plain, secretive].map(({ api }) => api.put(`/${name}`, { body })));
    } else if (each.kind === 'hide') {
      const name = `hidden-${each.id}-${generation}`;
      const end = Math.floor(clock.now / SECOND) * SECOND + each.minutes * 60 * SECOND;
      hidden.set(name, end);
      await expectDone(
        secretive.api.put(`/${name}`, { body: storyOf(generation, name, each.fields, { embargoUntil: iso(end) }) }),
      );
    } else if (each.kind === 'withdraw') {
      const name = `${each.id}-${generation}`;
      await Promise.all([plain, secretive].map(({ api }) => api.remove(`/${name}`)));
    } else if (each.kind === 'withdrawHidden') {
      await withdrawHidden(`hidden-${each.id}-${generation}`);
    } else if (each.kind === 'wait') {
      const end = clock.now + each.seconds * SECOND;
      clock.now = Math.min(end, ...[...hidden.values()].map((moment) => moment - 1));
      await expectTheSame();
      for (const [name, moment] of hidden) if (moment <= end) await withdrawHidden(name);
      clock.now = end; // a story that was withdrawn under embargo stays hidden after its time
    }
  }

  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 6 }), async (steps) => {
      generation += 1;
      for (const each of steps) await take(each);
      await expectTheSame();
    }),
    { numRuns: sized({ short: 4, soak: 30, full: 3000 }), seed: 20261129, endOnFailure: true },
  );
  for (const name of hidden.keys()) await withdrawHidden(name);
  expect([...statuses].sort()).toEqual([200, 226, 303, 304, 307, 308, 404, 410]);
});

test('no header tells in its last ten minutes which feeds a story under embargo will be in', async () => {
  const { clock, plain, secretive } = await twins();
  for (const { api } of [plain, secretive]) {
    await expectDone(api.put('/dams', { body: story('dams', { tags: ['Dams'] }) }));
    await expectDone(api.put('/snow', { body: story('snow', { tags: ['Snow'], authors: [{ name: 'Ann' }] }) }));
  }
  const end = NOW + 660 * SECOND;
  const secret = { tags: ['Dams', 'Deal'], image: { url: '/media/a.png' }, embargoUntil: iso(end) };
  await expectDone(secretive.api.put('/secret', { body: story('secret', secret) }));
  const withIt = '/feeds/tag/dams.rss';
  const withoutIt = '/feeds/tag/snow.rss';
  const caching = ({ headers }: Seen) => headers.find((line) => line.startsWith('Cache-Control: '));

  for (clock.now = NOW + 60 * SECOND; clock.now < end; clock.now += SECOND) {
    const answers = await Promise.all([withIt, withoutIt].map((path) => secretive.see(path)));
    const unaware = await Promise.all([withIt, withoutIt].map((path) => plain.see(path)));
    expect(answers).toEqual(unaware);
    expect(answers[0] && caching(answers[0])).toBe(answers[1] && caching(answers[1]));
  }
  expect(clock.now).toBe(end);
  const paths = ['/feeds/tag/deal.rss', '/media/a.png'];
  expect(await Promise.all(paths.map(async (path) => (await secretive.see(path)).status))).toEqual([200, 200]);
  clock.now -= 1;
  for (const path of paths) expect(await secretive.see(path)).toEqual(await plain.see(path));
});

test('a large feed keeps its coding while a story under embargo is written', async () => {
  const { plain, secretive } = await twins();
  const body = `<p>${'The river rose in the night. '.repeat(3000)}</p>`;
  const headers = { 'Accept-Encoding': 'br, identity;q=0.1' };
  const path = '/feeds/latest.rss';
  for (const { api, see } of [plain, secretive]) {
    await expectDone(api.put('/long', { body: story('long', { body }) }));
    await vi.waitFor(async () => expect((await see(path, headers)).headers).toContain('Content-Encoding: br'), 60_000);
  }
  for (const minutes of [1, 2, 3]) {
    const secret = { title: `Secret ${minutes}`, embargoUntil: iso(NOW + minutes * 60 * SECOND) };
    await expectDone(secretive.api.put('/secret', { body: story('secret', secret) }));
    expect(await secretive.see(path, headers)).toEqual(await plain.see(path, headers));
  }
});
