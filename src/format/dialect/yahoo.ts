import { httpDate } from '../../lib/instant.ts';
import { type BodyRules, COMMON_ATTRIBUTES, namesOf } from './body-rules.ts';
import {
  anyPictureOutside,
  bodyOfFewerWordsThan,
  fewerPicturesThan,
  filmOfOtherTypeThan,
  isSummary,
  morePicturesThan,
  onlyFor,
  publishedLater,
  summaryOfFewerWordsThan,
  titleOfFewerWordsThan,
  withoutCaption,
  withoutCategory,
  withoutFilm,
  withoutOwnPicture,
  withoutPicture,
} from './breaches.ts';
import { channelDescription, channelLanguage, channelLink, channelTitle, lastChange, self } from './channel-pieces.ts';
import type { Dialect, DialectRule } from './dialect.ts';
import { body, categories, corrected, date, guid, link, published, summary, title } from './item-pieces.ts';
import {
  alternativeText,
  caption,
  credit,
  film,
  mediaContent,
  pictureTitle,
  slides,
  storyPicture,
  storyPictureUnlessWhole,
  thumbnailWithSize,
  withPictureFirst,
} from './media-pieces.ts';
import type { PictureLimits } from './pictures.ts';
import { namespaces, type RssShape, rssRenderer } from './rss-dialect.ts';

const ARTICLES = 'https://publishers.yahooinc.com/docs/article-ingestion';
const SLIDESHOWS = 'https://publishers.yahooinc.com/docs/slideshow-ingestion';
const VIDEOS = 'https://publishers.yahooinc.com/docs/video-ingestion';

/** What Yahoo takes. A picture beyond these limits is not sent. */
const TAKEN: PictureLimits = { width: 1280, height: 720, bytes: 5 * 1024 * 1024 };
const FILMS = ['video/mp4', 'video/quicktime', 'video/x-m4v'];
const MOST_SLIDES = 200;

const BODY: BodyRules = {
  elements: namesOf(
    'a b blockquote br em h2 h3 h4 h5 h6 i img li ol ul p strong iframe sub sup pre figure figcaption section span table tr th td',
  ),
  attributes: COMMON_ATTRIBUTES,
  renamed: { h1: 'h2' },
  pictures: { isOnce: true, width: TAKEN.width ?? 0 },
};
/** Pictures of a slideshow are slides, and would be duplicates in the body. */
const BODY_WITHOUT_PICTURES: BodyRules = {
  ...BODY,
  elements: BODY.elements.difference(namesOf('img figure figcaption')),
};

const picture = mediaContent(pictureTitle, alternativeText, credit, caption);
const required = [title, summary, guid, date('pubDate', published, httpDate), link];
const category = categories('category', { of: ['sections', 'tags'], most: 1 });
const updated = date('updated', corrected, httpDate);

const article: RssShape = {
  namespaces: namespaces('atom', 'content', 'media'),
  channel: [channelTitle, channelLink, channelDescription(), lastChange('lastBuildDate'), channelLanguage, self],
  item: [
    ...required,
    body('content:encoded', BODY, withPictureFirst(TAKEN)),
    category,
    updated,
    storyPictureUnlessWhole(thumbnailWithSize, TAKEN),
    storyPictureUnlessWhole(picture, TAKEN),
  ],
};

const slideshow: RssShape = {
  ...article,
  item: [
    ...required,
    body('content:encoded', BODY_WITHOUT_PICTURES),
    category,
    updated,
    storyPicture(thumbnailWithSize, TAKEN),
    slides(picture, { most: MOST_SLIDES, hasCover: true, ...TAKEN }),
  ],
};

const video: RssShape = {
  ...article,
  namespaces: { ...namespaces('atom', 'content'), media: 'https://search.yahoo.com/mrss/' },
  item: [
    ...required,
    category,
    updated,
    film(),
    storyPicture(thumbnailWithSize, TAKEN),
    categories('media:keywords', { of: ['tags'], most: 10, join: ', ' }),
  ],
};

const ruled = { level: 'warn', evidence: 'C', read: '2026-11-29' } as const;

