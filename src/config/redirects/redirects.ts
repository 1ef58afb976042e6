import { z } from 'zod';
import { excerpt, MAX_PROBLEMS, type Problem } from '../../errors.ts';
import { type FeedKey, FORMATS, type Format } from '../../feed/feeds.ts';
import { list, object, oneOf, singleLine } from '../../lib/fields.ts';
import { brokenKeyRule, normalKey } from '../feed-keys.ts';
import { nearestKey, unknownFeedRule } from '../retired-feeds.ts';
import { SYSTEMS } from './known-systems.ts';
import { ADDRESS_RULE, brokenTemplateRule, type From, parametersOf, parseFrom, type Segment } from './pattern.ts';
import { MAX_SETS } from './query-table.ts';
import { type Redirect, RedirectTable } from './redirect-table.ts';

/** Put more of them into redirects.txt, which is read much faster than YAML. */
const MAX_REDIRECTS = 10_000;
/** Each costs a little time in the look-up of every old address. */
export const MAX_PATTERNS = 1000;

export const TOO_MANY_PATTERNS = `is one pattern too many: there may be ${MAX_PATTERNS}`;
const REFUSALS = {
  repeated: 'is the address of another redirect: keep one of them',
  'too many queries': `is a path with too many different queries: there may be ${MAX_SETS} sets of parameters for a path`,
} as const;

const from = z
  .string({ error: (issue) => (issue.input === undefined ? 'is required' : ADDRESS_RULE) })
  .transform((value, context): From => {
    const parsed = parseFrom(value);
    if (typeof parsed !== 'string') return parsed;
    context.addIssue({ code: 'custom', message: parsed });
    return z.NEVER;
  })
  .meta({ pattern: '^\\s*(/|[Hh][Tt][Tt][Pp][Ss]?://)', patternErrorMessage: ADDRESS_RULE });

const entry = object({ from, to: singleLine(500).optional(), format: oneOf(FORMATS).optional() });

/** The field `redirects`. */
export const redirects = list(entry, MAX_REDIRECTS).default([]);

/** The field `builtInRedirects`: the systems whose addresses the service knows by itself, or `off`. */
export const builtInRedirects = z
  .preprocess(
    (value) => (value === false || value === 'off' ? [] : value === true || value === 'on' ? undefined : value),
    list(oneOf(SYSTEMS), SYSTEMS.length).optional(),
  )
  .transform((systems) => systems ?? SYSTEMS)
  .meta({ orElse: [{ enum: ['off', 'on', false, true] }] });

type Entry = z.output<typeof entry>;

interface CheckedRedirects {
  readonly redirects: readonly Redirect[];
  readonly problems: readonly Problem[];
}

/**
 * The redirects of publication.yaml, with their problems.
 *
 * @param ids the operator's feeds
 */
export function checkedRedirects(entries: readonly Entry[], ids: readonly string[]): CheckedRedirects {
  const known = new Set(ids);
  const table = new RedirectTable([]);
  const made: Redirect[] = [];
  const problems: Problem[] = [];
  let patterns = 0;
  for (const [index, { from: source, to, format }] of entries.entries()) {
    const add = (field: keyof Entry, rule: string, value?: string) =>
      problems.push({ field: `redirects[${index}].${field}`, ...(value === undefined ? {} : { value }), rule });
    const nearest = problems.length < MAX_PROBLEMS ? nearestKey : () => undefined; // a search takes time
    const rule = to === undefined ? undefined : brokenTargetRule(to, source, { known, nearest });
    if (rule !== undefined) add('to', rule, excerpt(to ?? ''));
    if (to === undefined && format !== undefined) add('format', 'has no use without to: name a feed, or leave it out');
    const redirect = redirectOf(source, to, format);
    if ('pattern' in redirect) patterns += 1;
    if ('pattern' in redirect && patterns === MAX_PATTERNS + 1) add('from', TOO_MANY_PATTERNS);
    const refused = table.add(redirect);
    if (refused !== undefined) add('from', REFUSALS[refused]);
    made.push(redirect);
  }
  return { redirects: made, problems };
}

interface KnownFeeds {
  readonly known: ReadonlySet<FeedKey>;
  readonly nearest: typeof nearestKey | (() => undefined);
}

function brokenTargetRule(to: string, source: From, { known, nearest }: KnownFeeds): string | undefined {
  if (!to.includes('{') && !to.includes('}')) return unknownFeedRule(normalKey(to), known, nearest);
  const parameters = 'pattern' in source ? parametersOf(source.pattern) : [];
  const broken = brokenTemplateRule(to.toLowerCase(), parameters);
  if (broken !== undefined || /^\{[^{}]*\}$/.test(to)) return broken;
  // Any name shows whether the kind is one that a feed can have.
  if (brokenKeyRule(normalKey(to.replaceAll(/\{[^{}]*\}/g, 'en'))) === undefined) return undefined;
  return 'must be section/{…}, tag/{…}, author/{…}, language/{…}, or {…} alone';
}

/** @param to as it is written; undefined for addresses that are gone */
export function redirectOf(source: From, to: string | undefined, format = formatOf(source)): Redirect {
  if ('address' in source) return { ...source, target: to === undefined ? 'gone' : { key: normalKey(to), format } };
  return { ...source, to: to && (/[{}]/.test(to) ? to.toLowerCase() : normalKey(to)), format };
}

const FORMAT_NAMES = /(?:^|[^a-z])(atom|json)(?:\.xml)?$/;

/** The format that an address names: `/feed/atom`, `/atom.xml`, `/index.json`, `?type=atom`; otherwise RSS. */
export function formatOf(source: From): Format {
  const texts =
    'address' in source
      ? [source.address.segments.at(-1) ?? '', ...source.address.query.values()]
      : [source.pattern.segments.at(-1), ...source.pattern.query.values()].map(endOf);
  const named = texts.map((text) => FORMAT_NAMES.exec(text)?.[1]);
  return FORMATS.find((format) => named.includes(format)) ?? 'rss';
}

function endOf(segment: Segment | undefined): string {
  if (segment === undefined) return '';
  return 'text' in segment ? segment.text : segment.after;
}
