import { expect, test } from 'vitest';
import { parseArticle } from '../src/article/article.ts';
import { parsePublication } from '../src/config/publication.ts';
import { PublisherError } from '../src/errors.ts';
import { command } from './commands/terminal.ts';
import { ask, newsroom, PUBLICATION, record } from './helpers.ts';
import { startApi } from './http/api.ts';

/** What is typed, and the word that the answer must name. */
type Mistakes = Readonly<Record<string, readonly (readonly [typed: string, meant: string])[]>>;

/** The word behind “Did you mean” or “the nearest is” in an answer, or the answer itself. */
function namedIn(answer: string): string {
  return /(?:[Dd]id you mean|the nearest is) ([^\s?]+?)[?.]?(?:\s|$)/.exec(answer)?.[1] ?? answer;
}

async function expectAnswers(mistakes: Mistakes, answerTo: (typed: string) => string | Promise<string>): Promise<void> {
  const kinds = Object.entries(mistakes);
  expect(kinds.length).toBeGreaterThanOrEqual(10);
  for (const [kind, pairs] of kinds) {
    for (const [typed, meant] of pairs) {
      const answer = await answerTo(typed);
      expect([kind, typed, namedIn(answer)]).toEqual([kind, typed, meant]);
    }
  }
}

function problemsOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof PublisherError) return error.problems.map(({ rule }) => rule).join('\n');
    throw error;
  }
  return 'no error';
}

test('fields of records', async () => {
  const mistakes: Mistakes = {
    'a letter missing': [
      ['summry', 'summary'],
      ['tite', 'title'],
      ['publishedA', 'publishedAt'],
    ],
    'a letter doubled': [
      ['tittle', 'title'],
      ['authhors', 'authors'],
      ['tagss', 'tags'],
    ],
    'two letters swapped': [
      ['titel', 'title'],
      ['tgas', 'tags'],
      ['medai', 'media'],
      ['bdoy', 'body'],
    ],
    'a wrong letter': [
      ['titke', 'title'],
      ['lamguage', 'language'],
      ['sourxe', 'source'],
    ],
    'the wrong case': [
      ['Title', 'title'],
      ['publishedat', 'publishedAt'],
      ['PUBLISHEDAT', 'publishedAt'],
    ],
    'singular or plural': [
      ['tag', 'tags'],
      ['author', 'authors'],
      ['section', 'sections'],
      ['images', 'image'],
    ],
    'other separators': [
      ['published_at', 'publishedAt'],
      ['embargo-until', 'embargoUntil'],
      ['body_format', 'bodyFormat'],
    ],
    'another language': [
      ['überschrift', 'title'],
      ['titre', 'title'],
      ['başlık', 'title'],
      ['autor', 'authors'],
      ['etiketler', 'tags'],
      ['sprache', 'language'],
      ['fecha', 'publishedAt'],
      ['sernav', 'title'],
    ],
    'the word of another system': [
      ['headline', 'title'],
      ['content', 'body'],
      ['date', 'publishedAt'],
      ['content_html', 'body'],
      ['pubDate', 'publishedAt'],
      ['link', 'url'],
      ['guid', 'id'],
      ['categories', 'sections'],
      ['byline', 'authors'],
      ['excerpt', 'summary'],
    ],
    'a space': [
      ['published At', 'publishedAt'],
      [' title', 'title'],
      ['expires at', 'expiresAt'],
    ],
    'a wrong ending': [
      ['publishedOn', 'publishedAt'],
      ['updated', 'updatedAt'],
      ['embargo', 'embargoUntil'],
    ],
  };
  await expectAnswers(mistakes, (typed) => problemsOf(() => parseArticle(record({ [typed]: 'x' }), newsroom)));
});

test('fields of parts of records', () => {
  const fields = {
    authors: [{ name: 'A', naem: 'B' }],
    image: { url: '/a', witdh: 5, captoin: 'c', src: '/b' },
    media: [{ url: '/a.mp3', type: 'audio/mpeg', mime_type: 'x', size_in_bytes: 5 }],
    source: { name: 'A', url: '/a', Name: 'B' },
    translations: [{ language: 'en', url: '/a', lang: 'de' }],
    withdrawn: { at: '2026-11-21T00:00:00Z', resaon: 'x' },
  };
  const refused: string[] = [];
  try {
    parseArticle(record(fields), newsroom);
  } catch (error) {
    if (!(error instanceof PublisherError)) throw error;
    refused.push(...error.problems.map(({ field, rule }) => `${field} → ${namedIn(rule)}`));
  }
  expect(refused.sort()).toEqual([
    'authors[0].naem → name',
    'image.captoin → caption',
    'image.src → url',
    'image.witdh → width',
    'media[0].mime_type → type',
    'media[0].size_in_bytes → length',
    'source.Name → name',
    'translations[0].lang → language',
    'withdrawn.resaon → reason',
  ]);
});