const rules: readonly DialectRule[] = [
  {
    id: 'title-of-one-word',
    ...ruled,
    source: VIDEOS,
    asks: 'The title of a video has at least 2 words.',
    field: 'title',
    breach: onlyFor('video', titleOfFewerWordsThan(2)),
  },
  {
    id: 'summary-too-short',
    ...ruled,
    source: ARTICLES,
    asks: 'A description has at least 3 words.',
    field: 'summary',
    breach: summaryOfFewerWordsThan(3),
  },
  {
    id: 'body-too-short',
    ...ruled,
    source: ARTICLES,
    asks: 'An article has at least 150 words. Yahoo blocks shorter ones without a word.',
    field: 'body',
    breach: onlyFor('article', bodyOfFewerWordsThan(150)),
  },
  {
    id: 'no-full-text',
    ...ruled,
    source: ARTICLES,
    asks: 'An article has its body.',
    field: 'body',
    breach: onlyFor('article', isSummary),
  },
  {
    id: 'published-later',
    ...ruled,
    source: ARTICLES,
    asks: 'The date of publication is in the past, and never changes.',
    field: 'publishedAt',
    breach: publishedLater,
  },
  {
    id: 'no-category',
    ...ruled,
    source: ARTICLES,
    asks: 'An item has exactly one category: the first section, or else the first tag.',
    field: 'sections',
    breach: withoutCategory,
  },
  {
    id: 'no-picture',
    ...ruled,
    source: ARTICLES,
    asks: 'A body begins with a picture. The feed writes the picture of the story there.',
    field: 'image',
    breach: onlyFor('article', withoutPicture),
  },
  {
    id: 'no-caption',
    ...ruled,
    source: ARTICLES,
    asks: 'The picture at the beginning of a body has a caption.',
    field: 'image',
    breach: onlyFor('article', withoutCaption),
  },
  {
    id: 'picture-not-taken',
    ...ruled,
    source: ARTICLES,
    asks: 'Pictures have at least 1280 × 720 pixels and at most 5 MB. The feed leaves the story’s own out where it does not fit.',
    field: 'image',
    breach: anyPictureOutside(TAKEN),
  },
  {
    id: 'no-slide',
    ...ruled,
    level: 'refuse',
    source: SLIDESHOWS,
    asks: 'A slideshow has a cover and slides that are other pictures.',
    field: 'media',
    breach: onlyFor('slideshow', fewerPicturesThan(2)),
  },
  {
    id: 'too-many-slides',
    ...ruled,
    source: SLIDESHOWS,
    asks: 'A slideshow has at most 200 slides. The feed leaves the others out.',
    field: 'media',
    breach: onlyFor('slideshow', morePicturesThan(MOST_SLIDES + 1)),
  },
  {
    id: 'no-film',
    ...ruled,
    level: 'refuse',
    source: VIDEOS,
    asks: 'A video has the address of its film.',
    field: 'media',
    breach: onlyFor('video', withoutFilm),
  },
  {
    id: 'other-film',
    ...ruled,
    source: VIDEOS,
    asks: 'A film is MP4, MOV or M4V.',
    field: 'media',
    breach: onlyFor('video', filmOfOtherTypeThan(FILMS)),
  },
  {
    id: 'no-thumbnail',
    ...ruled,
    source: VIDEOS,
    asks: 'A video has a thumbnail: the picture of the story.',
    field: 'image',
    breach: onlyFor('video', withoutOwnPicture),
  },
];

/** Yahoo of the United States, which reads one type of content a feed (dialects.md §4). It documents no withdrawal. */
export const yahoo: Dialect = {
  name: 'yahoo',
  title: 'Yahoo',
  status: 'private',
  warning:
    'Yahoo documents no way to withdraw a story in a feed: the feed leaves it out, and you remove it in Yahoo’s console. Its rules are behind a login; these are those of a publisher that Yahoo accepted.',
  formats: { rss: rssRenderer({ article, slideshow, video }) },
  contentTypes: ['article', 'slideshow', 'video'],
  defaults: { entries: 20, content: 'full' },
  withdrawal: 'leaves the feed: remove it in Yahoo’s console',
  rules,
};
