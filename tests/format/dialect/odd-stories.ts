import type { Article, Media } from '../../../src/article/article.ts';
import type { DialectFeed, DialectItem } from '../../../src/format/dialect/dialect.ts';
import { article } from '../../helpers.ts';
import { film, item, NOW, publication, slideshow } from './fixtures.ts';

/**
 * Stories and feeds of every kind that a consumer may refuse. For each rule of each dialect, one of them breaks it and one keeps
 * it. A rule that none of them breaks needs one more line here.
 */

const DAY = 24 * 60 * 60 * 1000;
const image = { url: 'https://media.example/a.jpg', type: 'image/jpeg', length: 400_000, width: 1600, height: 900 };
const sound: Media = { url: 'https://media.example/a.mp3', type: 'audio/mpeg', length: 9_000_000, duration: 300 };
const person = { name: 'Samira al-Nahri', url: 'https://media.example/samira' };

const good: Article = {
  ...article({
    title: 'A title of more than twenty characters',
    summary: 'Three words, and more.',
    body: `<p>${'word '.repeat(160)}</p>`,
    sections: ['Culture'],
    publishedAt: new Date(NOW - DAY).toISOString(),
  }),
  image: { ...image, caption: 'A caption' },
};
const { image: _, ...bare } = good;
const [slide] = slideshow.media;
if (slide === undefined) throw new Error('The slideshow has no picture in its media.');
const slides = (count: number, more: Partial<Media> = {}): Article => ({
  ...good,
  media: Array.from({ length: count }, (_, index) => ({
    ...slide,
    url: `https://media.example/${index}.jpg`,
    ...more,
  })),
});
const body = (html: string): Article => ({ ...good, html: article({ body: html }).html });
const picture = (facts: Partial<NonNullable<Article['image']>>): Article => ({
  ...good,
  image: { ...image, ...facts },
});
const file = (facts: Partial<Media>): Article => ({ ...good, media: [{ ...sound, ...facts }] });
const player = (address: string) => body(`<iframe src="https://${address}"></iframe>`);

const STORIES: readonly Article[] = [
  good,
  bare,
  { ...good, title: 'Word' },
  { ...good, title: 'x'.repeat(400) },
  { ...good, summary: 'Two words' },
  { ...good, summary: 'x'.repeat(5000) },
  { ...good, html: '<p>Three short words</p>' },
  { ...good, html: `<p>${'A sentence of the story. '.repeat(60_000)}</p>` },
  { ...good, language: 'ckb' },
  { ...good, sections: [] },
  { ...good, url: 'https://news.example/a?utm_source=somebody' },
  { ...good, publishedAt: NOW + 1000 },
  { ...good, publishedAt: NOW - 3650 * DAY },
  body(`<p>${'<a href="/b">c</a> '.repeat(200)}</p>`),
  body('<table><tr><td>a</td></tr></table>'),
  body(`${'<blockquote>'.repeat(30)}a${'</blockquote>'.repeat(30)}`),
  player('player.vimeo.com/video/1'),
  player('www.youtube.com/embed/a'),
  body('<p>a</p><p><img src="https://media.example/drawing.svg" alt="A drawing" /></p>'),
  picture({ caption: '' }),
  picture({ type: 'image/tiff' }),
  picture({ width: 90, height: 60 }),
  picture({ width: 2000, height: 500 }),
  picture({ width: 2000, height: 2000 }),
  picture({ length: 50 * 1024 * 1024 }),
  slides(1),
  slides(3),
  slides(1000),
  slides(3, { width: 90, height: 60 }),
  { ...good, media: film.media },
  { ...bare, media: film.media },
  { ...good, media: film.media.map((each) => ({ ...each, type: 'video/webm', url: 'https://media.example/f.webm' })) },
  { ...file({}), image: { ...image, width: 1500, height: 1500 } },
  { ...file({}), summary: 'x'.repeat(5000) },
  file({ length: 0 }),
  file({ type: 'audio/ogg' }),
  file({ url: 'http://media.example/a.mp3', duration: 3 }),
  file({ persons: [person] }),
  file({ persons: [{ ...person, name: 'x'.repeat(200), url: 'http://media.example/samira' }] }),
  { ...good, media: [{ url: sound.url, type: sound.type, length: 5 }] },
];

/** Each story as each kind of content, whole and as a summary. */
export const ITEMS: readonly DialectItem[] = STORIES.flatMap((story) =>
  (['article', 'slideshow', 'video'] as const).flatMap((contentType) =>
    (['full', 'summary'] as const).map((content) => item(story, { contentType, content })),
  ),
);

const feed: DialectFeed = { entries: 30, language: 'en-GB', publication };
const { icon: _icon, logo: _logo, ...plainLooking } = publication;

export const FEEDS: readonly DialectFeed[] = [
  feed,
  { ...feed, entries: 1 },
  { ...feed, entries: 1000 },
  { ...feed, age: 1000 },
  { ...feed, age: 3650 * DAY },
  { ...feed, language: 'tlh' },
  { ...feed, bytes: 1024 * 1024 * 1024 },
  { ...feed, publication: { ...publication, feedsUrl: 'https://elsewhere.example/' } },
  { ...feed, publication: plainLooking },
  { ...feed, picture: { width: 90, height: 60 } },
];
