import { httpDate, rfc3339 } from '../../lib/instant.ts';
import { isSummary, withoutPicture } from './breaches.ts';
import { commonShape } from './common-shape.ts';
import type { Dialect, DialectRule } from './dialect.ts';
import { corrected, date, published } from './item-pieces.ts';
import { rssRenderer } from './rss-dialect.ts';

const FAQ = { evidence: 'D', source: 'https://support.newsbreak.com/publisher-faq', read: '2026-11-29' } as const;

const shape = commonShape([date('pubDate', published, httpDate), date('dcterms:modified', corrected, rfc3339)]);

const rules: readonly DialectRule[] = [
  {
    ...FAQ,
    id: 'summary-only',
    level: 'refuse',
    asks: 'A feed has full articles.',
    field: 'body',
    breach: isSummary,
  },
  {
    ...FAQ,
    id: 'no-picture',
    level: 'refuse',
    asks: 'A story has a picture.',
    field: 'image',
    breach: withoutPicture,
  },
  {
    ...FAQ,
    id: 'not-english',
    level: 'refuse',
    asks: 'A story is in English.',
    field: 'language',
    breach: ({ article: { language } }) =>
      /^en(?:-|$)/i.test(language) ? undefined : `The language of the story is ${language}.`,
  },
];

export const newsbreak: Dialect = {
  name: 'newsbreak',
  title: 'NewsBreak',
  status: 'private',
  warning:
    'NewsBreak gives its specification of RSS to publishers when they join, and it was not seen: compare the feed with it. NewsBreak takes publishers of the United States.',
  formats: { rss: rssRenderer({ article: shape }) },
  contentTypes: ['article'],
  defaults: { entries: 50, content: 'full' },
  withdrawal: 'leaves the feed',
  isOneLanguage: true,
  rules,
};
