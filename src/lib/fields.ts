import { z } from 'zod';
import { parseInstant } from './instant.ts';
import { memo } from './memo.ts';
import { lineText, slugOf } from './text.ts';
import { webUrl } from './url.ts';

/**
 * The types of fields in records and in publication.yaml. Each states its rule in an editor's words, and in `meta` as much of it
 * as JSON Schema can say. A pattern there refuses no value that the type takes.
 */

function required(rule: string) {
  return { error: (issue: { input?: unknown }) => (issue.input === undefined ? 'is required' : rule) };
}

const text = z.string(required('must be text'));

/** Text with something to show. */
const SHOWN = { pattern: '\\S', patternErrorMessage: 'must not be empty' };

/** A text on one line with 1 to `limit` characters. */
export function singleLine(limit: number) {
  return text
    .transform((value, context) => {
      const clean = lineText(value);
      if (clean === '') context.addIssue({ code: 'custom', message: 'must not be empty' });
      if (clean.length > limit)
        context.addIssue({ code: 'custom', message: `must not be longer than ${limit} characters` });
      return clean;
    })
    .meta(SHOWN);
}

/** A text on one line with at most `limit` characters; it may be empty. */
export function singleLineOrEmpty(limit: number) {
  return text.transform((value, context) => {
    const clean = lineText(value);
    if (clean.length > limit)
      context.addIssue({ code: 'custom', message: `must not be longer than ${limit} characters` });
    return clean;
  });
}

/** A text of several lines with at most `limit` characters. It is not cleaned yet. */
export function longText(limit: number) {
  return text.refine((value) => value.length <= limit, { error: `must not be longer than ${limit} characters` });
}

const WEB_ADDRESS_RULE = 'must be an http or https address of at most 4096 characters';
/** A relative address is completed, and letters outside ASCII are encoded. */
const RELATIVE = { format: 'iri-reference', pattern: '\\S', patternErrorMessage: WEB_ADDRESS_RULE };
const ABSOLUTE = { format: 'iri', pattern: '^\\s*[Hh][Tt][Tt][Pp][Ss]?:', patternErrorMessage: WEB_ADDRESS_RULE };

/** An http or https address, resolved against `base`. */
export function webAddress(base?: string | ((reference: string) => string | undefined)) {
  return text
    .transform((value, context) => {
      const url = typeof base === 'function' ? base(value) : webUrl(value, base);
      if (url !== undefined && url.length <= 4096) return url;
      context.addIssue({ code: 'custom', message: WEB_ADDRESS_RULE });
      return z.NEVER;
    })
    .meta(base === undefined ? ABSOLUTE : RELATIVE);
}

const EMAIL_RULE = 'must be an e-mail address';

/** An e-mail address. */
export const email = z.email({ error: EMAIL_RULE }).meta({ patternErrorMessage: EMAIL_RULE });

const INSTANT_RULE = 'must be a date that exists, with time and zone, as 2026-11-22T10:46:00+03:00 (RFC 3339 §5.6)';

/** A date-time of RFC 3339, as an `Instant`. */
export const instant = text
  .transform((value, context) => {
    const moment = parseInstant(value);
    if (moment !== undefined) return moment;
    context.addIssue({ code: 'custom', message: INSTANT_RULE });
    return z.NEVER;
  })
  .meta({
    format: 'date-time',
    pattern: '^\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?([Zz]|[+-]\\d\\d:\\d\\d)$',
    patternErrorMessage: INSTANT_RULE,
  });

export function isLanguageTag(value: string): boolean {
  return canonicalTag(value) !== undefined;
}

const canonicalTag = memo(
  (value): string | undefined => {
    try {
      return Intl.getCanonicalLocales(value)[0];
    } catch {
      return undefined;
    }
  },
  { max: 1000, maxLength: 100 },
);

/** What every language tag looks like. JSON Schema has no format for it. */
export const LANGUAGE_TAG = '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$';
const LANGUAGE_RULE = 'must be a language tag, as en, ckb or pt-BR (BCP 47)';

/** A language tag in its canonical form, e.g. `en-gb` → `en-GB`. */
export const languageTag = text
  .transform((value, context) => {
    const tag = canonicalTag(value);
    if (tag !== undefined && tag.length <= 35) return tag;
    context.addIssue({ code: 'custom', message: LANGUAGE_RULE });
    return z.NEVER;
  })
  .meta({ pattern: LANGUAGE_TAG, patternErrorMessage: LANGUAGE_RULE });

export const ID_RULE = 'must be lower-case words joined by hyphens, because it is part of addresses';
/** What an id that the operator gives looks like: of a feed or of a partner. */
export const ID = /^[\p{Ll}\p{Lo}\p{M}\p{N}]+(-[\p{Ll}\p{Lo}\p{M}\p{N}]+)*$/u;

/** A name, and its form in addresses. */
export interface Term {
  readonly name: string;
  readonly slug: string;
}

/** Most characters of the name of a section, tag or author. */
export const MAX_NAME = 200;
/** The slug of a name; empty if the name shows nothing. */
export const slugOfName = memo((name) => slugOf(lineText(name)), { max: 10_000, maxLength: MAX_NAME });

/** The name of a section, tag or author: it must have a slug. */
export const term = singleLine(MAX_NAME).transform((name, context): Term => {
  const slug = slugOfName(name);
  if (slug === '') context.addIssue({ code: 'custom', message: 'must have a letter, a digit or a sign' });
  return { name, slug };
});

export function integerBetween(minimum: number, maximum: number) {
  const rule = `must be a whole number from ${minimum} to ${maximum}`;
  return z.int(required(rule)).min(minimum, rule).max(maximum, rule);
}

export function oneOf<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, required(`must be one of ${values.join(', ')}`));
}

export function list<Item extends z.ZodType>(item: Item, limit: number) {
  return z
    .array(item, required('must be a list: put square brackets around it'))
    .max(limit, `must not have more than ${limit} entries`);
}

/**
 * An object with these fields and no others. The message about an unknown field is the list of these, for problems.ts.
 *
 * @param rule what a value that is no object breaks
 */
export function object<Shape extends z.ZodRawShape>(shape: Shape, rule = 'must be an object') {
  const known = Object.keys(shape).join(' ');
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? known : issue.input === undefined ? 'is required' : rule),
  });
}
