import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, dataFolder, decoded, makeFolder, PUBLICATION, record, serving } from '../helpers.ts';
import { command } from './terminal.ts';

const FEEDS = `feeds:
  - { id: desk, title: Desk, select: { any: [section/world] } }
  - { id: rivers, title: Rivers, select: { any: [tag/rivers] } }
`;
const BEFORE = `${PUBLICATION}entries: 4\n${FEEDS}`;

/** Ten stories: seven of World, three of Home; every second one has a tag. */
const ARTICLES = Object.fromEntries(
  Array.from({ length: 10 }, (_, index) => [
    `articles/a${index}.json`,
    JSON.stringify(
      record({
        id: `a${index}`,
        publishedAt: `2026-11-${10 + index}T10:00:00Z`,
        sections: [index < 7 ? 'World' : 'Home'],
        tags: index % 2 === 0 ? ['Rivers'] : ['Snow'],
      }),
    ),
  ]),
);

let folder: string;
beforeAll(async () => {
  folder = await makeFolder({ 'publication.yaml': BEFORE, ...ARTICLES });
  await (await serving(folder, {})).close();
});
afterAll(() => rm(folder, { recursive: true }));

async function diff(text: string, ...args: string[]) {
  const file = join(folder, 'new.yaml');
  await writeFile(file, text);
  return command(['check', '--data', folder, '--diff', file, ...args]);
}

const NOTHING = `Ids of stories that change: 0 of 10. A story keeps its id from its first publication on.
no reader sees a story again
`;

test('the same publication changes nothing', async () => {
  expect(await diff(BEFORE)).toEqual({ code: 0, out: NOTHING, err: '', drawn: '' });
});

test('settings that no reader sees twice', async () => {
  const { code, out } = await diff(
    BEFORE.replace('The Test Post', 'The New Post').replace('entries: 4', 'entries: 2\nauditDays: 9'),
  );
  expect([code, out]).toEqual([0, `Settings that change: auditDays, entries, title\n${NOTHING}`]);
});

test('settings of a feed that stays, by their names', async () => {
  const text = BEFORE.replace('title: Desk', 'title: The Desk, content: summary').replace(
    'Rivers, s',
    'Rivers, content: full, s',
  );
  const { code, out } = await diff(text);
  expect([code, out]).toEqual([0, `Settings that change: feeds.desk.content, feeds.desk.title\n${NOTHING}`]);
});

test('a setting that takes effect at a start, alone', async () => {
  const { out } = await diff(BEFORE.replace('language: en', 'language: de'));
  expect(out).toContain('A running service does not take this file: language takes effect at the next start only.');
});

test('feeds that come, go and change, with their entries', async () => {
  const text = `${PUBLICATION}entries: 4
retired:
  - { feed: desk }
feeds:
  - { id: rivers, title: Rivers, select: { any: [tag/rivers], none: [section/home] } }
  - { id: snow, title: Snow, select: { all: [tag/snow, section/world] } }
`;
  expect(await diff(text)).toMatchObject({
    code: 3,
    out: `Feeds that come:
  snow: 3 entries
Feeds that go:
  desk: 4 entries; its readers get 410
Feeds that change:
  rivers: 4 → 4 entries; 1 new, 1 gone
Settings that change: retired
Ids of stories that change: 0 of 10. A story keeps its id from its first publication on.
Readers could see stories again:
  feeds: 1 entry. rivers gets other stories by its new rule, which its readers see as new.
readers could see 1 entry again
`,
  });
});

test('a changed host: every feed is another one, and every story keeps its id', async () => {
  const { code, out } = await diff(BEFORE.replaceAll('news.example', 'other.example'));
  expect(code).toBe(3);
  // latest, two sections of which one has 3 stories, two topics, a language, two feeds of the operator's
  expect(out).toContain(
    'feedsUrl: 31 entries. All feeds move from https://feeds.news.example/ to https://feeds.other.example/.',
  );
  expect(out).toContain('url: 31 entries. The ids of feeds in Atom begin with https://other.example/');
  expect(out).toContain('A running service does not take this file: url, feedsUrl take effect at the next start only.');
  expect(out).toContain('Ids of stories that change: 0 of 10.');
  expect(out).toContain('Ids of feeds that change, in Atom: 8');
  expect(out).toMatch(/readers could see 31 entries again\n$/);
});

