import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MediaRights } from '../../src/config/partners.ts';
import { type CopyTerms, partnerCopy, withParameters } from '../../src/partner/partner-copy.ts';
import { withoutPictures } from '../../src/partner/without-pictures.ts';
import { article } from '../helpers.ts';

const ALL: MediaRights = { withoutCredits: [], onlySyndicated: false };
const TERMS: CopyTerms = { mediaRights: ALL, campaign: {} };

const IMAGE = 'https://pictures.example/lead.jpg';
const OTHER = 'https://pictures.example/other.jpg';

test('a copy for a partner without terms of its own is the story', () => {
  const story = article({
    image: { url: IMAGE, credit: 'Reuters', syndicate: true },
    body: `<p>A <a href="https://news.example/b">link</a>.</p><img src="${OTHER}" alt="">`,
    media: [{ url: OTHER, type: 'image/png' }],
    copyright: '© The Post',
  });
  expect(partnerCopy(story, TERMS)).toEqual(story);
});

describe('the picture of a story', () => {
  test.each<[string, object, Partial<MediaRights>, boolean]>([
    ['nothing is said', {}, {}, true],
    ['it may be passed on', { syndicate: true }, {}, true],
    ['it may not be passed on', { syndicate: false }, {}, false],
    ['only such pictures are, and nothing is said', {}, { onlySyndicated: true }, false],
    ['only such pictures are, and it may', { syndicate: true }, { onlySyndicated: true }, true],
    ['its credit is excluded', { credit: 'Jo Bloggs/REUTERS' }, { withoutCredits: ['Reuters'] }, false],
    [
      'its credit is excluded, and it may be passed on',
      { credit: 'AFP', syndicate: true },
      { withoutCredits: ['afp'] },
      false,
    ],
    ['another credit is excluded', { credit: 'AFP' }, { withoutCredits: ['Reuters'] }, true],
  ])('where %s', (_, fields, rights, isThere) => {
    const story = article({ image: { url: IMAGE, ...fields } });
    const copy = partnerCopy(story, { ...TERMS, mediaRights: { ...ALL, ...rights } });
    expect(copy.image).toEqual(isThere ? story.image : undefined);
  });
});

describe('the pictures among the media', () => {
  test.each<[string, Partial<MediaRights>, readonly string[]]>([
    ['no rights', {}, ['lead.jpg', 'other.jpg', 'talk.mp3']],
    ['only syndicated ones', { onlySyndicated: true }, ['talk.mp3']],
    ['a credit in the title', { withoutCredits: ['agency'] }, ['lead.jpg', 'talk.mp3']],
    ['that of the story', { withoutCredits: ['photographer'] }, ['other.jpg', 'talk.mp3']],
  ])('%s', (_, rights, left) => {
    const story = article({
      image: { url: IMAGE, credit: 'A photographer' },
      media: [
        { url: IMAGE, type: 'image/jpeg' },
        { url: OTHER, type: 'image/jpeg', title: 'By an Agency' },
        { url: 'https://pictures.example/talk.mp3', type: 'audio/mpeg', title: 'With an agency' },
      ],
    });
    const copy = partnerCopy(story, { ...TERMS, mediaRights: { ...ALL, ...rights } });
    expect(copy.media.map(({ url }) => url.split('/').at(-1))).toEqual(left);
  });
});

describe('a body without refused pictures', () => {
  const bad = (src: string, caption: string) => src === 'bad' || caption.includes('Agency');

  test.each<[string, string, string]>([
    ['a picture', '<p>A</p><img src="bad" alt="x"><p>B</p>', '<p>A</p><p>B</p>'],
    ['a picture that closes itself', '<p>A</p><img src="bad" /><p>B</p>', '<p>A</p><p>B</p>'],
    ['a picture in words', '<p>A <img src="bad"> B</p>', '<p>A  B</p>'],
    ['a paragraph of one picture', '<p>A</p><p> <img src="bad"> </p>', '<p>A</p>'],
    ['a linked picture', '<p>A</p><p><a href="x"><img src="bad"></a></p>', '<p>A</p>'],
    ['a link with words', '<p><a href="x"><img src="bad"> A</a></p>', '<p><a href="x"> A</a></p>'],
    ['a figure', '<figure><img src="bad"><figcaption>By <b>her</b></figcaption></figure><p>A</p>', '<p>A</p>'],
    [
      'a figure by its caption',
      '<figure><img src="x"><figcaption>By <b>Agency</b></figcaption></figure><p>A</p>',
      '<p>A</p>',
    ],
    ['a figure of two', '<figure><img src="bad"><img src="x"></figure>', '<figure><img src="x"></figure>'],
    [
      'a figure with a film',
      '<figure><img src="bad"><video src="v"></video></figure>',
      '<figure><video src="v"></video></figure>',
    ],
    ['a picture with sources', '<p>A</p><picture><source srcset="bad"><img src="bad"></picture>', '<p>A</p>'],
    ['a title', '<p>A</p><img src="x" title="Agency">', '<p>A</p>'],
    ['a cell', '<table><tr><td><img src="bad"></td></tr></table>', '<table><tr><td></td></tr></table>'],
    ['none', '<p>Agency <img src="x"></p>', '<p>Agency <img src="x"></p>'],
    ['the word', '<p>&lt;img src="bad"&gt;</p><img src="x">', '<p>&lt;img src="bad"&gt;</p><img src="x">'],
  ])('%s', (_, html, expected) => {
    expect(withoutPictures(html, bad)).toBe(expected);
  });

  test('keeps every other byte', () => {
    const part = fc.constantFrom(
      '<p>',
      '</p>',
      'a',
      '&amp;',
      '<b>',
      '</b>',
      '<img src="x">',
      '<br>',
      '<figure>',
      '</figure>',
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const html = parts.join('');
        expect(withoutPictures(html, () => false)).toBe(html);
        expect(withoutPictures(html, () => true)).not.toContain('<img');
      }),
    );
  });
});

