import { excerpt, type Problem } from '../errors.ts';
import { isRegisteredLanguage } from '../lib/registered-language.ts';
import type { Article, Media } from './article.ts';
import { isLocalFile, type Newsroom } from './newsroom.ts';

/** Warnings of one record. A hostile body can name a million files. */
const MAX_WARNINGS = 20;

/** Addresses that are checked: each takes a search of the whole record, or a look at the disk. A body has room for 200,000. */
const MAX_CHECKED = 200;

const ADDRESS = /https?:\/\/[^\s"'<>]+/g;

/**
 * What the author of a valid record may want to know: language tags that are not registered, and addresses below `/media/`
 * that are no file of the media folder.
 *
 * @param record the record as it came: an address of the site's own that it spells out is the author's business
 */
export function warningsOf(article: Article, record: unknown, newsroom: Newsroom): Problem[] {
  return [...languageWarnings(article), ...missingMedia(article, record, newsroom)].slice(0, MAX_WARNINGS);
}

export const UNREGISTERED_LANGUAGE =
  'is not a registered language tag (BCP 47): readers may not know the language. Use a tag as en, ckb or pt-BR';

/** Language tags that are not registered. */
export function languageWarnings({ language, media, translations }: Article): Problem[] {
  const tags = [
    { field: 'language', value: language },
    ...media.flatMap(({ transcript }, index) =>
      transcript?.language === undefined
        ? []
        : [{ field: `media[${index}].transcript.language`, value: transcript.language }],
    ),
    ...translations.map(({ language: value }, index) => ({ field: `translations[${index}].language`, value })),
  ];
  const rule = UNREGISTERED_LANGUAGE;
  return tags.flatMap(({ field, value }) => (isRegisteredLanguage(value) ? [] : [{ field, value, rule }]));
}

/** Addresses below `/media/` that are no file of the media folder. */
export function missingMedia(article: Article, record: unknown, newsroom: Newsroom): Problem[] {
  const named = addressesBelowMedia(article).slice(0, MAX_CHECKED);
  if (named.length === 0) return [];
  const spelled = JSON.stringify(record);
  const missing = named.filter(({ url }) => {
    if (url.startsWith(`${newsroom.feedsUrl}media/`)) return !isLocalFile(url, newsroom);
    return isOnSite(url, article, newsroom) && !spelled.includes(url);
  });
  return missing.map(({ field, url }) => ({
    field,
    value: excerpt(url),
    rule: 'names a file that the folder media/ does not have: put it there, or correct its name',
  }));
}

interface NamedAddress {
  readonly field: string;
  readonly url: string;
}

function addressesBelowMedia({ html, image, media, authors }: Article): NamedAddress[] {
  const inBody = html.includes('/media/') ? [...new Set(html.match(ADDRESS))] : [];
  const all = [
    ...(image === undefined ? [] : [{ field: 'image.url', url: image.url }]),
    ...media.flatMap(addressesOfMedia),
    ...authors.flatMap(({ avatar: url }, index) =>
      url === undefined ? [] : [{ field: `authors[${index}].avatar`, url }],
    ),
    ...inBody.map((url) => ({ field: 'body', url: url.replaceAll('&amp;', '&') })),
  ];
  return all.filter(({ url }) => url.includes('/media/'));
}

function addressesOfMedia({ url, transcript, chapters, persons = [] }: Media, index: number): NamedAddress[] {
  const field = `media[${index}]`;
  return [
    { field: `${field}.url`, url },
    ...(transcript === undefined ? [] : [{ field: `${field}.transcript.url`, url: transcript.url }]),
    ...(chapters === undefined ? [] : [{ field: `${field}.chapters.url`, url: chapters.url }]),
    ...persons.flatMap(({ image }, at) =>
      image === undefined ? [] : [{ field: `${field}.persons[${at}].image`, url: image }],
    ),
  ];
}

/** Whether the address is what `/media/…` becomes where there is no such file: a path of the site or of the story's host. */
function isOnSite(url: string, article: Article, newsroom: Newsroom): boolean {
  return [newsroom.url, article.url].some((site) => url.startsWith(new URL('/media/', site).href));
}
