import { describe, expect, test } from 'vitest';
import { msn } from '../../../src/format/dialect/msn.ts';
import { article } from '../../helpers.ts';
import {
  childrenOf,
  documentOf,
  entryOf,
  erased,
  expectChildren,
  film,
  itemsOf,
  parseXml,
  sampleStories,
  slideshow,
  textOf,
  withdrawn,
} from './fixtures.ts';

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const RFC_822 = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;
const stories = await sampleStories('language/en');
const [first, second] = stories as [(typeof stories)[0], (typeof stories)[0]];
const takenBack = [withdrawn(first), erased(second)];
const DOCUMENTS = {
  article: documentOf(msn, { stories: stories.slice(2), takenBack }),
  slideshow: documentOf(msn, { contentType: 'slideshow', stories: [slideshow], takenBack }),
  video: documentOf(msn, { contentType: 'video', stories: [film] }),
};

const OPTIONAL = [
  ...['dcterms:modified?', 'mi:expirationDate?', 'mi:shortTitle?', 'dc:creator', 'category*'],
  ...['media:keywords?', 'dc:rights?'],
];
const ITEM = {
  article: ['guid', 'title', 'description', 'content:encoded', 'pubDate', 'link', ...OPTIONAL, 'media:content?'],
  slideshow: ['guid', 'title', 'description', 'pubDate', 'link', ...OPTIONAL, 'media:content+'],
  video: ['guid', 'title', 'description', 'pubDate', 'link', ...OPTIONAL, 'media:content'],
};
const KILLED = [
  ...['guid', 'title', 'description', 'content:encoded', 'pubDate', 'link', 'dcterms:modified', 'mi:expirationDate'],
];
const PICTURE = [
  ...['media:thumbnail', 'media:title', 'media:text?', 'media:credit?', 'media:description?'],
  'mi:hasSyndicationRights?',
];

describe.each(['article', 'slideshow', 'video'] as const)('the document of type %s', (contentType) => {
  const document = DOCUMENTS[contentType];
  const rss = parseXml(document);
  const [channel] = rss.children as [typeof rss];
  const items = childrenOf(channel, 'item');
  const live = items.filter((each) => childrenOf(each, 'dc:creator').length > 0);

  test('is the golden one', async () => {
    await expect(document).toMatchFileSnapshot(`golden/msn-${contentType}.rss`);
  });

  test('has the channel of the table, with a region in its language', () => {
    expectChildren(channel, ['title', 'link', 'description', 'language', 'atom:link', 'copyright?', 'item*']);
    expect(textOf(channel, 'language')).toBe('en-US');
    expect(childrenOf(channel, 'atom:link')[0]?.attributes).toMatchObject({ rel: 'self' });
  });

  test('has items of the table', () => {
    expect(live.length).toBeGreaterThan(0);
    for (const each of live) {
      expectChildren(each, ITEM[contentType]);
      expect(textOf(each, 'pubDate')).toMatch(RFC_822);
      expect(textOf(each, 'dcterms:modified') ?? '2026-11-20T00:00:00Z').toMatch(RFC_3339);
      expect(childrenOf(each, 'guid')[0]?.attributes).toEqual({ isPermaLink: 'false' });
      const title = textOf(each, 'title') ?? '';
      expect(title.length).toBeGreaterThan(20);
      expect(childrenOf(each, 'mi:shortTitle').length).toBe(title.length > 54 ? 1 : 0);
      expect((textOf(each, 'mi:shortTitle') ?? '').length).toBeLessThanOrEqual(54);
      expect(textOf(each, 'description')).not.toMatch(/<(?:p|a|b|div|em)\b/);
    }
    expect(new Set(items.map((each) => textOf(each, 'guid'))).size).toBe(items.length);
  });

  test('has the namespaces of the table', () => {
    expect(rss.attributes).toMatchObject({
      'xmlns:media': 'http://search.yahoo.com/mrss/',
      'xmlns:mi': 'http://schemas.ingestion.microsoft.com/common/',
      'xmlns:dcterms': 'http://purl.org/dc/terms/',
    });
  });
});

test('a withdrawn story says that it ended, later than its last change, and nothing of what it said', () => {
  const killed = itemsOf(DOCUMENTS.article).slice(-2);
  for (const each of killed) {
    expectChildren(each, KILLED);
    expect(textOf(each, 'mi:expirationDate')).toBe('2026-11-22T08:00:00Z');
    expect(textOf(each, 'dcterms:modified')).toBe('2026-11-22T08:00:00Z');
    expect(textOf(each, 'content:encoded')).toBe('<p>The publisher has withdrawn this story.</p>');
    expect(textOf(each, 'title')?.length).toBeGreaterThan(20);
  }
  expect(killed.map((each) => textOf(each, 'guid'))).toEqual([first.publicId, second.publicId]);
  expect(killed.map((each) => textOf(each, 'title'))).toEqual([first.title, 'This story was withdrawn']);
  expect(killed.map((each) => textOf(each, 'link'))).toEqual([first.url, 'https://fourrivers.example/']);
});

