import { httpDate, rfc3339 } from '../../lib/instant.ts';
import { type BodyRules, COMMON_ATTRIBUTES, namesOf } from './body-rules.ts';
import {
  anyPictureOutside,
  deeperThan,
  fewerPicturesThan,
  isSummary,
  morePicturesThan,
  noPictureWithin,
  olderThan,
  onlyFor,
  playerBeside,
  playerOf,
  publishedLater,
  titleLongerThan,
  titleShorterThan,
  withoutFilm,
  withoutPicture,
} from './breaches.ts';
import {
  channelCopyright,
  channelDescription,
  channelLanguageWithRegion,
  channelLink,
  channelTitle,
  self,
  withRegion,
} from './channel-pieces.ts';
import type { Dialect, DialectFeedRule, DialectRule } from './dialect.ts';
import {
  body,
  categories,
  corrected,
  creator,
  date,
  ended,
  guid,
  link,
  published,
  rights,
  shortTitle,
  summary,
  title,
  updated,
} from './item-pieces.ts';
import {
  alternativeText,
  caption,
  captionAsHtml,
  credit,
  film,
  filmCaption,
  filmCredit,
  filmThumbnail,
  filmTitle,
  mayBePassedOn,
  mediaContent,
  pictureTitle,
  slides,
  storyPictureUnlessInBody,
  thumbnailInside,
} from './media-pieces.ts';
import type { PictureLimits } from './pictures.ts';
import { namespaces, type RssShape, rssRenderer } from './rss-dialect.ts';

const ITEMS = 'https://support.microsoft.com/en-us/msn/partner-hub/msn-feed-item-metadata-requirements';
const HTML = 'https://support.microsoft.com/en-us/msn/partner-hub/msn-html-guidelines-and-tag-restrictions';
const FEEDS = 'https://support.microsoft.com/en-us/msn/partner-hub/msn-feed-submission-and-authentication';
const PICTURES = 'https://helpcenter.microsoftstart.com/kb/articles/25-feed-content-specifications';
const TYPES = 'https://helpcenter.microsoftstart.com/kb/articles/52-metadata-by-item-type';

/** Characters of a title, and of the short one that longer titles need. */
const TITLE = 150;
const SHORT_TITLE = 54;
/** Levels of elements: fewer than ten. */
const DEPTH = 9;

/** Of the hosts that bodies have players of. YouTube's are on MSN's list as well, and rejected until further notice. */
const PLAYERS = namesOf(
  'platform.twitter.com www.facebook.com www.instagram.com www.tiktok.com open.spotify.com e.infogram.com www.google.com ' +
    'flo.uri.sh public.flourish.studio',
);
const YOUTUBE = namesOf('www.youtube.com www.youtube-nocookie.com');

/** What MSN takes at all. A picture beyond these limits is not sent. */
const TAKEN: PictureLimits = {
  types: ['image/png', 'image/jpeg', 'image/gif', 'image/webp'],
  bytes: 15 * 1024 * 1024,
};

const BODY: BodyRules = {
  elements: namesOf(
    'b i em strong sub sup small h1 h2 h3 h4 h5 a img table thead tbody tfoot tr td th col caption colgroup ul ol li p div ' +
      'span br blockquote iframe',
  ),
  attributes: COMMON_ATTRIBUTES,
  renamed: { h6: 'h5' },
  links: { schemes: new Set(['https:', 'http:', 'mailto:']) },
  players: PLAYERS,
  depth: DEPTH,
  isOneBreak: true,
  pictures: { types: new Set(TAKEN.types), width: 720 },
};

const hasRights = mayBePassedOn('mi:hasSyndicationRights');
const picture = mediaContent(thumbnailInside, pictureTitle, alternativeText, credit, caption, hasRights);
const slide = mediaContent(thumbnailInside, pictureTitle, alternativeText, credit, captionAsHtml, hasRights);

const ids = [guid, title];
const dates = [date('pubDate', published, httpDate), link];
const optional = [
  date('dcterms:modified', corrected, rfc3339),
  date('mi:expirationDate', ended, rfc3339),
  shortTitle('mi:shortTitle', SHORT_TITLE),
  creator('dc:creator'),
  categories('category'),
  categories('media:keywords', { of: ['tags'], join: ',' }),
  rights('dc:rights'),
];
/** Readers that know no content:encoded need the description before it. */
const texts = [summary, body('content:encoded', BODY)];

const SHARED: Omit<RssShape, 'item'> = {
  namespaces: namespaces('atom', 'content', 'dc', 'dcterms', 'media', 'mi'),
  channel: [channelTitle, channelLink, channelDescription(), channelLanguageWithRegion, self, channelCopyright],
  takenBack: [
    ...ids,
    ...texts,
    ...dates,
    date('dcterms:modified', updated, rfc3339),
    date('mi:expirationDate', ended, rfc3339),
  ],
};

const article: RssShape = {
  ...SHARED,
  item: [...ids, ...texts, ...dates, ...optional, storyPictureUnlessInBody(picture, TAKEN)],
};
const slideshow: RssShape = {
  ...SHARED,
  item: [...ids, summary, ...dates, ...optional, slides(slide, { most: 200, ...TAKEN })],
};
const video: RssShape = {
  ...SHARED,
  item: [...ids, summary, ...dates, ...optional, film(filmThumbnail, filmTitle, filmCredit, filmCaption)],
};

const read = '2026-11-29';
const owner = { level: 'refuse', evidence: 'D', read } as const;
const hint = { level: 'warn', evidence: 'C', read } as const;

