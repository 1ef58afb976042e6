import { httpDate } from '../../lib/instant.ts';
import { COMMON_BODY } from './body-rules.ts';
import { bodyOfMoreBytesThan, isSummary, linkWithCampaign, moreLinksThan, withoutPicture } from './breaches.ts';
import {
  channelCopyright,
  channelDescription,
  channelLanguage,
  channelLink,
  channelTitle,
  lastChange,
  logo,
  ttl,
} from './channel-pieces.ts';
import type { Dialect, DialectFeedRule, DialectRule } from './dialect.ts';
import {
  body,
  categories,
  creator,
  date,
  fixed,
  guid,
  language,
  link,
  rights,
  summary,
  title,
  updated,
} from './item-pieces.ts';
import { storyPicture, thumbnail } from './media-pieces.ts';
import { namespaces, type RssShape, rssRenderer } from './rss-dialect.ts';

const SMARTFORMAT = 'https://publishers.smartnews.com/hc/en-us/articles/360036526213';
const VALIDATOR = 'https://sf-validator.smartnews.com/';

/** One megabyte, for all stories together. */
const MOST_BYTES = 1_000_000;

function isJapanese(tag: string): boolean {
  return new Intl.Locale(tag).language === 'ja';
}

const required = [
  title,
  link,
  guid,
  date('pubDate', updated, httpDate),
  // Readers that know no content:encoded need the description before it.
  summary,
  body('content:encoded', COMMON_BODY),
];

const article: RssShape = {
  namespaces: namespaces('content', 'dc', 'media', 'snf'),
  channel: [
    channelTitle,
    channelLink,
    channelDescription((tag) => (isJapanese(tag) ? 15 : 30)),
    lastChange('pubDate'),
    channelLanguage,
    channelCopyright,
    ttl(1, 15),
    logo('snf:logo', 'url'),
  ],
  item: [
    ...required,
    storyPicture(thumbnail),
    categories('category', { join: ',' }),
    creator('dc:creator'),
    language('dc:language'),
    rights('dc:rights'),
    fixed('media:status', {}, 'active'),
  ],
  takenBack: [...required, fixed('media:status', {}, 'deleted')],
};

const read = '2026-11-29';
const owner = { evidence: 'D', source: SMARTFORMAT, read } as const;
const hint = { level: 'warn', evidence: 'C', source: VALIDATOR, read } as const;

const rules: readonly DialectRule[] = [
  {
    id: 'link-with-campaign',
    ...owner,
    level: 'warn',
    asks: 'A link is the canonical address, without parameters of a campaign.',
    field: 'url',
    breach: linkWithCampaign,
  },
  {
    id: 'no-full-text',
    ...owner,
    level: 'warn',
    asks: 'An item has the whole story.',
    field: 'body',
    breach: isSummary,
  },
  {
    id: 'body-too-large',
    ...owner,
    level: 'refuse',
    asks: 'A feed has at most 1 MB, so that no story has more.',
    field: 'body',
    breach: bodyOfMoreBytesThan(MOST_BYTES),
  },
  {
    id: 'too-many-links',
    ...hint,
    asks: 'A story has few links: SmartNews refuses “too many links”, and one publisher sent more than 20.',
    field: 'body',
    breach: moreLinksThan(20),
  },
  {
    id: 'no-thumbnail',
    ...hint,
    asks: 'A story has a picture for its thumbnail.',
    field: 'image',
    breach: withoutPicture,
  },
];

const feedRules: readonly DialectFeedRule[] = [
  {
    id: 'feed-too-large',
    ...owner,
    asks: 'A feed has at most 1 MB.',
    breach: ({ bytes = 0 }) =>
      bytes > MOST_BYTES ? `The feed has ${bytes} bytes, more than ${MOST_BYTES}.` : undefined,
  },
  {
    id: 'no-logo',
    ...owner,
    asks: 'A feed may have a logo.',
    breach: ({ publication }) => (publication.logo === undefined ? 'The publication has no logo.' : undefined),
  },
];

/** SmartNews, in its SmartFormat 2.1 (dialects.md §2). */
export const smartnews: Dialect = {
  name: 'smartnews',
  title: 'SmartNews',
  status: 'live',
  formats: { rss: rssRenderer({ article }) },
  contentTypes: ['article'],
  defaults: { entries: 20, content: 'full' },
  withdrawal: '`media:status` is `deleted`, and `pubDate` is newer',
  rules,
  feedRules,
};
