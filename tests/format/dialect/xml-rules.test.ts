import { describe, expect, test } from 'vitest';
import type { Article } from '../../../src/article/article.ts';
import type { Dialect, DialectItem } from '../../../src/format/dialect/dialect.ts';
import { line } from '../../../src/format/dialect/line.ts';
import { msn } from '../../../src/format/dialect/msn.ts';
import { smartnews } from '../../../src/format/dialect/smartnews.ts';
import { yahoo } from '../../../src/format/dialect/yahoo.ts';
import { article } from '../../helpers.ts';
import { film, item, NOW, publication, slideshow } from './fixtures.ts';

/** A story that keeps the rules of every dialect. */
const good: Article = {
  ...article({
    title: 'A title of more than twenty characters',
    summary: 'Three words, and more.',
    body: `<p>${'word '.repeat(150)}</p>`,
    sections: ['Culture'],
  }),
  image: {
    url: 'https://media.example/a.jpg',
    type: 'image/jpeg',
    length: 400_000,
    width: 1600,
    height: 900,
    caption: 'A caption',
  },
};
const [first] = slideshow.media;
if (first === undefined || good.image === undefined) throw new Error('The fixtures have no pictures.');
const slide = (number: number) => ({ ...first, url: `https://media.example/slide-${number}.jpg` });
const slides: Article = { ...good, media: [slide(1), slide(2), slide(3)] };
const video: Article = { ...good, media: film.media };
const OF_TYPE = { article: good, slideshow: slides, video };

const withBody = (html: string): Article => ({ ...good, html: article({ body: html }).html });
const withPicture = (facts: Partial<NonNullable<Article['image']>>): Article =>
  good.image === undefined ? good : { ...good, image: { ...good.image, ...facts } };
const without = <Key extends keyof Article>(of: Article, key: Key): Article => {
  const { [key]: _, ...rest } = of;
  return rest as Article;
};
const DAY = 24 * 60 * 60 * 1000;
const links = (count: number) => `<p>${'<a href="/b">c</a> '.repeat(count)}</p>`;
const blockquotes = (depth: number) => `${'<blockquote>'.repeat(depth)}a${'</blockquote>'.repeat(depth)}`;

interface Case {
  readonly story: Article;
  readonly more?: Partial<DialectItem>;
  /** What the rule says, where the words matter. */
  readonly says?: string;
  /** The story that just keeps the rule, where that is not the good one. */
  readonly kept?: Article;
}

const summary: Case = { story: good, more: { content: 'summary' } };
const inSlideshow = { contentType: 'slideshow' } as const;
const inVideo = { contentType: 'video' } as const;
const later: Case = { story: { ...good, publishedAt: NOW + 1000 }, kept: { ...good, publishedAt: NOW } };
const noPicture: Case = { story: without(good, 'image') };
const noFilm: Case = { story: good, more: inVideo };

