import { z } from 'zod';
import { isLanguageTag, LANGUAGE_TAG, list, object, singleLine } from '../lib/fields.ts';
import { didYouMean, meantWord } from '../lib/nearest-word.ts';
// The pages read the same file. Its fields are the texts that there are.
import english from '../pages/texts/en.json' with { type: 'json' };

/** A text of the pages, or its forms by the categories of the plural (Intl.PluralRules). */
export type PageText = string | Readonly<Record<string, string>>;

/** What the operator decides about the pages for people. */
export interface PageSettings {
  /** Other hosts whose pictures, sounds and players the pages may load. */
  readonly mediaHosts: readonly string[];
  /** Texts instead of those of the service, by language and name. */
  readonly texts: Readonly<Record<string, Readonly<Record<string, PageText>>>>;
}

const HOST_RULE = 'must be a host, as media.example.com: without https://, path and wildcard';
const TEXT_RULE = 'must be text, or the forms of the plural: one, two, few, many or other';
const FORMS = ['zero', 'one', 'two', 'few', 'many', 'other'];

const HOST = /^[\p{L}\p{M}\p{N}.:[\]-]+$/u;

const host = z
  .string({ error: HOST_RULE })
  .transform((value, context) => {
    const url = URL.parse(`https://${value}`);
    if (url?.href === `https://${url?.host}/` && HOST.test(value)) return url.host;
    context.addIssue({ code: 'custom', message: HOST_RULE });
    return z.NEVER;
  })
  .meta({ pattern: HOST.source, patternErrorMessage: HOST_RULE });

const text = z.union([singleLine(1000), z.partialRecord(z.enum(FORMS), singleLine(1000))], { error: TEXT_RULE });

/** Texts by their names. */
const named = z
  .record(z.string(), text, { error: 'must be texts by their names' })
  .meta({ propertyNames: { enum: Object.keys(english) } });

const texts = z
  .record(z.string(), named, { error: 'must be languages, each with its texts' })
  .superRefine((languages, context) => {
    for (const [language, named] of Object.entries(languages)) {
      if (!isLanguageTag(language))
        issue(context, [language], 'is not the tag of a language, as en, ckb or pt-BR (BCP 47)');
      for (const [name, value] of Object.entries(named)) checkText(context, [language, name], value);
    }
  })
  .transform((languages) => languages as PageSettings['texts'])
  .meta({ propertyNames: { pattern: LANGUAGE_TAG } });

function checkText(context: z.core.$RefinementCtx, path: [string, string], value: unknown): void {
  const [, name] = path;
  const known: Readonly<Record<string, PageText>> = english;
  if (!Object.hasOwn(known, name)) {
    issue(context, path, `is not the name of a text${didYouMean(meantWord(name, Object.keys(known)))}`);
    return;
  }
  const allowed = placeholders(known[name]);
  const wrong = placeholders(value).find((one) => !allowed.includes(one));
  if (wrong === undefined) return;
  const rule = allowed.length === 0 ? 'this text has no place for a value' : `use ${allowed.join(', ')}`;
  issue(context, path, `has ${wrong}: ${rule}`);
}

function issue(context: z.core.$RefinementCtx, path: string[], message: string): void {
  context.addIssue({ code: 'custom', path, message });
}

function placeholders(value: unknown): string[] {
  return typeof value === 'string' ? (value.match(/\{\w*\}/g) ?? []) : Object.values(value ?? {}).flatMap(placeholders);
}

const settings = object({ mediaHosts: list(host, 100).default([]), texts: texts.default({}) });

/** The field `pages`: settings, or `off`. */
export const pages = z
  .preprocess((value) => (value === false || value === 'off' ? undefined : (value ?? {})), settings.optional())
  .meta({ orElse: [{ enum: ['off', false, null] }] })
  .prefault({});

const ZONE_RULE = 'must be a time zone, as Asia/Baghdad';

/** The name of a time zone in the IANA database. */
export const timeZone = z
  .string({ error: ZONE_RULE })
  .transform((value, context) => {
    if (/^[A-Za-z]/.test(value) && isTimeZone(value)) return value;
    const meant = value.length > 100 ? undefined : meantZone(value);
    context.addIssue({ code: 'custom', message: ZONE_RULE + didYouMean(meant) });
    return z.NEVER;
  })
  .meta({ pattern: '^[A-Za-z][A-Za-z0-9_+/-]*$', patternErrorMessage: ZONE_RULE });

function isTimeZone(value: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** A zone by the name of its city, or the nearest one. */
function meantZone(value: string): string | undefined {
  const zones = Intl.supportedValuesOf('timeZone');
  const cities = zones.map((zone) => zone.slice(zone.lastIndexOf('/') + 1).replaceAll('_', ' '));
  const city = meantWord(value.replaceAll('_', ' '), cities);
  return meantWord(value, zones) ?? (city === undefined ? undefined : zones[cities.indexOf(city)]);
}