test('fields of publication.yaml', async () => {
  const mistakes: Mistakes = {
    'a letter missing': [
      ['copyrigh', 'copyright'],
      ['entrie', 'entries'],
    ],
    'a letter doubled': [
      ['maxxAge', 'maxAge'],
      ['feedds', 'feeds'],
    ],
    'two letters swapped': [
      ['lgoo', 'logo'],
      ['retierd', 'retired'],
      ['inco', 'icon'],
    ],
    'a wrong letter': [
      ['favicom', 'favicon'],
      ['contavt', 'contact'],
    ],
    'the wrong case': [
      ['MaxAge', 'maxAge'],
      ['feedsURL', 'feedsUrl'],
    ],
    'singular or plural': [
      ['feed', 'feeds'],
      ['contacts', 'contact'],
      ['entry', 'entries'],
    ],
    'other separators': [
      ['max_age', 'maxAge'],
      ['accent-color', 'accentColor'],
      ['tombstone_days', 'tombstoneDays'],
    ],
    'another language': [
      ['urheberrecht', 'copyright'],
      ['kontakt', 'contact'],
      ['farbe', 'accentColor'],
      ['lizenz', 'license'],
    ],
    'the word of another system': [
      ['ttl', 'maxAge'],
      ['limit', 'entries'],
      ['moved', 'retired'],
      ['rewrites', 'redirects'],
      ['theme_color', 'accentColor'],
    ],
    'a space': [
      ['max age', 'maxAge'],
      ['accent color', 'accentColor'],
    ],
    'a wrong ending': [
      ['tombstoneDay', 'tombstoneDays'],
      ['licence', 'license'],
      ['feedsUri', 'feedsUrl'],
    ],
  };
  const answerTo = (typed: string) =>
    problemsOf(() => parsePublication(`${PUBLICATION}${JSON.stringify(typed)}: x\n`, 'publication.yaml'));
  await expectAnswers(mistakes, answerTo);
  const feed = 'feeds:\n  - { id: a, title: A, sellect: {}, select: { ani: [latest] } }\n';
  const rules = problemsOf(() => parsePublication(PUBLICATION + feed, 'publication.yaml')).split('\n');
  expect(rules.map(namedIn).sort()).toEqual(['any', 'select']);
});

test('values of fields', () => {
  const formats: readonly (readonly [string, string])[] = [
    ['HTML', 'html'],
    ['htlm', 'html'],
    ['markdwn', 'markdown'],
    ['md', 'markdown'],
    ['plain', 'text'],
  ];
  for (const [typed, meant] of formats) {
    const answer = problemsOf(() => parseArticle(record({ bodyFormat: typed }), newsroom));
    expect([typed, namedIn(answer)]).toEqual([typed, meant]);
  }
  const feeds: readonly (readonly [string, string])[] = [
    ['content: sumary', 'summary'],
    ['content: excerpt', 'summary'],
    ['content: Full', 'full'],
    ['select: { any: [tags/water] }', 'tag/water'],
    ['select: { all: [rubrik/Wind und Wetter] }', 'section/wind-und-wetter'],
    ['select: { none: [autor/ann-lee] }', 'author/ann-lee'],
    ['select: { any: [latst] }', 'latest'],
  ];
  for (const [typed, meant] of feeds) {
    const feed = `feeds:\n  - { id: a, title: A, ${typed} }\n`;
    const answer = problemsOf(() => parsePublication(PUBLICATION + feed, 'publication.yaml'));
    expect([typed, namedIn(answer)]).toEqual([typed, meant]);
  }
  const retired = 'retired:\n  - { feed: tag/a, movedTo: schlagwort/b }\n';
  expect(namedIn(problemsOf(() => parsePublication(PUBLICATION + retired, 'publication.yaml')))).toBe('tag/b');
});