test('a renamed feed and a renamed section: their readers get every story again, with and without a redirect', async () => {
  const renamed = await diff(BEFORE.replace('id: desk', 'id: world-desk'));
  expect(renamed).toMatchObject({ code: 3 });
  expect(renamed.out).toContain('desk: 4 entries; its readers get 404. List it under retired');
  expect(renamed.out).toContain('feeds: 4 entries. world-desk has the rule of desk, whose readers get 404.');
  const moved = await diff(`${BEFORE}retired:\n  - { feed: section/world, movedTo: section/home }\n`);
  expect(moved.out).toContain(
    'retired: 3 entries. Readers of section/world are led to section/home, which has 3 other entries.',
  );
  const section = await diff(BEFORE.replace('any: [section/world]', 'any: [section/home]'));
  expect(section.out).toContain('desk: 4 → 3 entries; 3 new, 4 gone');
  expect(section.out).toMatch(/readers could see 3 entries again\n$/);
});

test('longer documents show older stories', async () => {
  const { code, out } = await diff(BEFORE.replace('entries: 4', 'entries: 6'));
  expect(code).toBe(3);
  expect(out).toContain('entries: 11 entries. Longer documents of 7 feeds: readers see older stories as new.');
});

test('as JSON, with all that differs', async () => {
  const { code, out } = await diff(BEFORE.replace('id: desk', 'id: world-desk'), '--json');
  expect(code).toBe(3);
  expect(JSON.parse(out)).toEqual({
    file: join(folder, 'new.yaml'),
    come: [{ feed: 'world-desk', entries: 4 }],
    go: [{ feed: 'desk', entries: 4 }],
    change: [],
    settings: [],
    restart: [],
    ids: { stories: 10, changedStories: 0, changedFeeds: 0 },
    again: {
      entries: 4,
      reasons: [{ field: 'feeds', feeds: 1, entries: 4, text: expect.stringContaining('world-desk') }],
    },
  });
});

test('a publication.yaml that is the new one already is compared with the one that readers know', async () => {
  await writeFile(join(folder, 'publication.yaml'), BEFORE.replace('id: desk', 'id: world-desk'));
  const { out } = await command(['check', '--data', folder, '--diff', join(folder, 'publication.yaml')]);
  await writeFile(join(folder, 'publication.yaml'), BEFORE);
  expect(out).toContain('Feeds that come:\n  world-desk: 4 entries\n');
});

test('where publication.yaml has a mistake, the one in force is compared, and settings that nobody knows count as unchanged', async () => {
  await writeFile(join(folder, 'publication.yaml'), `${BEFORE}titel: x\n`);
  const { code, out, err } = await diff(`${BEFORE}auditDays: 9\nmaxAge: 30\norigins: [https://a.example]\n`);
  await writeFile(join(folder, 'publication.yaml'), BEFORE);

  expect([code, out]).toEqual([0, `Settings that change: maxAge\n${NOTHING}`]);
  expect(err).toContain('publication.yaml cannot be read: the new one is compared with the publication in force');
});

test('a file that is not valid, one that is missing, and wrong usage', async () => {
  expect(await diff(`${PUBLICATION}titel: x\n`)).toMatchObject({
    code: 1,
    err: expect.stringContaining('new.yaml:6:'),
  });
  expect(await command(['check', '--data', folder, '--diff', join(folder, 'nothing')])).toMatchObject({ code: 1 });
  const both = ['check', '--data', folder, '--diff', 'a', '--redirects', 'b'];
  expect(await command(both)).toMatchObject({ code: 2 });
});

