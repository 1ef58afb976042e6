import { type BodyRules, namesOf } from './body-rules.ts';
import { anyPictureOutside, elementInBody, isSummary, moreLinksThan, playerBeside } from './breaches.ts';
import { channelDescription, channelLanguage, channelLink, channelTitle, lastChange } from './channel-pieces.ts';
import { rfc822Japan } from './dates.ts';
import type { Dialect, DialectRule } from './dialect.ts';
import { body, date, ended, fixed, guid, link, published, title, updated } from './item-pieces.ts';
import { enclosureWithCaption, pictureAuthor, storyPicture } from './media-pieces.ts';
import type { PictureLimits } from './pictures.ts';
import { namespaces, type RssShape, rssRenderer } from './rss-dialect.ts';

/** LINE publishes no rules. They are those of the feed of this publisher, whose code explains them. */
const PUBLISHER = 'https://tokk-kansai.jp/';

const LONGEST_CAPTION = 255;
const YOUTUBE = namesOf('www.youtube.com www.youtube-nocookie.com');
const TAKEN: PictureLimits = { types: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'] };

const BODY: BodyRules = {
  elements: namesOf('p br strong b em i u h1 h2 blockquote a img iframe ul ol li hr'),
  attributes: {
    a: ['href'],
    img: ['src', 'alt', 'data-caption'],
    iframe: ['src', 'width', 'height', 'allow', 'allowfullscreen'],
  },
  renamed: { h3: 'h2', h4: 'h2', h5: 'h2', h6: 'h2' },
  tables: 'text',
  links: { most: 1 },
  players: YOUTUBE,
  pictures: { types: new Set(TAKEN.types), caption: { attribute: 'data-caption', limit: LONGEST_CAPTION } },
};

const required = [guid, title, link, date('pubDate', published, rfc822Japan), body('description', BODY)];

const article: RssShape = {
  namespaces: namespaces('oa'),
  channel: [channelTitle, channelLink, channelDescription(), lastChange('lastBuildDate', rfc822Japan), channelLanguage],
  item: [
    ...required,
    storyPicture(enclosureWithCaption('caption', LONGEST_CAPTION), TAKEN),
    storyPicture(pictureAuthor('oa:imgAuthor', 'oa:authorName', 'oa:authorUrl'), TAKEN),
    date('oa:lastPubDate', updated, rfc822Japan),
    date('oa:expireDate', ended, rfc822Japan),
  ],
  takenBack: [...required, date('oa:lastPubDate', updated, rfc822Japan), fixed('oa:delStatus', {}, '1')],
};

const ruled = { level: 'warn', evidence: 'C', source: PUBLISHER, read: '2026-11-29' } as const;

const rules: readonly DialectRule[] = [
  {
    id: 'no-full-text',
    ...ruled,
    asks: 'The description is the whole story.',
    field: 'body',
    breach: isSummary,
  },
  {
    id: 'more-than-one-link',
    ...ruled,
    asks: 'A body has one link outwards at most. The feed keeps the first, and the words of the others.',
    field: 'body',
    breach: moreLinksThan(1),
  },
  {
    id: 'table',
    ...ruled,
    asks: 'A body has no table. The feed writes a paragraph for each row.',
    field: 'body',
    breach: elementInBody('table'),
  },
  {
    id: 'other-player',
    ...ruled,
    asks: 'Players are those of YouTube. The feed writes a link in the place of another, if the body has no other link.',
    field: 'body',
    breach: playerBeside(YOUTUBE),
  },
  {
    id: 'other-picture',
    ...ruled,
    asks: 'Pictures are JPG, PNG, GIF or WebP. The feed leaves others out.',
    field: 'image',
    breach: anyPictureOutside(TAKEN),
  },
];

/** LINE NEWS of Japan (dialects.md §6). */
export const line: Dialect = {
  name: 'line',
  title: 'LINE NEWS',
  status: 'private',
  formats: { rss: rssRenderer({ article }) },
  contentTypes: ['article'],
  defaults: { entries: 20, content: 'full' },
  withdrawal: '`oa:delStatus` is 1',
  rules,
};
