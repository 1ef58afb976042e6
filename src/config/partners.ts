import { z } from 'zod';
import { excerpt, type Problem } from '../errors.ts';
import { CONTENT_TYPES, type ContentType, DIALECTS, type DialectName } from '../feed/dialects.ts';
import type { Content, FeedKey, Selection } from '../feed/feeds.ts';
import type { PodcastSettings } from '../feed/podcasts.ts';
import { integerBetween, languageTag, list, object, oneOf, singleLine } from '../lib/fields.ts';
import { didYouMean } from '../lib/nearest-word.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { readPlainYaml } from '../lib/plain-yaml.ts';
import { fieldPath, problemsOf } from '../lib/problems.ts';
import { readYaml } from '../lib/yaml.ts';
import { ANY_BASE } from './assets.ts';
import { normalKey } from './feed-keys.ts';
import { PARTNER_SYNONYMS } from './partner-synonyms.ts';
import { podcast, podcastOf } from './podcasts.ts';
import { nearestKey, type RetiredFeed, unknownFeedRule } from './retired-feeds.ts';
import { selectionFields } from './selections.ts';

/** A licensed consumer, from `partners/{id}.yaml` of the data folder. */
export interface Partner {
  /** The name of the file without `.yaml`: a part of the partner's addresses. */
  readonly id: string;
  readonly name: string;
  readonly dialect: DialectName;
  readonly contentType: ContentType;
  /** Feeds of the publication that the partner may fetch. Empty where the partner has a selection of its own. */
  readonly feeds: readonly FeedKey[];
  /** The partner's own selection: its feed has the key `partnerFeedKey(id)` in the store, and `SELECTION` in addresses. */
  readonly select?: Selection;
  /** The least urgent story that the partner gets: from 1, a flash, to 9. A story without an urgency counts as 5. */
  readonly urgency?: number;
  /** The language of the partner's feeds, as with a region; by default that of each feed. */
  readonly language?: string;
  /** By default that of the dialect. */
  readonly content?: Content;
  readonly window: PartnerWindow;
  /** Milliseconds after its publication at which a story appears for the partner. */
  readonly delay: number;
  /** Replaces the copyright of every story. `{copyright}` stands for that of the story. */
  readonly copyright?: string;
  /** The terms of the contract, for people and machines: an address or a sentence. */
  readonly terms?: string;
  /** What a podcast says of itself. */
  readonly podcast?: PodcastSettings;
  readonly mediaRights: MediaRights;
  /** Added to the query of every link to a story, such as `utm_source: msn`. */
  readonly campaign: Readonly<Record<string, string>>;
  /** Requests a minute and key; by default the service's own limit alone. */
  readonly rate?: number;
  /** Milliseconds for which the partner's feeds list a withdrawal, an expiry or an end of rights. */
  readonly retention: number;
}

/** Which stories of its feeds a partner's document has. */
export interface PartnerWindow {
  /** The most stories; by default that of the dialect. */
  readonly entries?: number;
  /** The newest stories that are left out. */
  readonly offset: number;
  /** Milliseconds since its publication (with the delay) for which a story is in the document. */
  readonly age?: number;
}

/** Which pictures may be passed on. */
export interface MediaRights {
  /** Pictures whose credit contains one of these texts are left out; letters of both cases are equal. */
  readonly withoutCredits: readonly string[];
  /** Only pictures with `syndicate: true` are passed on. Otherwise only those with `syndicate: false` are left out. */
  readonly onlySyndicated: boolean;
}

const MINUTE = 60_000;
const UNITS = { minutes: MINUTE, hours: 60 * MINUTE, days: 24 * 60 * MINUTE } as const;
const MOST_DAYS = 3650;

/** A length of time in one of three units. */
const lengthFields = {
  minutes: integerBetween(0, MOST_DAYS * 24 * 60).optional(),
  hours: integerBetween(0, MOST_DAYS * 24).optional(),
  days: integerBetween(0, MOST_DAYS).optional(),
};