test('a folder that was never served has no readers', async () => {
  const fresh = await dataFolder({ 'publication.yaml': BEFORE });
  const file = join(fresh, 'new.yaml');
  await writeFile(file, BEFORE.replace('id: desk', 'id: world-desk'));
  const { code, out } = await command(['check', '--data', fresh, '--diff', file]);
  expect([code, out.split('\n')[0]]).toEqual([0, 'The data folder has no store: no reader knows its feeds yet.']);
  expect(out).toMatch(/no reader sees a story again\n$/);

  await writeFile(file, BEFORE.replaceAll('news.example', 'other.example'));
  const moved = await command(['check', '--data', fresh, '--diff', file]);
  expect(moved.code).toBe(0);
  expect(moved.out).not.toContain('Readers could see stories again');
});

/** Each differs from the one before in what documents hold: sizes, rules, and feeds that are added, removed and retired. */
const CHAIN = [
  'entries: 4\nfeeds:\n  - { id: desk, title: D, select: { any: [section/world] } }\n  - { id: rivers, title: R, select: { any: [tag/rivers] } }\n',
  'entries: 6\nfeeds:\n  - { id: rivers, title: R, select: { any: [tag/rivers] } }\n',
  'entries: 6\nfeeds:\n  - { id: rivers, title: R, entries: 2, select: { any: [tag/snow], none: [section/home] } }\nretired:\n  - { feed: section/home }\n  - { feed: tag/snow, movedTo: latest }\n',
  'entries: 9\nfeeds:\n  - { id: desk, title: D, select: { all: [tag/snow, language/en] } }\nretired:\n  - { feed: tag/snow }\n  - { feed: rivers, movedTo: tag/rivers }\n',
  'entries: 2\nfeeds:\n  - { id: rivers, title: R, select: { any: [latest, tag/nothing] } }\n',
];

test('what it says is what readers meet after the next start', async () => {
  const own = await makeFolder({ 'publication.yaml': PUBLICATION + CHAIN[0], ...ARTICLES });
  const file = join(own, 'publication.yaml');
  const said: object[] = [];
  const met: object[] = [];
  let before = await entriesOf(own);
  for (const text of CHAIN.slice(1)) {
    await writeFile(file, PUBLICATION + text);
    const { out } = await command(['check', '--data', own, '--diff', file, '--json']);
    const { come, go, again } = JSON.parse(out);
    const after = await entriesOf(own);
    said.push({
      come: new Map(come.map(({ feed, entries }: Feed) => [feed, entries])),
      go: new Map(go.map(({ feed, entries }: Feed) => [feed, entries])),
      again: again.reasons.reduce(
        (sum: number, { field, entries }: Feed) => sum + (field === 'retired' ? 0 : entries),
        0,
      ),
    });
    met.push({
      come: countsOf(after, before),
      go: countsOf(before, after),
      again: [...after].reduce((sum, [feed, ids]) => sum + ids.difference(before.get(feed) ?? ids).size, 0),
    });
    before = after;
  }
  await rm(own, { recursive: true });
  expect(said).toEqual(met);
});

interface Feed {
  readonly feed: string;
  readonly field: string;
  readonly entries: number;
}

/** How many entries the feeds have that others lack. */
function countsOf(feeds: Awaited<ReturnType<typeof entriesOf>>, others: typeof feeds): Map<string, number> {
  return new Map([...feeds].filter(([feed]) => !others.has(feed)).map(([feed, ids]) => [feed, ids.size]));
}

/** The ids of the entries of all feeds that a start serves. */
async function entriesOf(own: string): Promise<Map<string, Set<string>>> {
  const service = await serving(own, {});
  const found = new Map<string, Set<string>>();
  for (const feed of [
    'latest',
    'section/world',
    'section/home',
    'tag/rivers',
    'tag/snow',
    'language/en',
    'desk',
    'rivers',
  ]) {
    const answer = await ask(service.port, `/feeds/${feed}.json`);
    if (answer.status !== 200) continue;
    const { items } = JSON.parse(decoded(answer).toString());
    found.set(feed, new Set(items.map(({ id }: { id: string }) => id)));
  }
  await service.close();
  return found;
}