/** A story that breaks each rule. */
const MSN: Readonly<Record<string, Case>> = {
  'title-too-short': {
    story: { ...good, title: 'x'.repeat(20) },
    kept: { ...good, title: 'x'.repeat(21) },
    says: 'The title has 20 characters, fewer than 21.',
  },
  'title-too-long': { story: { ...good, title: 'x'.repeat(151) }, kept: { ...good, title: 'x'.repeat(150) } },
  'too-old': {
    story: { ...good, publishedAt: NOW - 365 * DAY },
    kept: { ...good, publishedAt: NOW - 365 * DAY + 1000 },
    says: 'The story is 365 days old.',
  },
  'published-later': later,
  'no-full-text': summary,
  'nested-too-deep': { story: withBody(blockquotes(10)), kept: withBody(blockquotes(9)) },
  'unknown-player': {
    story: withBody('<iframe src="https://player.vimeo.com/video/1"></iframe>'),
    kept: withBody('<iframe src="https://www.instagram.com/p/a/embed"></iframe>'),
    says: 'The body has a player of player.vimeo.com.',
  },
  'youtube-player': { story: withBody('<iframe src="https://www.youtube.com/embed/a"></iframe>') },
  'no-picture': noPicture,
  'picture-not-taken': {
    story: withPicture({ type: 'image/tiff' }),
    kept: withPicture({ length: 15 * 1024 * 1024 }),
    says: 'The picture https://media.example/a.jpg is of type image/tiff.',
  },
  'picture-too-small': {
    story: withPicture({ width: 719, height: 719 }),
    kept: withPicture({ width: 720, height: 719 }),
    says: 'The picture https://media.example/a.jpg is 719 × 719 pixels.',
  },
  'picture-ratio': {
    story: withPicture({ width: 2000, height: 1000 }),
    kept: withPicture({ width: 500, height: 1000 }),
  },
  'picture-for-implementers': { story: withPicture({ length: 2 * 1024 * 1024 + 1 }) },
  'too-few-slides': { story: good, more: inSlideshow, says: 'The story has 1 picture, fewer than 2.' },
  'too-many-slides': {
    story: { ...good, media: Array.from({ length: 200 }, (_, index) => slide(index)) },
    kept: { ...good, media: Array.from({ length: 199 }, (_, index) => slide(index)) },
    more: inSlideshow,
  },
  'few-slides-for-implementers': { story: { ...slides, media: [slide(1), slide(2)] }, more: inSlideshow },
  'small-slide': {
    story: { ...slides, media: [{ ...slide(1), width: 599, height: 599 }, slide(2), slide(3)] },
    more: inSlideshow,
  },
  'no-film': noFilm,
};

const SMARTNEWS: Readonly<Record<string, Case>> = {
  'link-with-campaign': {
    story: { ...good, url: 'https://news.example/a?utm_source=smartnews' },
    kept: { ...good, url: 'https://news.example/a?page=2' },
  },
  'no-full-text': summary,
  'body-too-large': { story: { ...good, html: 'x'.repeat(1_000_001) }, kept: { ...good, html: 'x'.repeat(1_000_000) } },
  'too-many-links': {
    story: withBody(links(21)),
    kept: withBody(links(20)),
    says: 'The body has 21 links, more than 20.',
  },
  'no-thumbnail': noPicture,
};

const YAHOO: Readonly<Record<string, Case>> = {
  'title-of-one-word': { story: { ...video, title: 'Word' }, kept: { ...video, title: 'Two words' }, more: inVideo },
  'summary-too-short': { story: { ...good, summary: 'Two words' }, kept: { ...good, summary: 'No more words' } },
  'body-too-short': {
    story: { ...good, html: `<p>${'word '.repeat(149)}</p>` },
    says: 'The body has 149 words, fewer than 150.',
  },
  'no-full-text': summary,
  'published-later': later,
  'no-category': { story: { ...good, sections: [] } },
  'no-picture': noPicture,
  'no-caption': {
    story: withPicture({ caption: '' }),
    kept: withPicture({ alt: 'A' }),
  },
  'picture-not-taken': { story: withPicture({ width: 1279 }), kept: withPicture({ width: 1280, height: 720 }) },
  'no-slide': { story: good, kept: { ...good, media: [slide(1)] }, more: inSlideshow },
  'too-many-slides': {
    story: { ...good, media: Array.from({ length: 201 }, (_, index) => slide(index)) },
    kept: { ...good, media: Array.from({ length: 200 }, (_, index) => slide(index)) },
    more: inSlideshow,
  },
  'no-film': noFilm,
  'other-film': {
    story: { ...video, media: film.media.map((each) => ({ ...each, type: 'video/webm' })) },
    more: inVideo,
    says: 'The film is of type video/webm.',
  },
  'no-thumbnail': { story: without(video, 'image'), more: inVideo },
};