type Length = { readonly [Unit in keyof typeof UNITS]?: number | undefined };

function unitsOf(length: Length) {
  return (['minutes', 'hours', 'days'] as const).filter((unit) => length[unit] !== undefined);
}

/** In milliseconds; undefined where no unit is named. */
function millisecondsOf(length: Length): number | undefined {
  const [unit] = unitsOf(length);
  return unit === undefined ? undefined : (length[unit] ?? 0) * UNITS[unit];
}

const ONE_UNIT = 'has several units of time: keep one of minutes, hours and days';
const isOneUnit = (length: Length) => unitsOf(length).length <= 1;

const length = (example: string) => {
  const rule = `must be a time in minutes, hours or days, as ${example}`;
  return object(lengthFields, rule)
    .refine(isOneUnit, { error: ONE_UNIT })
    .refine((value) => unitsOf(value).length > 0, { error: rule, when: ({ issues }) => issues.length === 0 })
    .meta({ minProperties: 1, maxProperties: 1 });
};

const partnerWindow = object({
  entries: integerBetween(1, 1000).optional(),
  offset: integerBetween(0, 1000).default(0),
  ...lengthFields,
})
  .refine(isOneUnit, { error: ONE_UNIT })
  .prefault({});

const FEED_RULE =
  'must be the key of a feed: latest, the id of a feed of your own, section/…, tag/…, author/… or language/…';

const CAMPAIGN_RULE = 'must be names with values, as { utm_source: msn }';
const PARAMETER_RULE =
  'must have a name that begins with a letter, and goes on with at most 99 letters, digits and signs of . _ - ~';