test('a withdrawal is newer than a last change that is dated after it', () => {
  const later = article({ updatedAt: '2026-12-01T00:00:00Z' });
  const [killed] = itemsOf(documentOf(msn, { stories: [], takenBack: [withdrawn(later)] }));
  expect(killed && textOf(killed, 'dcterms:modified')).toBe('2026-12-01T00:00:01Z');
  expect(killed && textOf(killed, 'mi:expirationDate')).toBe('2026-11-22T08:00:00Z');
});

describe('pictures', () => {
  const picture = { url: 'https://media.example/a.jpg', width: 1200, height: 700, alt: 'A', caption: 'B', credit: 'C' };

  test('the picture of the story has its thumbnail and its texts inside', () => {
    const [content] = childrenOf(
      entryOf(msn, { ...article(), image: { ...picture, syndicate: true } }),
      'media:content',
    );
    expect(content?.attributes).toEqual({
      url: picture.url,
      type: 'image/jpeg',
      medium: 'image',
      width: '1200',
      height: '700',
    });
    expect(content?.children.map(({ name }) => name)).toEqual(PICTURE.map((name) => name.replace('?', '')));
    expect(content && textOf(content, 'mi:hasSyndicationRights')).toBe('1');
  });

  test.each([
    ['says nothing', undefined, undefined],
    ['allows it', true, '1'],
    ['forbids it', false, '0'],
  ])('the rights are what the record says: it %s', (_, syndicate, flag) => {
    const image = { ...picture, ...(syndicate !== undefined && { syndicate }) };
    const [content] = childrenOf(entryOf(msn, { ...article(), image }), 'media:content');
    expect(content && textOf(content, 'mi:hasSyndicationRights')).toBe(flag);
  });

  test('a picture that the body shows is there only', () => {
    const body = `<p>A.</p><figure><img src="${picture.url}"><figcaption>D</figcaption></figure>`;
    const entry = entryOf(msn, { ...article({ body }), image: picture });
    expect(childrenOf(entry, 'media:content')).toEqual([]);
    expect(textOf(entry, 'content:encoded')).toContain(picture.url);
  });

  test.each([
    ['SVG', { type: 'image/svg+xml' }],
    ['SVG by its name', { url: 'https://media.example/a.svg' }],
    ['more than 15 MB', { length: 15 * 1024 * 1024 + 1 }],
  ])('a picture beyond the limits is left out: %s', (_, more) => {
    expect(childrenOf(entryOf(msn, { ...article(), image: { ...picture, ...more } }), 'media:content')).toEqual([]);
  });

  test('another picture within the limits takes its place', () => {
    const media = [{ url: 'https://media.example/b.png', type: 'image/png' }];
    const entry = entryOf(msn, { ...article(), image: { ...picture, type: 'image/tiff' }, media });
    expect(childrenOf(entry, 'media:content')[0]?.attributes).toMatchObject({ url: 'https://media.example/b.png' });
  });
});

test.each([
  ['unwraps what MSN does not know', '<section><p>a</p>b</section>', '<p>a</p><p>b</p>'],
  [
    'makes a paragraph of a caption',
    '<figure><img src="/a.png"><figcaption>b</figcaption></figure>',
    '<p><img src="https://news.example/a.png" /></p><p>b</p>',
  ],
  ['keeps one of several line breaks', '<p>a<br><br>b</p>', '<p>a<br />b</p>'],
  ['makes h5 of h6', '<h6>a</h6>', '<h5>a</h5>'],
  [
    'writes a link for a player of YouTube',
    '<iframe src="https://www.youtube.com/embed/a"></iframe>',
    '<p><a href="https://www.youtube.com/embed/a">www.youtube.com</a></p>',
  ],
  ['leaves struck-out words out', '<p>a <s>b</s>c</p>', '<p>a c</p>'],
  [
    'takes the picture that is wide enough',
    '<p><img src="/a.png" srcset="/a.png 300w, /b.png 800w, /c.png 1600w" width="300"></p>',
    '<p><img src="https://news.example/b.png" /></p>',
  ],
  [
    'keeps tables',
    '<table><tbody><tr><td>a</td></tr></tbody></table>',
    '<table><tbody><tr><td>a</td></tr></tbody></table>',
  ],
])('the body %s', (_, body, expected) => {
  expect(textOf(entryOf(msn, article({ body })), 'content:encoded')).toBe(expected);
});

test('elements are less than ten levels deep, and their words stay', () => {
  const body = `${'<blockquote>'.repeat(12)}<p>deep</p>${'</blockquote>'.repeat(12)}`;
  const html = textOf(entryOf(msn, article({ body })), 'content:encoded') ?? '';
  expect(html).toMatch(/^(?:<blockquote>){9} *deep *(?:<\/blockquote>){9}$/);
});

test('a partner that gets summaries has the summary in the place of the body', () => {
  const entry = entryOf(msn, article({ summary: 'a < b' }), { content: 'summary' });
  expect(textOf(entry, 'content:encoded')).toBe('<p>a &lt; b</p>');
});

test('the same stories give the same document', async () => {
  const again = documentOf(msn, { stories: (await sampleStories('language/en')).slice(2), takenBack });
  expect(again).toBe(DOCUMENTS.article);
});