test('commands', async () => {
  const mistakes: Mistakes = {
    'a letter missing': [
      ['srve', 'serve'],
      ['imprt', 'import'],
      ['migrat', 'migrate'],
    ],
    'a letter doubled': [
      ['exportt', 'export'],
      ['imporrt', 'import'],
      ['keyy', 'key'],
    ],
    'two letters swapped': [
      ['imoprt', 'import'],
      ['sevre', 'serve'],
      ['migraet', 'migrate'],
    ],
    'a wrong letter': [
      ['expott', 'export'],
      ['kex', 'key'],
      ['aerve', 'serve'],
    ],
    'the wrong case': [
      ['Serve', 'serve'],
      ['IMPORT', 'import'],
    ],
    'singular or plural': [
      ['keys', 'key'],
      ['imports', 'import'],
      ['exports', 'export'],
    ],
    'other separators': [
      ['_import', 'import'],
      ['ex-port', 'export'],
    ],
    'another language': [
      ['importieren', 'import'],
      ['exporter', 'export'],
      ['schlüssel', 'key'],
      ['başlat', 'serve'],
    ],
    'the word of another program': [
      ['start', 'serve'],
      ['publish', 'import'],
      ['dump', 'export'],
      ['token', 'key'],
      ['upgrade', 'migrate'],
    ],
    'a space': [
      ['import ', 'import'],
      [' serve', 'serve'],
    ],
    'a wrong ending': [
      ['server', 'serve'],
      ['migration', 'migrate'],
      ['importing', 'import'],
    ],
  };
  await expectAnswers(mistakes, async (typed) => (await command([typed])).err.split('\n')[0] ?? '');
});

test('options', async () => {
  const mistakes: Mistakes = {
    'a letter missing': [
      ['--prt', '--port'],
      ['--wrkers', '--workers'],
    ],
    'a letter doubled': [
      ['--porrt', '--port'],
      ['--hosst', '--host'],
    ],
    'two letters swapped': [
      ['--prot', '--port'],
      ['--dtaa', '--data'],
      ['--ratelimit', '--rate-limit'],
    ],
    'a wrong letter': [
      ['--porr', '--port'],
      ['--dara', '--data'],
    ],
    'the wrong case': [
      ['--Port', '--port'],
      ['--DATA', '--data'],
      ['--publicUrl', '--public-url'],
    ],
    'singular or plural': [
      ['--ports', '--port'],
      ['--worker', '--workers'],
      ['--max-connection', '--max-connections'],
    ],
    'other separators': [
      ['--cache_mb', '--cache-mb'],
      ['--metricsport', '--metrics-port'],
      ['--trust_proxy', '--trust-proxy'],
    ],
    'another language': [
      ['--daten', '--data'],
      ['--ordner', '--data'],
      ['--puerto', '--port'],
    ],
    'the word of another program': [
      ['--listen', '--host'],
      ['--threads', '--workers'],
      ['--dir', '--data'],
      ['--base-url', '--public-url'],
    ],
    'a space': [
      ['--max connections', '--max-connections'],
      ['--trust proxy', '--trust-proxy'],
    ],
    'a wrong ending': [
      ['--public-uri', '--public-url'],
      ['--cache', '--cache-mb'],
      ['--metrics', '--metrics-port'],
      ['--vesrion', '--version'],
      ['--hlep', '--help'],
    ],
  };
  await expectAnswers(mistakes, async (typed) => (await command(['serve', typed, '1'])).err.split('\n')[0] ?? '');
});

test('values of options and variables', async () => {
  const levels: Mistakes = {
    'a letter missing': [
      ['inf', 'info'],
      ['debg', 'debug'],
    ],
    'a letter doubled': [
      ['warrn', 'warn'],
      ['errror', 'error'],
    ],
    'two letters swapped': [
      ['ifno', 'info'],
      ['wran', 'warn'],
    ],
    'a wrong letter': [
      ['fatql', 'fatal'],
      ['imfo', 'info'],
    ],
    'the wrong case': [
      ['WARN', 'warn'],
      ['Info', 'info'],
    ],
    'singular or plural': [
      ['errors', 'error'],
      ['warnings', 'warn'],
    ],
    'other separators': [['_debug', 'debug']],
    'the word of another program': [
      ['warning', 'warn'],
      ['critical', 'fatal'],
      ['verbose', 'trace'],
      ['off', 'silent'],
    ],
    'a space': [['info ', 'info']],
    'a wrong ending': [
      ['debugging', 'debug'],
      ['silently', 'silent'],
    ],
  };
  const answerTo = async (typed: string) =>
    (await command(['serve'], { env: { LOG_LEVEL: typed } })).err.split('\n')[0] ?? '';
  await expectAnswers(levels, answerTo);
  for (const [typed, meant] of [
    ['true', 'on'],
    ['ON', 'on'],
    ['0', 'off'],
    ['no', 'off'],
  ] as const) {
    expect(namedIn((await command(['serve', '--fast-path', typed])).err)).toBe(meant);
  }
});

const STORY = JSON.stringify(
  record({ sections: ['Middle East', 'World'], tags: ['Water', 'C++', '⚽'], authors: [{ name: 'Ann Lee' }] }),
);

