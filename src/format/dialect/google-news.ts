import { httpDate, rfc3339 } from '../../lib/instant.ts';
import { anyPictureOutside } from './breaches.ts';
import { commonShape } from './common-shape.ts';
import type { Dialect, DialectFeedRule, DialectRule } from './dialect.ts';
import { date, updated } from './item-pieces.ts';
import { rssRenderer } from './rss-dialect.ts';

const read = '2026-11-29';
const REQUIREMENTS = {
  evidence: 'D',
  source: 'https://support.google.com/news/publisher-center/answer/9545420',
  read,
} as const;
const GUIDELINES = { evidence: 'D', source: 'https://support.google.com/news/producer/answer/4304250', read } as const;

/** Bytes of an article. */
const MOST_BYTES = 1024 * 1024;
const MOST_ENTRIES = 60;
const LEAST_SIDE = 800;

const shape = commonShape([
  // Google learns of a correction by a change of this date.
  date('pubDate', updated, httpDate),
  date('dcterms:issued', (story) => (story.updatedAt > story.publishedAt ? story.publishedAt : undefined), rfc3339),
]);

const rules: readonly DialectRule[] = [
  {
    ...REQUIREMENTS,
    id: 'article-too-large',
    level: 'refuse',
    asks: 'An article has at most 1 MB.',
    field: 'body',
    breach: ({ article: { html } }) => {
      const bytes = Buffer.byteLength(html);
      return bytes > MOST_BYTES ? `The body has ${bytes} bytes.` : undefined;
    },
  },
  {
    ...GUIDELINES,
    id: 'picture-too-small',
    level: 'warn',
    asks: `The shortest side of a picture has ${LEAST_SIDE} pixels.`,
    field: 'image',
    breach: anyPictureOutside({ smallestSide: LEAST_SIDE }),
  },
];

const feedRules: readonly DialectFeedRule[] = [
  {
    ...REQUIREMENTS,
    id: 'more-than-sixty-stories',
    asks: `Google takes at most ${MOST_ENTRIES} new stories at a time.`,
    breach: ({ entries }) => (entries > MOST_ENTRIES ? `The feed has up to ${entries} stories.` : undefined),
  },
];

export const googleNews: Dialect = {
  name: 'google-news',
  title: 'Google News (RSS)',
  status: 'legacy',
  warning:
    'Google News has read no feeds of publishers since March 2025, as the press reports. It reads the News sitemap: /news-sitemap.xml.',
  formats: { rss: rssRenderer({ article: shape }) },
  contentTypes: ['article'],
  defaults: { entries: 50, content: 'full' },
  withdrawal: 'leaves the feed',
  isOneLanguage: true,
  rules,
  feedRules,
};
