import { httpDate } from '../../lib/instant.ts';
import { type BodyRules, namesOf } from './body-rules.ts';
import { titleLongerThan } from './breaches.ts';
import { channelDescription, channelLanguageWithRegion, channelLink, channelTitle, self } from './channel-pieces.ts';
import type { Dialect } from './dialect.ts';
import { body, creator, date, guid, link, published, title } from './item-pieces.ts';
import { namespaces, type RssShape, rssRenderer } from './rss-dialect.ts';

const MOST_TITLE = 60;

/** Bold and italic; complex elements are not shown. A div has the direction of a body that is written from right to left. */
const BODY: BodyRules = {
  elements: namesOf('p br b strong i em a img div'),
  attributes: { a: ['href'], img: ['src', 'alt'], '*': ['lang', 'dir'] },
  tables: 'text',
};

const shape: RssShape = {
  namespaces: namespaces('atom', 'dc'),
  channel: [channelTitle, channelLanguageWithRegion, channelLink, channelDescription(), self],
  // The beginning of the description becomes the excerpt of the story.
  item: [title, link, body('description', BODY), guid, date('pubDate', published, httpDate), creator('dc:creator')],
};

export const appleNews: Dialect = {
  name: 'apple-news',
  title: 'Apple News (RSS)',
  status: 'legacy',
  warning:
    'Apple News moved away from RSS in 2019, as the press reports: whether Apple takes a new feed was not verified. Apple documents Apple News Format over its API instead.',
  formats: { rss: rssRenderer({ article: shape }) },
  contentTypes: ['article'],
  defaults: { entries: 50, content: 'full' },
  withdrawal: 'leaves the feed',
  isOneLanguage: true,
  rules: [
    {
      id: 'title-too-long',
      level: 'warn',
      evidence: 'D',
      source: 'https://support.apple.com/guide/news-publisher/apdc2c7520ff/icloud',
      read: '2026-11-29',
      asks: `A title has at most ${MOST_TITLE} characters.`,
      field: 'title',
      breach: titleLongerThan(MOST_TITLE),
    },
  ],
};