test('addresses of feeds', async () => {
  const { port } = await startApi({ 'articles/a.json': STORY });
  const mistakes: Mistakes = {
    'a letter missing': [
      ['/feeds/latst.rss', '/feeds/latest.rss'],
      ['/feeds/section/midle-east.atom', '/feeds/section/middle-east.atom'],
    ],
    'a letter doubled': [
      ['/feeds/lattest.json', '/feeds/latest.json'],
      ['/feeds/tag/watter.rss', '/feeds/tag/water.rss'],
    ],
    'two letters swapped': [
      ['/feeds/tag/wtaer.rss', '/feeds/tag/water.rss'],
      ['/feeds/sectoin/world.rss', '/feeds/section/world.rss'],
    ],
    'a wrong letter': [
      ['/feeds/section/worlf.rss', '/feeds/section/world.rss'],
      ['/feefs/latest.rss', '/feeds/latest.rss'],
    ],
    'the wrong case': [
      ['/feeds/Latest.rss', '/feeds/latest.rss'],
      ['/feeds/section/World.rss', '/feeds/section/world.rss'],
    ],
    'singular or plural': [
      ['/feed/latest.rss', '/feeds/latest.rss'],
      ['/feeds/tags/water.rss', '/feeds/tag/water.rss'],
      ['/feeds/section/worlds.rss', '/feeds/section/world.rss'],
    ],
    'other separators': [
      ['/feeds/section/middle_east.rss', '/feeds/section/middle-east.rss'],
      ['/feeds/section-world.rss', '/feeds/section/world.rss'],
    ],
    'a name as it is written': [
      ['/feeds/tag/C++.rss', '/feeds/tag/c-plus-plus.rss'],
      ['/feeds/author/Ann%20Lee.rss', '/feeds/author/ann-lee.rss'],
      ['/feeds/section/Middle%20East.rss', '/feeds/section/middle-east.rss'],
    ],
    'no folder': [
      ['/latest.rss', '/feeds/latest.rss'],
      ['/section/world.rss', '/feeds/section/world.rss'],
      ['/feeds/world.rss', '/feeds/section/world.rss'],
    ],
    'the wrong kind': [
      ['/feeds/tag/world.rss', '/feeds/section/world.rss'],
      ['/feeds/section/water.rss', '/feeds/tag/water.rss'],
    ],
    'a space': [
      ['/feeds/section/%20world.rss', '/feeds/section/world.rss'],
      ['/feeds/latest%20.rss', '/feeds/latest.rss'],
    ],
    'the folder alone': [
      ['/feeds', '/feeds/latest.rss'],
      ['/feeds/', '/feeds/latest.rss'],
    ],
    'the folder of another system': [
      ['/rss.xm', '/rss.xml'],
      ['/atom.rss', '/atom.xml'],
      ['/feeed', '/feed'],
    ],
  };
  const answerTo = async (path: string) => {
    const { status, text } = await ask(port, path);
    return status === 404 ? JSON.parse(text).detail : `status ${status}`;
  };
  await expectAnswers(mistakes, answerTo);

  for (const ending of [
    '.xml',
    '.rdf',
    '.atom.xml',
    '.RSS',
    '.Json',
    '.rs',
    '.atm',
    '.rss.',
    '.html',
    '/feed',
    '/rss.xml',
  ]) {
    for (const feed of ['latest', 'section/world', 'tag/c-plus-plus', `tag/${encodeURIComponent('⚽')}`]) {
      const addresses = ['rss', 'atom', 'json'].map((format) => `/feeds/${feed}.${format}`).join(', ');
      expect([feed, ending, await answerTo(`/feeds/${feed}${ending}`)]).toEqual([
        feed,
        ending,
        `Use the ending of a format: ${addresses}`,
      ]);
    }
  }
});

test('an emoji is a feed, however it is written', async () => {
  const { port, get } = await startApi({ 'articles/a.json': JSON.stringify(record({ tags: ['❤️', '⚽'] })) });
  for (const tag of ['❤', '❤️', '⚽', '⚽️']) {
    expect((await ask(port, `/feeds/tag/${encodeURIComponent(tag)}.rss`)).status).toBe(200);
    const { status, text } = await get(`?feed=${encodeURIComponent(`tag/${tag}`)}`);
    expect([status, JSON.parse(text).articles.length]).toEqual([200, 1]);
  }
});

