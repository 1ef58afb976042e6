import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parsePartner } from '../../src/config/partners.ts';
import { type Publication, parsePublication } from '../../src/config/publication.ts';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { configurationInForce, refreshStore, replacePublication } from '../../src/publish/refresh.ts';
import { unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { storeFile } from '../../src/service/data-folder.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { ask, newsroom, PUBLICATION, put, record, start } from '../helpers.ts';
import { type Api, clientOf, FORMATS, NOW, SECOND, startApi } from '../http/api.ts';
import { writeSealed } from '../store/sealed.ts';

const FEEDS = [
  'latest',
  'language/en',
  'language/ckb',
  'tag/tigris',
  'tag/euphrates',
  'section/sport',
  'rivers',
  'more',
];

const RULE = (select: string, id = 'rivers') => `feeds: [{ id: ${id}, title: Rivers, select: { ${select} } }]\n`;
const YAML = PUBLICATION + RULE('any: [tag/tigris]');

/** With pictures below the service's address, with and without a language, embargoed, expired, from a file. */
const RECORDS = [
  record({ id: 'a', tags: ['Tigris'], body: '<p>A <img src="/media/p.txt"></p>', image: { url: '/media/p.txt' } }),
  record({ id: 'b', tags: ['Euphrates'], publishedAt: '2026-11-21T10:00:00Z', updatedAt: '2026-11-21T11:00:00Z' }),
  record({ id: 'c', tags: ['Tigris', 'Euphrates'], sections: ['Sport'], language: 'ckb' }),
  record({ id: 'd', tags: ['Tigris'], embargoUntil: '2026-12-01T00:00:00Z' }),
  record({ id: 'e', tags: ['Tigris'], expiresAt: '2026-11-21T00:00:00Z' }),
];
/** Withdrawn through the API: after it was visible, and before. */
const WITHDRAWN = [
  record({ id: 'gone', tags: ['Tigris'] }),
  record({ id: 'never', embargoUntil: '2026-12-01T00:00:00Z' }),
];

const FILES = { 'media/p.txt': 'x', 'articles/file.json': JSON.stringify(record({ id: 'file', tags: ['Euphrates'] })) };

async function filled(yaml: string): Promise<Api> {
  const api = await startApi({ ...FILES, 'publication.yaml': yaml });
  for (const one of [...RECORDS, ...WITHDRAWN]) {
    const { status, text } = await api.put(`/${String(one.id)}`, { body: one });
    expect(status, text).toBe(201);
  }
  await api.remove('/gone?reason=Wrong');
  await api.remove('/never');
  return api;
}

/** Status, tag and bytes of every feed in every format. */
async function documentsOf(port: number): Promise<Record<string, unknown>> {
  const entries: [string, unknown][] = [];
  for (const feed of FEEDS) {
    for (const format of FORMATS) {
      const { status, headers, text } = await ask(port, `/feeds/${feed}.${format}`);
      entries.push([`${feed}.${format}`, status === 200 ? [status, headers.etag, text] : [status]]);
    }
  }
  return Object.fromEntries(entries);
}

async function revisionsOf({ get }: Api): Promise<Record<string, number>> {
  const { articles }: { articles: { id: string; revision: number }[] } = JSON.parse((await get('?limit=500')).text);
  return Object.fromEntries(articles.map(({ id, revision }) => [id, revision]).sort());
}

async function restarted(api: Api, yaml: string, now = NOW): Promise<Api> {
  await api.close();
  await put(api.dataFolder, 'publication.yaml', yaml);
  return clientOf(api.dataFolder, { now: () => now });
}

test.each([
  ['feedsUrl', YAML.replace('feeds.news.example', 'other.example')],
  ['language', YAML.replace('language: en', 'language: ckb')],
  ['title', YAML.replace('The Test Post', 'Another Post')],
  ['the word any of a feed’s rule', PUBLICATION + RULE('any: [tag/euphrates]')],
  ['the word all', PUBLICATION + RULE('all: [tag/tigris, tag/euphrates]')],
  ['the word none', PUBLICATION + RULE('any: [tag/tigris], none: [section/sport]')],
  [
    'a feed that is new',
    `${PUBLICATION}feeds: [{ id: rivers, title: Rivers, select: { any: [tag/tigris] } }, { id: more, title: More }]\n`,
  ],
  ['a feed of another name', PUBLICATION + RULE('any: [tag/tigris]', 'more')],
  ['a feed that is gone', PUBLICATION],
  [
    'all at once',
    PUBLICATION.replace('feeds.news.example', 'o.example').replace(': en', ': ckb') + RULE('none: [tag/tigris]'),
  ],
])('after a change of %s the feeds are those of a fresh store', async (_, yaml) => {
  const fresh = await filled(yaml);
  const api = await restarted(await filled(YAML), yaml);

  expect(await documentsOf(api.port)).toEqual(await documentsOf(fresh.port));
});

test('after a change of entries as well, but for the numbers of pages, which the archive keeps', async () => {
  const yaml = `${YAML}entries: 1\n`;
  const fresh = await filled(yaml);
  const api = await restarted(await filled(YAML), yaml);
  const entriesOf = async (port: number) => {
    const documents = Object.entries(await documentsOf(port)) as [string, [number, string?, string?]][];
    return documents.map(([name, [status, , text]]) => [name, status, text?.replace(/archive\/\d+/g, 'archive/n')]);
  };

  expect(await entriesOf(api.port)).toEqual(await entriesOf(fresh.port));
});

test.each([
  ['nothing', YAML],
  ['a comment', `# why\n${YAML}`],
  ['the title', YAML.replace('The Test Post', 'Another Post')],
])('a change of %s gives no article a new revision', async (_, yaml) => {
  const api = await filled(YAML);
  const before = await revisionsOf(api);

  expect(await revisionsOf(await restarted(api, yaml, NOW + 60 * SECOND))).toEqual(before);
});

test('a change of feedsUrl gives a new revision to articles that name it, a change of a rule to none', async () => {
  const api = await filled(YAML);
  const before = await revisionsOf(api);
  const changed = (after: Record<string, number>, then: Record<string, number>) =>
    Object.keys(after).filter((id) => after[id] !== then[id]);
  const moved = await restarted(api, YAML.replace('feeds.news.example', 'other.example'));
  const atOther = await revisionsOf(moved);
  const other =
    PUBLICATION.replace('feeds.news.example', 'other.example') + RULE('any: [tag/tigris], none: [section/sport]');
  const ruled = await restarted(moved, other);

  expect(changed(atOther, before)).toEqual(['a']);
  expect(changed(await revisionsOf(ruled), atOther)).toEqual([]);
});

test('a change of the origins of the API changes no feed', async () => {
  const store = openSqliteStore(':memory:');
  const refresh = (yaml: string) => {
    const publication = parsePublication(PUBLICATION + yaml, 'publication.yaml');
    return refreshStore({
      store,
      publication,
      parse: parseHere(newsroom),
      now: () => NOW,
      progress: () => {},
      onInvalid: () => expect.fail(),
    });
  };
  const revisions: number[] = [];
  for (const yaml of ['', 'origins: ["https://cms.example"]\n', '', 'maxAge: 5\n']) {
    await refresh(yaml);
    revisions.push(await store.lastRevision());
  }

  expect(revisions).toEqual([0, 0, 0, 1]);
});

test('a change of rules parses no article again', async () => {
  const store = openSqliteStore(':memory:');
  const progress: unknown[] = [];
  const parts = {
    store: { ...store, page: () => expect.fail('an article was read') },
    parse: parseHere(newsroom),
    now: () => NOW,
    progress: (_what: string, done: number, total: number) => progress.push([done, total]),
    onInvalid: () => expect.fail(),
  };
  const refresh = (yaml: string) =>
    refreshStore({ ...parts, publication: parsePublication(PUBLICATION + yaml, 'publication.yaml') });
  await refreshStore({ ...parts, store, publication: parsePublication(PUBLICATION, 'publication.yaml') });
  const { publish } = createPublisher({ ...parts, store, announce: () => {} });
  await publish(RECORDS.map(unparsedRecord));
  const many = Array.from(
    { length: 700 },
    (_, number) => `{ id: f${number}, title: F, select: { any: [tag/tigris] } }`,
  );
  const held = async (key: string) => (await store.snapshot(key, NOW, { limit: 50, tombstonesFor: 0 }))?.entries.length;

  await refresh(`feeds: [${many}]\n`);
  expect([await held('f0'), await held('f699'), progress]).toEqual([
    2,
    2,
    [
      [500, 700],
      [700, 700],
    ],
  ]);
  await refresh(RULE('any: [tag/euphrates]', 'f0'));
  expect([await held('f0'), await held('f699'), progress.slice(2)]).toEqual([
    2,
    undefined,
    [
      [500, 700],
      [700, 700],
    ],
  ]);
  await refresh(RULE('any: [tag/euphrates]', 'f0'));
  expect(progress).toHaveLength(4);
});

test('an article withdrawn through the API stays withdrawn, with its date and reason, whatever changes', async () => {
  const api = await filled(YAML);
  const now = NOW + 3600 * SECOND;
  const later = await restarted(
    api,
    YAML.replace('language: en', 'language: ckb').replace('feeds.news', 'f.news'),
    now,
  );

  expect(JSON.parse((await later.get('/gone')).text)).toMatchObject({
    status: 'withdrawn',
    withdrawn: { at: '2026-11-22T12:00:00Z', reason: 'Wrong' },
  });
  expect(JSON.parse((await later.get('/never')).text).status).toBe('withdrawn');
  expect(JSON.parse((await ask(later.port, '/feeds/latest.json')).text)._tombstones.items).toEqual([
    { id: 'tag:news.example,2026:gone', date_withdrawn: '2026-11-22T12:00:00Z', reason: 'Wrong' },
  ]);
  expect(JSON.parse((await ask(later.port, '/feeds/rivers.json')).text)._tombstones.items).toHaveLength(1);
});

test('the public ids stay when the site moves: readers must not see old stories as new', async () => {
  const api = await filled(YAML);
  const later = await restarted(api, YAML.replace('url: https://news.example/', 'url: https://moved.example/'));
  const { items }: { items: { id: string }[] } = JSON.parse((await ask(later.port, '/feeds/latest.json')).text);

  expect(items.map(({ id }) => id).sort()).toEqual(['a', 'b', 'c', 'file'].map((id) => `tag:news.example,2026:${id}`));
});

test('a client that knows only the date notices a change of the publication', async () => {
  const api = await filled(YAML);
  const before = await ask(api.port, '/feeds/latest.rss');
  const later = await restarted(api, YAML.replace('feeds.news.example', 'other.example'), NOW + 3600 * SECOND);
  const headers = { 'If-Modified-Since': before.headers['last-modified'] };
  const untouched = await ask(later.port, '/feeds/tag/euphrates.rss', { headers });

  expect([untouched.status, untouched.text.includes('https://other.example/feeds/tag/euphrates.rss')]).toEqual([
    200,
    true,
  ]);
});

test('an article whose record is no longer valid stays as it was, and the log says so', async () => {
  // Without its picture in the media folder, a file named by its address needs a type of its own.
  const api = await startApi({ 'publication.yaml': YAML, 'media/p.mp3': 'x' });
  await api.put('/a', { body: record({ media: [{ url: '/media/p.mp3' }] }) });
  const before = JSON.parse((await ask(api.port, '/feeds/latest.json')).text).items;
  await api.close();
  await rm(`${api.dataFolder}/media/p.mp3`);
  await put(api.dataFolder, 'publication.yaml', YAML.replace('language: en', 'language: ckb'));
  const later = await start(api.dataFolder, { now: () => NOW });

  expect(JSON.parse((await ask(later.port, '/feeds/latest.json')).text).items).toEqual(before);
  expect(later.lines).toEqual([
    expect.stringMatching(
      /^Article a keeps its earlier version: its record is not valid now\. media\[0\]\.type: is required/,
    ),
  ]);
});

test('the next start continues an interrupted update', async () => {
  const api = await filled(YAML);
  const fresh = await filled(YAML.replace('language: en', 'language: ckb'));
  await api.close();
  await put(api.dataFolder, 'publication.yaml', YAML.replace('language: en', 'language: ckb'));
  const broken = start(api.dataFolder, {
    now: () => NOW,
    progress: () => {
      throw new Error('broken off');
    },
  });
  await expect(broken).rejects.toThrow('broken off');
  const later = await clientOf(api.dataFolder);

  expect(await documentsOf(later.port)).toEqual(await documentsOf(fresh.port));
});

test.each([
  ['rule', PUBLICATION + RULE('any: [tag/euphrates]')],
  ['feed', PUBLICATION],
  ['feedsUrl', YAML.replace('feeds.news.example', 'other.example')],
])('the next start continues an update after a change of a %s is undone', async (_, yaml) => {
  const api = await filled(YAML);
  const before = await documentsOf(api.port);
  await api.close();
  await put(api.dataFolder, 'publication.yaml', yaml);
  const broken = start(api.dataFolder, {
    now: () => NOW,
    progress: () => {
      throw new Error('broken off');
    },
  });
  await expect(broken).rejects.toThrow('broken off');

  expect(await documentsOf((await restarted(api, YAML)).port)).toEqual(before);
});

test.each([
  ['older', 'A title'],
  ['same', 'As it was read before'],
])('an article that a parser of the %s version made is “%s” after the next start', async (version, expected) => {
  const api = await filled(YAML);
  await api.close();
  writeSealed(
    storeFile(api.dataFolder),
    `UPDATE article SET article = json_set(article, '$.title', 'As it was read before') WHERE id = 'a';
    UPDATE setting SET value = json_set(value, '$[0]', (value ->> 0) - ${version === 'older' ? 1 : 0}) WHERE name = 'reading'`,
  );
  const later = await restarted(api, YAML);

  expect(JSON.parse((await ask(later.port, '/feeds/tag/tigris.json')).text).items).toContainEqual(
    expect.objectContaining({ id: 'tag:news.example,2026:a', title: expected }),
  );
});

test('a change of partners alone fills and empties their selections, and changes no feed of readers', async () => {
  const store = openSqliteStore(':memory:');
  const base = parsePublication(YAML, 'publication.yaml');
  const withPartners = (...selections: readonly string[]): Publication => ({
    ...base,
    partners: selections.map((select, index) => {
      const partner = parsePartner({ id: `p${index}`, text: `name: P\ndialect: plain\nselect: { ${select} }\n` });
      return 'id' in partner ? partner : expect.fail();
    }),
  });
  const parts = { store, parse: parseHere(newsroom), progress: () => {}, onInvalid: () => expect.fail() };
  await refreshStore({ ...parts, publication: base, now: () => NOW });
  const { publish } = createPublisher({ ...parts, now: () => NOW, announce: () => {} });
  await publish(RECORDS.map(unparsedRecord));
  let at = NOW;
  const replace = async (publication: Publication) => {
    at += SECOND;
    await replacePublication({ store, publication, now: () => at }, () => {});
  };
  const restart = async (publication: Publication) => {
    at += SECOND;
    await refreshStore({ ...parts, publication, now: () => at });
  };
  const publicState = async () => ({
    shown: await store.setting('masthead'),
    feeds: await Promise.all(
      FEEDS.map((key) => store.snapshot(key, NOW + 60 * SECOND, { limit: 10, tombstonesFor: 0 })),
    ),
  });
  const selected = async (id: string) => {
    const options = { limit: 10, delay: 0, retention: 0 };
    return (await store.partnerSnapshot(`partner/${id}`, NOW + 60 * SECOND, options))?.entries.length ?? 0;
  };
  const before = await publicState();
  const inForce = new Set([await configurationInForce(store)]);

  for (const apply of [replace, restart]) {
    await apply(withPartners('any: [tag/tigris]', 'any: [tag/euphrates]'));
    inForce.add(await configurationInForce(store));
    expect([await selected('p0'), await selected('p1')]).toEqual([2, 2]);
    await apply(withPartners('all: [tag/tigris, tag/euphrates]'));
    inForce.add(await configurationInForce(store));
    expect([await selected('p0'), await selected('p1')]).toEqual([1, 0]);
    await apply(base);
    expect([await selected('p0'), await selected('p1')]).toEqual([0, 0]);
    expect(await publicState()).toEqual(before);
  }
  expect(inForce.size).toBe(3); // workers know another configuration by its name
});