test('the address of a start is no change, whether the option is given again or not', async () => {
  const own = await makeFolder({ 'publication.yaml': BEFORE, 'articles/a.json': JSON.stringify(record()) });
  const file = join(own, 'publication.yaml');
  await (await serving(own, { feedsUrl: 'https://public.example/feeds/' })).close();
  const same = ['check', '--data', own, '--diff', file];
  const answers = [await command(same), await command([...same, '--public-url', 'https://public.example/feeds'])];
  await writeFile(join(own, 'new.yaml'), BEFORE.replace('https://feeds.news', 'https://new.news'));
  const { out } = await command([
    'check',
    '--data',
    own,
    '--diff',
    join(own, 'new.yaml'),
    '--public-url',
    'https://x.example/',
  ]);
  await rm(own, { recursive: true });
  expect(answers.map(({ code, out }) => [code, out.split('\n').at(-2)])).toEqual([
    [0, 'no reader sees a story again'],
    [0, 'no reader sees a story again'],
  ]);
  expect(out).toContain('All feeds move from https://public.example/feeds/ to https://x.example/.');
});

test('a file that was saved before it was compared hides nothing of what changes', async () => {
  const own = await makeFolder({ 'publication.yaml': BEFORE, 'articles/a.json': JSON.stringify(record()) });
  const file = join(own, 'publication.yaml');
  await (await serving(own, {})).close();
  await writeFile(file, `${BEFORE}copyright: © Somebody\nlicense: https://news.example/license\n`);
  const saved = await command(['check', '--data', own, '--diff', file]);
  await writeFile(join(own, 'new.yaml'), BEFORE);
  await writeFile(file, 'title: ][');
  const broken = await command(['check', '--data', own, '--diff', join(own, 'new.yaml')]);
  await rm(own, { recursive: true });
  expect(saved.out).toMatch(/^Settings that change: copyright, license\n/);
  expect(broken.out).not.toContain('Settings that change');
});

test('it reads what a running service has committed, and changes no file of a stopped one', async () => {
  const own = await makeFolder({ 'publication.yaml': BEFORE, ...ARTICLES });
  const file = join(own, 'new.yaml');
  await writeFile(file, BEFORE.replace('id: desk', 'id: world-desk'));
  const service = await serving(own, {});
  const running = await command(['check', '--data', own, '--diff', file]);
  await service.close();
  const before = await filesOf(own);
  const stopped = await command(['check', '--data', own, '--diff', file]);
  const after = await filesOf(own);
  await rm(own, { recursive: true });
  expect(running.out).toContain('Feeds that come:\n  world-desk: 4 entries\n');
  expect(stopped).toEqual(running);
  expect(after).toEqual(before);
});

/** The files of the store, each with what a change of it would change. */
async function filesOf(own: string): Promise<string[]> {
  const names = (await readdir(join(own, 'store'))).filter((name) => name.startsWith('publisher')).sort();
  return await Promise.all(
    names.map(async (name) => {
      const { size, ino, mtimeMs } = await stat(join(own, 'store', name));
      return [name, size, ino, mtimeMs].join(' ');
    }),
  );
}

test('a publication that takes a feed from a partner is refused, with the partner’s file', async () => {
  const partner = 'name: P\ndialect: plain\nfeeds: [rivers]\n';
  const yaml = `${PUBLICATION}feeds: [{ id: rivers, title: R }]\n`;
  const folder = await dataFolder({ 'publication.yaml': yaml, 'partners/p.yaml': partner, 'new.yaml': PUBLICATION });
  const { code, err } = await command(['check', '--diff', join(folder, 'new.yaml'), '--data', folder]);

  expect(code).toBe(1);
  expect(err).toContain(`${join(folder, 'partners/p.yaml')}:3:9: feeds[0]: `);
  expect(await command(['check', '--diff', join(folder, 'publication.yaml'), '--data', folder])).toMatchObject({
    code: 0,
  });
});