test('the pictures of a body have the rights of the story’s picture where they are that file', () => {
  const body = `<p>A</p><p><img src="${IMAGE}" alt=""></p><p><img src="${OTHER}" alt=""></p>`;
  const copyWith = (image: object, rights: Partial<MediaRights>) =>
    partnerCopy(article({ body, image: { url: IMAGE, ...image } }), { ...TERMS, mediaRights: { ...ALL, ...rights } });
  const pictures = ({ html }: { html: string }) => [IMAGE, OTHER].map((url) => html.includes(url));

  expect(pictures(copyWith({ syndicate: false }, {}))).toEqual([false, true]);
  expect(pictures(copyWith({ syndicate: true }, { onlySyndicated: true }))).toEqual([true, false]);
  expect(pictures(copyWith({ credit: 'AFP' }, { withoutCredits: ['AFP'] }))).toEqual([false, true]);
});

describe('a picture that may not be passed on', () => {
  const FILE = 'https://pictures.example/2026/the bridge.jpg';
  const copyOf = (body: string, fields: object = {}, rights: Partial<MediaRights> = {}) =>
    partnerCopy(article({ body, image: { url: FILE, syndicate: false }, ...fields }), {
      ...TERMS,
      mediaRights: { ...ALL, ...rights },
    });

  test.each([
    'https://pictures.example/2026/the%20bridge.jpg',
    'https://pictures.example/2026/%74he%20bridge.jpg',
    'http://pictures.example/2026/the%20bridge.jpg',
    'https://pictures.example/2026/the%20bridge.JPG',
    'https://pictures.example/2026/the%20bridge.jpg?w=600',
    'https://pictures.example/2026/the%20bridge.jpg#top',
    'https://pictures.example/2026/the%20bridge-300x200.jpg',
    'https://pictures.example/2026/the%20bridge-scaled.jpg',
    'https://pictures.example/2026/the%20bridge@2x.jpg',
    'https://pictures.example/2026/the%20bridge.jpg.webp',
    'https://i0.example/pictures.example/2026/the%20bridge.jpg?resize=600',
    'https://sizes.example/w=600/https://pictures.example/2026/the%20bridge.jpg',
    'https://news.example/_image?url=https%3A%2F%2Fpictures.example%2F2026%2Fthe%2520bridge.jpg&w=600',
  ])('is in no body in the spelling %s', (url) => {
    expect(copyOf(`<p>A</p><p><img src="${url}" alt=""></p>`).html).toBe('<p>A</p>');
  });

  test.each([
    'https://pictures.example/2026/another%20bridge.jpg',
    'https://pictures.example/2025/the%20bridge.jpg',
    'https://pictures.example/2026/the%20bridge%202.jpg',
  ])('is not the one at %s', (url) => {
    expect(copyOf(`<p>A</p><p><img src="${url}" alt=""></p>`).html).toContain(url);
  });

  const OF_FILE = 'https://pictures.example/2026/the%20bridge-600x400.jpg';
  test.each<[string, string, string]>([
    ['a size of a picture', `<p>A</p><img src="${OTHER}" srcset="${OF_FILE} 600w" alt="">`, '<p>A</p>'],
    [
      'a source of a picture',
      `<p>A</p><picture><source srcset="${OF_FILE}"><img src="${OTHER}" alt=""></picture>`,
      '<p>A</p>',
    ],
    [
      'the poster of a film',
      `<video src="https://v.example/a.mp4" poster="${OF_FILE}" controls></video>`,
      '<video src="https://v.example/a.mp4" controls></video>',
    ],
    ['a link', `<p>A <a href="${OF_FILE}">large</a> one</p>`, '<p>A large one</p>'],
    ['a link around it', `<p>A <a href="${OF_FILE}"><img src="${OF_FILE}" alt=""></a></p>`, '<p>A </p>'],
  ])('is not %s', (_, body, expected) => {
    expect(copyOf(body).html).toBe(expected);
  });

  test('is not one of the media, whatever their type says', () => {
    const media = [
      { url: OF_FILE, type: 'image/jpeg' },
      { url: OF_FILE, type: 'application/octet-stream' },
      { url: OTHER, type: 'image/jpeg' },
    ];
    expect(copyOf('<p>A</p>', { media }).media.map(({ url }) => url)).toEqual([OTHER]);
  });

  test('because of the credit of a file among the media is in no body either', () => {
    const fields = { image: undefined, media: [{ url: FILE, type: 'image/jpeg', title: 'Photo: Highland Wire' }] };
    const copy = copyOf(`<p>A</p><p><img src="${OF_FILE}" alt=""></p>`, fields, { withoutCredits: ['Highland Wire'] });
    expect([copy.html, copy.media]).toEqual(['<p>A</p>', []]);
  });

  test.each<[string, string]>([
    ['a space that breaks no line', 'Photo: Highland\u00A0Wire'],
    ['two lines', 'Photo: Highland\nWire'],
    ['wide letters', 'Photo: Ｈｉｇｈｌａｎｄ Wire'],
  ])('is found by its credit with %s, in the record and in the body', (_, credit) => {
    const rights = { withoutCredits: ['highland wire'] };
    const body = `<p>A</p><figure><img src="${OTHER}" alt=""><figcaption>${credit}</figcaption></figure>`;
    expect(copyOf(body, { image: { url: FILE, credit } }, rights)).toMatchObject({ html: '<p>A</p>' });
    expect(copyOf('<p>A</p>', { image: { url: FILE, credit } }, rights).image).toBeUndefined();
    expect(copyOf('<p>A</p>', { image: { url: FILE, caption: `A bridge. ${credit}` } }, rights).image).toBeUndefined();
  });

  test('is found by a credit whose words have marks, and by its alternative text', () => {
    const rights = { withoutCredits: ['Highland Wire'] };
    const marked = `<figure><img src="${OTHER}" alt=""><figcaption>By <b>High</b>land <i>Wire</i></figcaption></figure>`;
    expect(copyOf(`<p>A</p>${marked}<p><img src="${OTHER}" alt="By Highland Wire"></p>`, {}, rights).html).toBe(
      '<p>A</p>',
    );
  });
});