const LINE: Readonly<Record<string, Case>> = {
  'no-full-text': summary,
  'more-than-one-link': { story: withBody(links(2)), kept: withBody(links(1)) },
  table: { story: withBody('<table><tr><td>a</td></tr></table>'), says: 'The body has <table>.' },
  'other-player': {
    story: withBody('<iframe src="https://player.vimeo.com/video/1"></iframe>'),
    kept: withBody('<iframe src="https://www.youtube.com/embed/a"></iframe>'),
  },
  'other-picture': { story: withPicture({ type: 'image/svg+xml' }), kept: withPicture({ type: 'image/webp' }) },
};

const DIALECTS: readonly (readonly [Dialect, Readonly<Record<string, Case>>])[] = [
  [msn, MSN],
  [smartnews, SMARTNEWS],
  [yahoo, YAHOO],
  [line, LINE],
];

describe.each(DIALECTS)('the rules of $name', (dialect, cases) => {
  test('are all tried', () => {
    expect(Object.keys(cases)).toEqual(dialect.rules.map(({ id }) => id));
  });

  test.each(dialect.rules.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
    const { story, more = {}, says, kept }: Case = cases[id] ?? { story: good };
    const breach = rule.breach(item(story, more), NOW);
    expect(breach).toMatch(/^The (?!.* (?:such|1 \w+s)\b)/); // a sentence of its own, as the log has it
    if (says !== undefined) expect(breach).toBe(says);
    const { content: _, ...same } = more;
    expect(rule.breach(item(kept ?? OF_TYPE[same.contentType ?? 'article'], same), NOW)).toBeUndefined();
  });

  test.each(dialect.contentTypes)('a good story of type %s keeps them all', (contentType) => {
    const broken = dialect.rules.filter(
      (rule) => rule.breach(item(OF_TYPE[contentType], { contentType }), NOW) !== undefined,
    );
    expect(broken.map(({ id }) => id)).toEqual([]);
  });
});

test('a picture of which nothing is known breaks no rule', () => {
  const unknown = { ...good, image: { url: 'https://media.example/a', caption: 'A caption' } };
  for (const [dialect] of DIALECTS) {
    expect(dialect.rules.filter((rule) => rule.breach(item(unknown), NOW) !== undefined)).toEqual([]);
  }
});

test('rules of the owner refuse at its limits, and hints of others warn', () => {
  const refusals = DIALECTS.flatMap(([{ name, rules }]) =>
    rules.filter(({ level }) => level === 'refuse').map(({ id, evidence }) => `${name} ${id} ${evidence}`),
  );
  expect(refusals).toEqual([
    ...['title-too-short', 'too-old', 'published-later', 'too-few-slides', 'no-film'].map((id) => `msn ${id} D`),
    'smartnews body-too-large D',
    // Without these, there is nothing to send.
    ...['yahoo no-slide C', 'yahoo no-film C'],
  ]);
});

test('the feed of SmartNews has at most 1 MB', () => {
  const feed = { entries: 20, language: 'en', publication };
  const [rule] = (smartnews.feedRules ?? []).filter(({ id }) => id === 'feed-too-large');
  expect(rule?.breach({ ...feed, bytes: 1_000_001 })).toBe('The feed has 1000001 bytes, more than 1000000.');
  expect(rule?.breach({ ...feed, bytes: 1_000_000 })).toBeUndefined();
  expect(rule?.breach(feed)).toBeUndefined();
});

test.each([
  ['en', undefined],
  ['sr-Latn', undefined],
  ['en-GB', undefined],
  ['tlh', 'The language tlh has no region, and none is likely: write language with its region.'],
])('the feed of MSN has a region in its language: %s', (language, says) => {
  const [rule] = msn.feedRules ?? [];
  expect(rule?.breach({ entries: 20, language, publication })).toBe(says);
});

test('only rules that depend on the moment have a parameter for it: the service looks at these again as time passes', () => {
  const inTime = DIALECTS.flatMap(([{ name, rules }]) =>
    rules.filter(({ breach }) => breach.length > 1).map(({ id }) => `${name} ${id}`),
  );
  expect(inTime).toEqual(['msn too-old', 'msn published-later', 'yahoo published-later']);
});