const rules: readonly DialectRule[] = [
  {
    id: 'title-too-short',
    ...owner,
    source: ITEMS,
    asks: 'A title has more than 20 characters.',
    field: 'title',
    breach: titleShorterThan(21),
  },
  {
    id: 'title-too-long',
    ...owner,
    level: 'warn',
    source: ITEMS,
    asks: 'A title has at most 150 characters, unless the item has a short title. The feed writes one of at most 54.',
    field: 'title',
    breach: titleLongerThan(TITLE),
  },
  {
    id: 'too-old',
    ...owner,
    source: ITEMS,
    asks: 'A story was published less than 365 days ago.',
    field: 'publishedAt',
    breach: olderThan(365),
  },
  {
    id: 'published-later',
    ...owner,
    source: ITEMS,
    asks: 'The date of publication is in the past.',
    field: 'publishedAt',
    breach: publishedLater,
  },
  {
    id: 'no-full-text',
    ...owner,
    level: 'warn',
    source: TYPES,
    asks: 'An article has its body.',
    field: 'body',
    breach: onlyFor('article', isSummary),
  },
  {
    id: 'nested-too-deep',
    ...owner,
    level: 'warn',
    source: HTML,
    asks: 'Elements of the body are less than 10 levels deep. The feed leaves deeper elements out and keeps their words.',
    field: 'body',
    breach: deeperThan(DEPTH),
  },
  {
    id: 'unknown-player',
    ...owner,
    level: 'warn',
    source: HTML,
    asks: 'Players come from the platforms that MSN lists. The feed writes a link in the place of any other.',
    field: 'body',
    breach: playerBeside(PLAYERS.union(YOUTUBE)),
  },
  {
    id: 'youtube-player',
    ...owner,
    level: 'warn',
    source: HTML,
    asks: 'Stories with players of YouTube are rejected until further notice. The feed writes a link in their place.',
    field: 'body',
    breach: playerOf(YOUTUBE),
  },
  {
    id: 'no-picture',
    ...owner,
    level: 'warn',
    source: PICTURES,
    asks: 'Only articles with a picture are published without an editor of MSN.',
    field: 'image',
    breach: onlyFor('article', withoutPicture),
  },
  {
    id: 'picture-not-taken',
    ...owner,
    level: 'warn',
    source: PICTURES,
    asks: 'Pictures are PNG, JPG, GIF or WebP of at most 15 MB. The feed leaves others out.',
    field: 'image',
    breach: noPictureWithin(TAKEN),
  },
  {
    id: 'picture-too-small',
    ...owner,
    level: 'warn',
    source: PICTURES,
    asks: 'Pictures have at least 720 pixels in width or height.',
    field: 'image',
    breach: anyPictureOutside({ largestSide: 720 }),
  },
  {
    id: 'picture-ratio',
    ...owner,
    level: 'warn',
    source: PICTURES,
    asks: 'The width of a picture divided by its height is between 0.5 and 1.89.',
    field: 'image',
    breach: anyPictureOutside({ ratio: [0.5, 1.89] }),
  },
  {
    id: 'picture-for-implementers',
    ...hint,
    source: ITEMS,
    asks: 'Publishers send pictures of at least 640 × 360 pixels and at most 2 MB.',
    field: 'image',
    breach: anyPictureOutside({ width: 640, height: 360, bytes: 2 * 1024 * 1024 }),
  },
  {
    id: 'too-few-slides',
    ...owner,
    source: TYPES,
    asks: 'A slideshow has at least 2 slides.',
    field: 'media',
    breach: onlyFor('slideshow', fewerPicturesThan(2)),
  },
  {
    id: 'too-many-slides',
    ...owner,
    level: 'warn',
    source: TYPES,
    asks: 'A slideshow has at most 200 slides. The feed leaves the others out.',
    field: 'media',
    breach: onlyFor('slideshow', morePicturesThan(200)),
  },
  {
    id: 'few-slides-for-implementers',
    ...hint,
    source: TYPES,
    asks: 'A slideshow has at least 4 slides.',
    field: 'media',
    breach: onlyFor('slideshow', fewerPicturesThan(4)),
  },
  {
    id: 'small-slide',
    ...hint,
    source: TYPES,
    asks: 'The pictures of a slideshow are at least 600 pixels wide or high.',
    field: 'media',
    breach: onlyFor('slideshow', anyPictureOutside({ largestSide: 600 })),
  },
  {
    id: 'no-film',
    ...owner,
    source: TYPES,
    asks: 'A video has the address of its film.',
    field: 'media',
    breach: onlyFor('video', withoutFilm),
  },
];

const feedRules: readonly DialectFeedRule[] = [
  {
    id: 'language-without-region',
    evidence: 'D',
    source: FEEDS,
    read,
    asks: 'The language of a feed has a region, as en-GB. The feed writes the likely one where it is missing.',
    breach: ({ language }) =>
      new Intl.Locale(withRegion(language)).region === undefined
        ? `The language ${language} has no region, and none is likely: write language with its region.`
        : undefined,
  },
];

/** MSN, which reads one language and one type of content a feed (dialects.md §1). */
export const msn: Dialect = {
  name: 'msn',
  title: 'MSN',
  status: 'live',
  formats: { rss: rssRenderer({ article, slideshow, video }) },
  contentTypes: ['article', 'slideshow', 'video'],
  defaults: { entries: 20, content: 'full' },
  withdrawal: '`mi:expirationDate` in the past, and a newer `dcterms:modified`',
  isOneLanguage: true,
  rules,
  feedRules,
};