const campaign = z
  .record(z.string(), singleLine(200), { error: CAMPAIGN_RULE })
  .superRefine((parameters, context) => {
    const names = Object.keys(parameters);
    if (names.length > 20) context.addIssue({ code: 'custom', message: 'must not have more than 20 parameters' });
    for (const name of names) {
      if (!/^[A-Za-z][\w.~-]{0,99}$/.test(name))
        context.addIssue({ code: 'custom', path: [name], message: PARAMETER_RULE });
    }
  })
  .meta({ propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9._~-]{0,99}$' }, maxProperties: 20 })
  .default({});

/** The schema of docs/partners.md, without the rules that concern several fields. */
export const partnerSchema = object({
  name: singleLine(200),
  dialect: oneOf(DIALECTS),
  feeds: list(z.string({ error: FEED_RULE }), 1000).optional(),
  select: object({ ...selectionFields, urgency: integerBetween(1, 9).optional() }).optional(),
  contentType: oneOf(CONTENT_TYPES).default('article'),
  language: languageTag.optional(),
  content: oneOf(['full', 'summary']).optional(),
  window: partnerWindow,
  delay: length('{ minutes: 30 }').optional(),
  copyright: singleLine(1000).optional(),
  terms: singleLine(1000).optional(),
  media: object({
    withoutCredits: list(singleLine(200), 1000).default([]),
    onlySyndicated: z.boolean({ error: 'must be true or false' }).default(false),
  }).prefault({}),
  campaign,
  podcast: podcast.optional(),
  rate: integerBetween(1, 100_000).optional(),
  retention: length('{ days: 30 }')
    .refine((value) => millisecondsOf(value) !== 0, {
      error: 'must be longer than nothing: for so long, the partner can learn that a story was withdrawn',
    })
    .optional(),
});

/** The fields that are numbers. In all others, YAML may take text for a number: `name: 2026`. */
const NUMBERS: ReadonlySet<string> = new Set('entries offset minutes hours days urgency rate'.split(' '));

/** Whether a field is text, even where YAML reads a number. */
export function isPartnerText(field: string): boolean {
  return !NUMBERS.has(field);
}

const RETENTION = 30 * UNITS.days;

/** What a publication says of its feeds. */
export interface KnownFeeds {
  readonly feedsUrl: string;
  readonly ids: ReadonlySet<string>;
  readonly retired: ReadonlyMap<FeedKey, RetiredFeed>;
}

export interface PartnerFile {
  /** The name of the file without `.yaml`. */
  readonly id: string;
  readonly text: string;
  /** Missing where publication.yaml is not valid: the feeds are then taken as they are. */
  readonly known?: KnownFeeds | undefined;
  /** Whether to look for the words that were meant, which takes time. */
  readonly isSearching?: boolean;
}

/** Parses a partner's file. The problems have lines and columns. */
export function parsePartner(file: PartnerFile): Partner | readonly Problem[] {
  return plainPartner(file) ?? carefullyParsed(file);
}

/** Most files are valid, and in the plain form: to know the places of their values would take ten times as long. */
function plainPartner(file: PartnerFile): Partner | undefined {
  const { success, data } = partnerSchema.safeParse(readPlainYaml(file.text, isPartnerText));
  return success && feedProblems(data, { ...file, isSearching: false }).length === 0
    ? partnerOf(file, data)
    : undefined;
}

function carefullyParsed(file: PartnerFile): Partner | readonly Problem[] {
  const yaml = readYaml(file.text, { isText: isPartnerText });
  if (yaml.problems.length > 0) return yaml.problems;
  const located = (problem: Problem): Problem => ({ ...problem, ...yaml.locate(fieldPath(problem.field)) });
  const result = partnerSchema.safeParse(yaml.value ?? {});
  if (!result.success) return problemsOf(result.error, yaml.value, PARTNER_SYNONYMS).map(located);
  const problems = feedProblems(result.data, file);
  return problems.length > 0 ? problems.map(located) : partnerOf(file, result.data);
}

type ParsedPartner = z.output<typeof partnerSchema>;

function partnerOf({ id, known }: PartnerFile, parsed: ParsedPartner): Partner {
  const { name, dialect, contentType, language, content, copyright, terms, media, campaign, rate } = parsed;
  const { urgency, ...select } = parsed.select ?? { urgency: undefined };
  const { entries, offset } = parsed.window;
  return omitUndefined({
    id,
    name,
    dialect,
    contentType,
    feeds: [...new Set((parsed.feeds ?? []).map(normalKey))],
    select: 'any' in select ? select : undefined,
    urgency,
    language,
    content,
    window: omitUndefined({ entries, offset, age: millisecondsOf(parsed.window) }),
    delay: millisecondsOf(parsed.delay ?? {}) ?? 0,
    copyright,
    terms,
    podcast: parsed.podcast && podcastOf(parsed.podcast, known?.feedsUrl ?? ANY_BASE),
    mediaRights: media,
    campaign,
    rate,
    retention: millisecondsOf(parsed.retention ?? {}) ?? RETENTION,
  });
}

function feedProblems({ feeds, select }: ParsedPartner, { known, isSearching = true }: PartnerFile): Problem[] {
  if (feeds !== undefined && select !== undefined)
    return [{ field: 'select', rule: 'must not stand beside feeds: keep feeds, or a selection of the partner’s own' }];
  if (select !== undefined) return [];
  if (feeds === undefined || feeds.length === 0)
    return [
      { field: 'feeds', rule: 'is required: name feeds, as [latest], or write select for a selection of its own' },
    ];
  if (known === undefined) return [];
  return feeds.flatMap((feed, index) => {
    const rule = brokenFeedRule(normalKey(feed), known, isSearching);
    return rule === undefined ? [] : [{ field: `feeds[${index}]`, value: excerpt(feed), rule }];
  });
}

function brokenFeedRule(key: FeedKey, { ids, retired }: KnownFeeds, isSearching: boolean): string | undefined {
  const gone = retired.get(key);
  if (gone !== undefined) return `is retired: name another feed${didYouMean(gone.movedTo)}`;
  return unknownFeedRule(key, ids, isSearching ? nearestKey : () => undefined);
}
