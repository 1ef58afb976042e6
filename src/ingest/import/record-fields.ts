import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isRecordId } from '../../article/article.ts';
import { isLanguageTag, term } from '../../lib/fields.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { lineText, shorten } from '../../lib/text.ts';
import { isUri, webUrl } from '../../lib/url.ts';

/** What a record's fields may hold, in characters: longer texts are shortened rather than refused. */
export const MAX_SUMMARY = 5000;
export const MAX_NAME = 500;

/**
 * The identity every consumer of the old feed knows, so that none sees an old story as new: the record's id wherever
 * it can be one, and `publicId` where the id alone would not come out as the same again.
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

/** Those whose names can stand in an address. */
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

/** Names of sections or tags, each once. */
export function terms(names: readonly string[]): string[] | undefined {
  const usable = [...new Set(names.map(lineText))].filter(isTerm);
  return usable.length === 0 ? undefined : usable;
}

function isTerm(name: string): boolean {
  return term.safeParse(name).success;
}

/** The first that is a language tag (BCP 47). */
export function language(...candidates: readonly (string | undefined)[]): string | undefined {
  return candidates.find((tag) => tag !== undefined && tag.length <= 35 && isLanguageTag(tag));
}

/** Where a story was taken from; undefined without a name or an address. */
export function origin(name: string, url: string | undefined): { name: string; url: string } | undefined {
  return name === '' || url === undefined ? undefined : { name: shorten(name, MAX_NAME), url };
}

/** Resolves a reference; the result is undefined where it comes to no http or https address. */
export type ResolveUrl = (reference: string | undefined) => string | undefined;

/** Resolves against a base, which is undefined where nothing says it. */
export function urlResolver(base: string | undefined): ResolveUrl {
  return (reference) => {
    const trimmed = reference?.trim() ?? '';
    const url = trimmed === '' ? undefined : webUrl(trimmed, base);
    return url !== undefined && url.length <= MAX_ADDRESS ? url : undefined;
  };
}

const MAX_ADDRESS = 4096;