test('the story’s picture that may be passed on is in the body in every size', () => {
  const body = '<p><img src="https://pictures.example/lead-300x200.jpg" alt=""></p>';
  const story = article({ body, image: { url: IMAGE, syndicate: true } });
  expect(partnerCopy(story, { ...TERMS, mediaRights: { ...ALL, onlySyndicated: true } }).html).toBe(story.html);
});

test('pictures within pictures take no time in the power of their depth', () => {
  const depth = 200;
  const html = `${'<picture>'.repeat(depth)}<img src="x">${'</picture>'.repeat(depth)}`;
  expect(withoutPictures(html, () => false)).toBe(html);
});

describe('the link to a story', () => {
  test.each<[string, Record<string, string>, string]>([
    ['https://news.example/a', {}, 'https://news.example/a'],
    ['https://news.example/a', { utm_source: 'msn' }, 'https://news.example/a?utm_source=msn'],
    [
      'https://news.example/a?id=%201#top',
      { utm_source: 'a b' },
      'https://news.example/a?id=%201&utm_source=a%20b#top',
    ],
    ['https://news.example/a?utm_source=x&b=1', { utm_source: 'msn' }, 'https://news.example/a?b=1&utm_source=msn'],
    ['https://news.example/a?', { a: '1', b: '2' }, 'https://news.example/a?a=1&b=2'],
  ])('%s with %j', (url, parameters, expected) => {
    expect(withParameters(url, parameters)).toBe(expected);
  });

  test('is the only address with the parameters', () => {
    const story = article({
      body: '<p><a href="https://news.example/a">itself</a></p>',
      publicId: 'https://news.example/a',
    });
    const copy = partnerCopy(story, { ...TERMS, campaign: { utm_source: 'msn' } });
    expect(copy).toEqual({ ...story, url: 'https://news.example/a?utm_source=msn' });
  });
});

test.each<[string | undefined, string | undefined, string | undefined]>([
  [undefined, '© The Post', '© The Post'],
  ['© The Post, by MSN', undefined, '© The Post, by MSN'],
  ['{copyright}, by MSN', '© The Post', '© The Post, by MSN'],
  ['{copyright}', undefined, undefined],
  ['{copyright}', 'for $& and $1', 'for $& and $1'],
])('the copyright line %j of a story with %j', (line, own, expected) => {
  const story = article(own === undefined ? {} : { copyright: own });
  const copy = partnerCopy(story, line === undefined ? TERMS : { ...TERMS, copyright: line });
  expect(copy.copyright).toBe(expected);
});
