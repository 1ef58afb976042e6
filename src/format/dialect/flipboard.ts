import { httpDate } from '../../lib/instant.ts';
import { shorten } from '../../lib/text.ts';
import { element } from '../xml.ts';
import type { Picture } from './body-facts.ts';
import { channelDescription, channelLanguage, channelLink, channelTitle, self } from './channel-pieces.ts';
import type { Dialect, DialectFeedRule, DialectItem, DialectRule } from './dialect.ts';
import { categories, creator, date, guid, link, published, text, title } from './item-pieces.ts';
import { choosePicture, type PictureLimits, typeOf } from './pictures.ts';
import { type ItemPiece, namespaces, type RssShape, rssRenderer } from './rss-dialect.ts';
import type { Story } from './story.ts';
import { textOf } from './text.ts';

const GUIDELINES = 'https://flipboard.helpshift.com/hc/en/1-flipboard/faq/1023-resubmit-an-rss-feed/';

const LEAST_DESCRIPTION = 300;
/** As much of the body as stands for a standfirst that is too short. */
const EXCERPT = 600;
const LEAST_ENTRIES = 20;
const PICTURE: PictureLimits = { types: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'], smallestSide: 500 };

const ruled = { evidence: 'D', source: GUIDELINES, read: '2026-11-29' } as const;

/** The standfirst; the beginning of the body where that is too short. */
function description({ summary, html }: Pick<Story, 'summary' | 'html'>): string {
  if (summary.length >= LEAST_DESCRIPTION) return summary;
  const body = textOf(html);
  return body.length > summary.length ? shorten(body, EXCERPT) : summary;
}

/** A film, else the first picture that is large enough. Flipboard needs no length. */
const enclosure: ItemPiece = ({ article }) => {
  const file: Picture | undefined = filmOf(article) ?? choosePicture(article, PICTURE);
  if (file === undefined) return [];
  return [element('enclosure', { url: file.url, type: typeOf(file), length: file.length ?? 0 })];
};

function filmOf({ media }: DialectItem['article']): Picture | undefined {
  return media.find(({ type }) => type.toLowerCase() === 'video/mp4');
}

const shape: RssShape = {
  namespaces: namespaces('atom', 'dc'),
  channel: [channelTitle, channelLink, channelDescription(), channelLanguage, self],
  item: [
    title,
    link,
    text('description', description),
    date('pubDate', published, httpDate),
    guid,
    creator('dc:creator'),
    enclosure,
    categories('category'),
  ],
};

const rules: readonly DialectRule[] = [
  {
    ...ruled,
    id: 'no-picture',
    level: 'refuse',
    asks: 'A story has a picture whose smallest side has 500 pixels, or a film as mp4.',
    field: 'image',
    breach: ({ article }) =>
      (filmOf(article) ?? choosePicture(article, PICTURE))
        ? undefined
        : 'The story has no picture of 500 × 500 pixels or more, and no film as mp4.',
  },
  {
    ...ruled,
    id: 'description-too-short',
    level: 'warn',
    asks: `A description has ${LEAST_DESCRIPTION} characters or more.`,
    field: 'summary',
    breach: ({ article, content }) => {
      const { summary, html } = article;
      const { length } = description({ summary, html: content === 'full' ? html : '' });
      return length < LEAST_DESCRIPTION ? `The description has ${length} characters.` : undefined;
    },
  },
];

const feedRules: readonly DialectFeedRule[] = [
  {
    ...ruled,
    id: 'fewer-than-twenty-stories',
    asks: `A feed has at least the ${LEAST_ENTRIES} newest stories.`,
    breach: ({ entries }) => (entries < LEAST_ENTRIES ? `The feed has at most ${entries} stories.` : undefined),
  },
  {
    ...ruled,
    id: 'another-host',
    asks: 'The stories are on the host of the feed.',
    breach: ({ publication: { url, feedsUrl } }) =>
      isSameSite(new URL(url).hostname, new URL(feedsUrl).hostname)
        ? undefined
        : `The site is at ${url}, and the feed at ${feedsUrl}.`,
  },
];

/** Whether one host is the other, or within it. */
function isSameSite(one: string, other: string): boolean {
  const site = one.replace(/^www\./, '');
  return site === other || site.endsWith(`.${other}`) || other.endsWith(`.${site}`);
}

export const flipboard: Dialect = {
  name: 'flipboard',
  title: 'Flipboard',
  status: 'live',
  formats: { rss: rssRenderer({ article: shape }) },
  contentTypes: ['article'],
  defaults: { entries: 30, content: 'full' },
  withdrawal: 'leaves the feed',
  rules,
  feedRules,
};
