import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isRecordId } from '../../article/article.ts';
import { isLanguageTag, term } from '../../lib/fields.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { lineText, shorten } from '../../lib/text.ts';
import { isUri, webUrl } from '../../lib/url.ts';

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

/** The people whose names give a slug, as the `authors` field of a record. */
export function authors(people: readonly Person[]): Record<string, unknown>[] | undefined {
  const usable = people
    .map(({ name, email, ...more }) => ({
      name: lineText(name ?? ''),
      email: isEmail(email) ? email : undefined,
      ...more,
    }))
    .filter(({ name }) => isTerm(name));
  return usable.length === 0 ? undefined : usable.map(omitUndefined);
}

const emailAddress = z.email();

function isEmail(text: string | undefined): boolean {
  return emailAddress.safeParse(text).success;
}

/** The names of sections or tags that give a slug, each once. */
export function terms(names: readonly string[]): string[] | undefined {
  const usable = [...new Set(names.map(lineText))].filter(isTerm);
  return usable.length === 0 ? undefined : usable;
}

function isTerm(name: string): boolean {
  return term.safeParse(name).success;
}

/** The first candidate that is a language tag (BCP 47). */
export function language(...candidates: readonly (string | undefined)[]): string | undefined {
  return candidates.find((tag) => tag !== undefined && tag.length <= 35 && isLanguageTag(tag));
}

/** The `source` field of a record; undefined without a name or an address. */
export function origin(name: string, url: string | undefined): { name: string; url: string } | undefined {
  return name === '' || url === undefined ? undefined : { name: shorten(name, MAX_NAME), url };
}

/** Resolves a reference to an http or https address; undefined if it gives none. */
export type ResolveUrl = (reference: string | undefined) => string | undefined;

/** @param base undefined if it is unknown: then only absolute references resolve */
export function urlResolver(base: string | undefined): ResolveUrl {
  return (reference) => {
    const trimmed = reference?.trim() ?? '';
    const url = trimmed === '' ? undefined : webUrl(trimmed, base);
    return url !== undefined && url.length <= MAX_ADDRESS ? url : undefined;
  };
}

const MAX_ADDRESS = 4096;
