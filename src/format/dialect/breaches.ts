import type { Instant } from '../../lib/instant.ts';
import { bodyFacts } from './body-facts.ts';
import type { DialectItem, DialectRule } from './dialect.ts';
import { hasCampaign } from './item-pieces.ts';
import { filmOf } from './media-pieces.ts';
import { brokenLimit, captionOf, choosePicture, type PictureLimits, picturesOf } from './pictures.ts';
import { characterCount, counted, wordCount } from './text.ts';

/**
 * What is wrong with a story, for the rules of dialects: each function gives a `breach`, which says it in a sentence. Only one
 * that depends on the moment has a parameter for it.
 */

type Breach = (item: DialectItem) => string | undefined;
type BreachInTime = DialectRule['breach'];

const DAY = 24 * 60 * 60 * 1000;

export function titleShorterThan(least: number): Breach {
  return ({ article }) => {
    const count = characterCount(article.title);
    return count < least ? `The title has ${counted(count, 'character')}, fewer than ${least}.` : undefined;
  };
}

export function titleLongerThan(most: number): Breach {
  return ({ article }) => {
    const count = characterCount(article.title);
    return count > most ? `The title has ${count} characters, more than ${most}.` : undefined;
  };
}

export function titleOfFewerWordsThan(least: number): Breach {
  return ({ article }) => tooFewWords('title', wordCount(article.title), least);
}

export function summaryOfFewerWordsThan(least: number): Breach {
  return ({ article }) => tooFewWords('summary', wordCount(article.summary), least);
}

export function bodyOfFewerWordsThan(least: number): Breach {
  return ({ article, content }) =>
    tooFewWords('body', content === 'full' ? bodyFacts(article).words : wordCount(article.summary), least);
}

function tooFewWords(what: string, words: number, least: number): string | undefined {
  return words < least ? `The ${what} has ${counted(words, 'word')}, fewer than ${least}.` : undefined;
}

/** A summary in the place of the body. */
export const isSummary: Breach = ({ content }) =>
  content === 'summary' ? 'The partner gets summaries: the story itself is not in the feed.' : undefined;

export function olderThan(days: number): BreachInTime {
  return ({ article: { publishedAt } }, at) => {
    const age = Math.floor((at - publishedAt) / DAY);
    return at - publishedAt >= days * DAY ? `The story is ${age} days old.` : undefined;
  };
}

export const publishedLater: BreachInTime = ({ article: { publishedAt } }, at: Instant) =>
  publishedAt > at ? 'The date of publication is in the future.' : undefined;

export const withoutPicture: Breach = ({ article }) =>
  picturesOf(article).length === 0 ? 'The story has no picture.' : undefined;

export const withoutOwnPicture: Breach = ({ article }) =>
  article.image === undefined ? 'The story has no picture of its own.' : undefined;

/** No picture of the story keeps the limits. */
export function noPictureWithin(limits: PictureLimits): Breach {
  return ({ article }) => {
    const [first] = picturesOf(article);
    if (first === undefined || choosePicture(article, limits) !== undefined) return undefined;
    return `The picture ${first.url} ${brokenLimit(first, limits)}.`;
  };
}

/** A picture of the story breaks a limit. */
export function anyPictureOutside(limits: PictureLimits): Breach {
  return ({ article }) => {
    const broken = picturesOf(article).find((picture) => brokenLimit(picture, limits) !== undefined);
    return broken === undefined ? undefined : `The picture ${broken.url} ${brokenLimit(broken, limits)}.`;
  };
}

export function fewerPicturesThan(least: number): Breach {
  return ({ article }) => {
    const { length } = picturesOf(article);
    return length < least ? `The story has ${counted(length, 'picture')}, fewer than ${least}.` : undefined;
  };
}

export function morePicturesThan(most: number): Breach {
  return ({ article }) => {
    const { length } = picturesOf(article);
    return length > most ? `The story has ${length} pictures, more than ${most}.` : undefined;
  };
}

export function moreLinksThan(most: number): Breach {
  return ({ article }) => {
    const { length } = bodyFacts(article).links;
    return length > most ? `The body has ${length} links, more than ${most}.` : undefined;
  };
}

export function deeperThan(most: number): Breach {
  return ({ article }) => {
    const { depth } = bodyFacts(article);
    return depth > most ? `The body has elements ${depth} levels deep, more than ${most}.` : undefined;
  };
}

/** An element that the consumer does not show. */
export function elementInBody(name: string): Breach {
  return ({ article }) => (bodyFacts(article).elements.has(name) ? `The body has <${name}>.` : undefined);
}

/** A player of one of these hosts in the body. */
export function playerOf(hosts: ReadonlySet<string>): Breach {
  return ({ article }) => {
    const host = bodyFacts(article).players.find((name) => hosts.has(name));
    return host === undefined ? undefined : `The body has a player of ${host}.`;
  };
}

/** A player of any other host. */
export function playerBeside(hosts: ReadonlySet<string>): Breach {
  return ({ article }) => {
    const host = bodyFacts(article).players.find((name) => !hosts.has(name));
    return host === undefined ? undefined : `The body has a player of ${host}.`;
  };
}

export function bodyOfMoreBytesThan(most: number): Breach {
  return ({ article, content }) => {
    const bytes = content === 'full' ? Buffer.byteLength(article.html) : 0;
    return bytes > most ? `The body has ${bytes} bytes, more than ${most}.` : undefined;
  };
}

/** A parameter of a campaign in the link. */
export const linkWithCampaign: Breach = ({ article: { url } }) =>
  hasCampaign(url) ? `The link has a parameter of a campaign: ${url}` : undefined;

export const withoutCategory: Breach = ({ article: { sections, tags } }) =>
  sections.length + tags.length === 0 ? 'The story has neither a section nor a tag.' : undefined;

export const withoutCaption: Breach = ({ article }) => {
  const [first] = picturesOf(article);
  return first === undefined || captionOf(first) || first.alt
    ? undefined
    : 'The picture has neither a caption nor a credit nor an alternative text.';
};

/** A film of any other type. */
export function filmOfOtherTypeThan(types: readonly string[]): Breach {
  return (item) => {
    const type = filmOf(item)?.type;
    return type === undefined || types.includes(type.toLowerCase()) ? undefined : `The film is of type ${type}.`;
  };
}

export const withoutFilm: Breach = (item) => (filmOf(item) === undefined ? 'The story has no film.' : undefined);

/** The rule of one type of content only. */
export function onlyFor(contentType: DialectItem['contentType'], breach: Breach): Breach {
  return (item) => (item.contentType === contentType ? breach(item) : undefined);
}
