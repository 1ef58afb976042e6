import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isRecordId } from '../../article/record.ts';
import { MAX_NAMES } from '../../article/record-fields.ts';
import { isLanguageTag, MAX_NAME as MAX_TERM } from '../../lib/fields.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { lineText, shorten } from '../../lib/text.ts';
import { isUri, MAX_ADDRESS, webUrl } from '../../lib/url.ts';
import type { Warn } from './source-record.ts';

/** Limits of a record's fields in characters. The import shortens longer texts, so that they are not refused. */
export const MAX_SUMMARY = 5000;
export const MAX_NAME = 500;

/**
 * The identity that readers of the old feed know, so that they do not see an old story as new. The id is the guid if
 * it is valid as an id, else the hash of the guid. `publicId` keeps each guid that feeds would change otherwise.
 */
export function identity(guid: string | undefined): { id?: string; publicId?: string } {
  if (guid === undefined || guid === '') return {};
  if (!isRecordId(guid)) return { id: `sha256-${createHash('sha256').update(guid).digest('hex')}`, publicId: guid };
  return isUri(guid) ? { id: guid } : { id: guid, publicId: guid };
}

export interface Person {
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly url?: string | undefined;
  readonly avatar?: string | undefined;
}

export const MAX_SECTIONS = MAX_NAMES.sections;
export const MAX_TAGS = MAX_NAMES.tags;
/** The parser of records removes names above the limit of a list, and reports each. It gets at most so many times as many. */
const READ_NAMES = 10;
/** Most characters of a byline that is divided into names. */
const MAX_BYLINE = 20_000;

/** The people with a name, as the `authors` field of a record. A name that is too long for one person is a list of names. */
export function authors(people: readonly Person[], warn: Warn, element: string): Record<string, unknown>[] | undefined {
  const named = limited(people, READ_NAMES * MAX_NAMES.authors, warn, element)
    .map(({ name = '', ...more }): NamedPerson => ({ ...more, name: lineText(name) }))
    .flatMap((person) => (person.name.length > MAX_TERM ? severalPeople(person) : [person]))
    .filter(({ name }) => name !== '')
    .map(({ name, email, ...more }) => ({ name, email: isEmail(email) ? email : undefined, ...more }));
  return named.length === 0 ? undefined : named.map(omitUndefined);
}

type NamedPerson = Person & { readonly name: string };

function severalPeople(person: NamedPerson): NamedPerson[] {
  const names = person.name.length > MAX_BYLINE ? [] : partedNames(person.name);
  const areNames = names.length > 1 && names.every((one) => one.length <= MAX_TERM / 2);
  return areNames ? names.map((name) => ({ name })) : [person];
}

/** The names of a list. Initials belong to the surname before them: `Lee, K. M., Roe, J.` are two people. */
function partedNames(list: string): string[] {
  const separator = list.includes(';') ? /\s*;\s*/ : /\s*[,،؛、]\s*|\s+(?:and|&)\s+/;
  const names: string[] = [];
  for (const part of list.split(separator)) {
    const last = names.at(-1);
    if (last !== undefined && !last.includes(',') && INITIALS.test(part)) names[names.length - 1] = `${last}, ${part}`;
    else if (part !== '') names.push(part);
  }
  return names;
}

const INITIALS = /^(?:\p{Lu}\.[ -]?){1,4}$/u;

const emailAddress = z.email();

function isEmail(text: string | undefined): boolean {
  return emailAddress.safeParse(text).success;
}

/** The names of sections or tags. Several elements of a story name the same tag: each name stands once. */
export function terms(
  names: readonly string[],
  limit: number,
  warn: Warn,
  element = '<category>',
): string[] | undefined {
  const lines = limited(names, READ_NAMES * limit, warn, element).map(lineText);
  const named = [...new Set(lines)].filter((name) => name !== '');
  return named.length === 0 ? undefined : named;
}

/** A list with as many entries as a record may have. */
export function limited<Entry>(list: readonly Entry[], limit: number, warn: Warn, element: string): readonly Entry[] {
  if (list.length <= limit) return list;
  warn(`stands more than ${limit} times: only the first ${limit} are imported`, element);
  return list.slice(0, limit);
}

/** A candidate for the language of a story, and the element or attribute that names it. */
export type LanguageCandidate = readonly [tag: string | undefined, element: string];

/** The first candidate that is a language tag (BCP 47). Locales such as `de_DE` are tags with another sign. */
export function language(candidates: readonly LanguageCandidate[], warn: Warn): string | undefined {
  for (const [text = '', element] of candidates) {
    const tag = text
      .trim()
      .replaceAll('_', '-')
      .replace(/[.@].*$/, '');
    if (tag === '') continue;
    // A name such as “German” has the form of a tag, but no language has a code of more than three letters.
    if (tag.length <= 35 && /^[a-z]{2,3}(?:-|$)/i.test(tag) && isLanguageTag(tag)) return tag;
    warn(
      `${JSON.stringify(shorten(text, 40))} is no language tag (BCP 47), such as en or pt-BR: it is left out`,
      element,
    );
  }
  return undefined;
}

/** Most characters of a title that is made of a story's first words. */
const MAX_MADE_TITLE = 100;

/** The first words of a story, as the title of one that has none. */
export function titleOf(...texts: readonly (string | undefined)[]): string | undefined {
  const text = texts.map((candidate = '') => lineText(candidate)).find((line) => line !== '');
  return text === undefined ? undefined : shorten(text, MAX_MADE_TITLE);
}

/** The `source` field of a record; undefined without a name or an address. */
export function origin(name: string, url: string | undefined): { name: string; url: string } | undefined {
  return name === '' || url === undefined ? undefined : { name: shorten(name, MAX_NAME), url };
}

/** Resolves a reference to an http or https address; undefined if it gives none. */
export type UrlResolver = (reference: string | undefined) => string | undefined;

/** @param base undefined if it is unknown: then only absolute references resolve */
export function urlResolver(base: string | undefined): UrlResolver {
  // A longer base would be read again for each address.
  const short = base !== undefined && base.length <= MAX_ADDRESS ? base : undefined;
  return (reference) => {
    const trimmed = reference?.trim() ?? '';
    const url = trimmed === '' ? undefined : webUrl(trimmed, short);
    return url !== undefined && url.length <= MAX_ADDRESS ? url : undefined;
  };
}