test('filters of the API', async () => {
  const { get } = await startApi({ 'articles/a.json': STORY });
  const mistakes: Mistakes = {
    'a letter missing': [
      ['statu=visible', 'status'],
      ['status=visble', 'visible'],
      ['feed=section/wrld', 'section/world'],
    ],
    'a letter doubled': [
      ['limitt=1', 'limit'],
      ['status=expiredd', 'expired'],
      ['feed=sectionn/world', 'section/world'],
    ],
    'two letters swapped': [
      ['statsu=visible', 'status'],
      ['status=visibel', 'visible'],
      ['feed=secton/world', 'section/world'],
      ['feed=tag/wtaer', 'tag/water'],
    ],
    'a wrong letter': [
      ['cursir=1', 'cursor'],
      ['status=wirhdrawn', 'withdrawn'],
      ['feed=lateat', 'latest'],
    ],
    'the wrong case': [
      ['Status=visible', 'status'],
      ['status=Visible', 'visible'],
      ['LIMIT=1', 'limit'],
    ],
    'singular or plural': [
      ['feeds=latest', 'feed'],
      ['limits=1', 'limit'],
      ['feed=sections/world', 'section/world'],
      ['feed=tags/water', 'tag/water'],
    ],
    'other separators': [
      ['_limit=1', 'limit'],
      ['feed=section-world', 'section/world'],
      ['status=_visible', 'visible'],
    ],
    'another language': [
      ['zustand=visible', 'status'],
      ['status=sichtbar', 'visible'],
      ['feed=rubrik/world', 'section/world'],
      ['feed=etiket/water', 'tag/water'],
    ],
    'the word of another system': [
      ['per_page=10', 'limit'],
      ['page=2', 'cursor'],
      ['status=published', 'visible'],
      ['status=scheduled', 'embargoed'],
      ['tag=water', 'feed'],
      ['feed=category/world', 'section/world'],
    ],
    'a space': [
      ['status%20=visible', 'status'],
      ['status=visible%20', 'visible'],
    ],
    'a wrong ending': [
      ['status=embargo', 'embargoed'],
      ['status=withdraw', 'withdrawn'],
      ['feed=section/worldly', 'section/world'],
    ],
  };
  const answerTo = async (query: string) => {
    const { status, text } = await get(`?${query}`);
    return status === 400 ? JSON.parse(text).problems[0].rule : `status ${status}`;
  };
  await expectAnswers(mistakes, answerTo);
  expect(await answerTo('cursor=abc')).toContain('take it from “cursor” in that answer');
  for (const feed of ['Section/Middle%20East', 'tag/C%2B%2B', 'TAG/Water', 'latest']) {
    expect(await answerTo(`feed=${feed}`)).toBe('status 200');
  }
  expect(await answerTo('feed=tag/never-used')).toBe('status 200');
  expect(await answerTo('feed=section/world&status=expired')).toBe('status 200');
  for (const feed of ['latest.rss', 'latest.atom.xml', 'Latest.json']) {
    const answer = await answerTo(`feed=${feed}`);
    expect([feed, namedIn(answer)]).toEqual([feed, 'latest']);
    expect(answer).toContain('the id of a feed in publication.yaml');
  }
});

test('filters and cursors of the overviews, and views of an article', async () => {
  const api = await startApi({ 'articles/a.json': STORY });
  const key = { Authorization: `Bearer ${api.key}` };
  const answerTo = async (path: string) => {
    const { status, text } = await ask(api.port, `/api/${path}`, { headers: key });
    const { problems, detail } = JSON.parse(text);
    return `${status} ${problems?.[0].rule ?? detail}`;
  };
  for (const [typed, meant] of [
    ['feeds?kind=sections', 'section'],
    ['feeds?kind=Tag', 'tag'],
    ['feeds?kind=auther', 'author'],
    ['feeds?kind=category', 'section'],
    ['feeds?kynd=tag', 'kind'],
    ['problems?limitt=1', 'limit'],
    ['articles/a/hystory', '/api/articles/a/history'],
    ['articles/a/feed', '/api/articles/a/feeds'],
    ['articles/a/audit', '/api/articles/a/history'],
    ['articles/a?view=hist', 'history'],
  ] as const) {
    expect([typed, namedIn(await answerTo(typed))]).toEqual([typed, meant]);
  }
  for (const path of ['feeds?cursor=%20', 'feeds?cursor=a/b', 'problems?cursor=1x', 'problems?cursor=-1'])
    expect([path, await answerTo(path)]).toEqual([path, expect.stringContaining('400 must be the cursor of the page')]);
  expect(await answerTo('articles/none/history')).toBe('404 GET /api/articles lists all articles with their ids.');
  expect(await answerTo('articles/none/hystory')).toBe('404 GET /api/articles lists all articles with their ids.');
});
