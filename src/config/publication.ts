import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Problem, PublisherError } from '../errors.ts';
import type { CustomFeed } from '../feed/feeds.ts';
import {
  integerBetween,
  languageTag,
  list,
  object,
  oneOf,
  singleLine,
  singleLineOrEmpty,
  webAddress,
} from '../lib/fields.ts';
import { didYouMean } from '../lib/nearest-word.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { fieldPath, problemsOf } from '../lib/problems.ts';
import { systemReason } from '../lib/system-reason.ts';
import { webUrl } from '../lib/url.ts';
import { readYaml } from '../lib/yaml.ts';
import { brokenKeyRule, FEED_KEY_RULE, meantKey, normalKey } from './feed-keys.ts';
import { type PageSettings, pages, timeZone } from './pages.ts';
import { PUBLICATION_SYNONYMS } from './publication-synonyms.ts';
import { type RetiredFeed, retiredFeedProblems } from './retired-feeds.ts';

/** The newsroom's own data and the operator's decisions, from `publication.yaml`. */
export interface Publication {
  readonly title: string;
  readonly url: string;
  /** The public address of this service, ending in a slash. */
  readonly feedsUrl: string;
  /**
   * The address of publication.yaml, whose host is a reserved name, where `feedsUrl` is an address of this machine instead.
   * Articles are stored with it, so that they are the same at every local address.
   */
  readonly reservedUrl?: string;
  readonly description: string;
  readonly language: string;
  readonly copyright?: string;
  readonly license?: string;
  readonly icon?: string;
  readonly logo?: string;
  readonly favicon?: string;
  /** Six hexadecimal digits, without `#`. */
  readonly accentColor?: string;
  /** The zone of dates and days on pages, by its name in the IANA database. */
  readonly timeZone: string;
  readonly contact?: { readonly name: string; readonly email?: string };
  /** Seconds between the moments at which copies of a feed expire: wall-clock multiples of this number. */
  readonly maxAge: number;
  /** Which files of the media folder are served: those that visible articles and the publication name, or all. */
  readonly media: 'named' | 'public';
  /** Entries in a feed that has no number of its own. */
  readonly entries: number;
  /** Days for which feeds list a withdrawal. */
  readonly tombstoneDays: number;
  /** Days for which the history of articles is kept. */
  readonly auditDays: number;
  readonly feeds: readonly CustomFeed[];
  readonly retired: readonly RetiredFeed[];
  /** The pages for people; missing where there are none. */
  readonly pages?: PageSettings;
  /** Origins whose web pages may use the API, as browsers send them. */
  readonly origins: readonly string[];
}

const ORIGIN_RULE =
  'must be an origin, as https://cms.example.com: http or https, a host, and a port where it has one. Name each origin: there are no wildcards';

const ownKey = z.string({ error: FEED_KEY_RULE }).transform((value, context) => {
  const key = normalKey(value);
  const message = brokenKeyRule(key);
  if (message !== undefined) context.addIssue({ code: 'custom', message: message + didYouMean(meantKey(key)) });
  return key;
});

const selection = object({
  any: list(ownKey, 200).default([]),
  all: list(ownKey, 200).default([]),
  none: list(ownKey, 200).default([]),
}).default({ any: [], all: [], none: [] });

const feedId = z
  .string({ error: (issue) => (issue.input === undefined ? 'is required' : 'must be text') })
  .regex(
    /^[\p{Ll}\p{Lo}\p{M}\p{N}]+(-[\p{Ll}\p{Lo}\p{M}\p{N}]+)*$/u,
    'must be lower-case words joined by hyphens, because it is part of addresses',
  )
  .refine((id) => id !== 'latest', { error: 'is taken: latest holds every article' });

const customFeed = object({
  // A whole number is an id as well: YAML does not know that 2026 is a word here.
  id: z.preprocess((value) => (Number.isSafeInteger(value) ? String(value) : value), feedId),
  title: singleLine(200),
  description: singleLine(1000).optional(),
  language: languageTag.optional(),
  entries: integerBetween(1, 1000).optional(),
  content: oneOf(['full', 'summary']).optional(),
  select: selection,
});

/** An origin in the form in which browsers send it (RFC 6454 §6.2): it is compared exactly. */
const origin = z.string({ error: ORIGIN_RULE }).superRefine((value, context) => {
  const url = /^https?:/i.test(value) ? URL.parse(value) : null;
  const hasWildcard = value.includes('*');
  if (url?.origin === value && !hasWildcard) return;
  const advice = url === null || hasWildcard ? ORIGIN_RULE : `must be written as browsers send it: ${url.origin}`;
  context.addIssue({ code: 'custom', message: advice });
});

/** Any base shows whether the address is valid. The actual base is known once the whole file is parsed. */
const asset = z
  .string({ error: 'must be an address' })
  .refine((address) => assetUrl(address, 'https://service.invalid/') !== undefined, {
    error: 'must be an http or https address',
  });

/** The fields in which YAML may take text for a number: `title: 2026` and `accentColor: 123456`. */
const TEXT_FIELDS = new Set('title description copyright name accentColor feed movedTo any all none'.split(' '));

const schema = object({
  title: singleLine(200),
  url: webAddress(),
  feedsUrl: webAddress().optional(),
  description: singleLine(1000),
  language: languageTag,
  copyright: singleLineOrEmpty(1000).optional(),
  license: webAddress().optional(),
  icon: asset.optional(),
  logo: asset.optional(),
  favicon: asset.optional(),
  accentColor: z
    .string({ error: 'must be a colour, as "#1a5f7a"' })
    .regex(/^#?[0-9a-f]{6}$/i, 'must be a colour, as "#1a5f7a"')
    .transform((colour) => colour.replace('#', '').toLowerCase())
    .optional(),
  timeZone: timeZone.default('UTC'),
  contact: object({
    name: singleLine(200),
    email: z.email({ error: 'must be an e-mail address' }).optional(),
  }).optional(),
  maxAge: integerBetween(0, 86_400).default(60),
  media: oneOf(['named', 'public']).default('named'),
  entries: integerBetween(1, 1000).default(50),
  tombstoneDays: integerBetween(0, 3650).default(30),
  auditDays: integerBetween(1, 36_500).default(400),
  feeds: list(customFeed, 100_000).default([]),
  retired: list(object({ feed: singleLine(500), movedTo: singleLine(500).optional() }), 10_000).default([]),
  pages,
  origins: list(origin, 100).default([]),
});

/**
 * Loads `publication.yaml` from a data folder.
 *
 * @param feedsUrl the service's public address, which replaces that of the file
 * @throws PublisherError `invalid_publication` with every problem, each with line and column
 */
export function loadPublication(dataFolder: string, feedsUrl?: string): Publication {
  const file = join(dataFolder, 'publication.yaml');
  return parsePublication(readPublicationFile(file), file, feedsUrl);
}

function readPublicationFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PublisherError('invalid_publication', `The publication cannot be read from ${file}.`, {
      hint: hintFor(cause),
      cause,
    });
  }
}

function hintFor(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return 'Create a publication.yaml with title, url, description and language in the data folder.';
  return `The reason: ${systemReason(cause)}. Check the file and its permissions.`;
}

/**
 * Parses the text of a `publication.yaml`.
 *
 * @param file the file's name for error messages
 * @param feedsUrl the service's public address, which replaces that of the file
 * @throws PublisherError `invalid_publication` with every problem, each with line and column
 */
export function parsePublication(text: string, file: string, feedsUrl?: string): Publication {
  const yaml = readYaml(text, { isText: (field) => TEXT_FIELDS.has(field) });
  const invalid = (problems: PublisherError['problems']) =>
    new PublisherError('invalid_publication', 'The publication is not valid.', { problems, file });
  if (yaml.problems.length > 0) throw invalid(yaml.problems);
  const result = schema.safeParse(yaml.value ?? {});
  if (!result.success) {
    throw invalid(
      problemsOf(result.error, yaml.value, PUBLICATION_SYNONYMS).map((problem) => ({
        ...problem,
        ...yaml.locate(fieldPath(problem.field)),
      })),
    );
  }
  const parsed = result.data;
  const ids = parsed.feeds.map(({ id }) => id);
  const retired = parsed.retired.map(withNormalKeys);
  const problems = [...duplicateIds(ids), ...retiredFeedProblems(retired, ids)];
  if (problems.length > 0)
    throw invalid(problems.map((problem) => ({ ...problem, ...yaml.locate(fieldPath(problem.field)) })));
  const base = withSlash(feedsUrl ?? parsed.feedsUrl ?? new URL('/', parsed.url).href);
  const asset = (address: string | undefined) => (address === undefined ? undefined : assetUrl(address, base));
  return omitUndefined({
    ...parsed,
    feedsUrl: base,
    icon: asset(parsed.icon),
    logo: asset(parsed.logo),
    favicon: asset(parsed.favicon),
    copyright: parsed.copyright || undefined,
    contact: parsed.contact && omitUndefined(parsed.contact),
    feeds: parsed.feeds.map(omitUndefined),
    retired,
  });
}

function withNormalKeys({ feed, movedTo }: { feed: string; movedTo?: string | undefined }): RetiredFeed {
  return omitUndefined({ feed: normalKey(feed), movedTo: movedTo === undefined ? undefined : normalKey(movedTo) });
}

function duplicateIds(ids: readonly string[]): Problem[] {
  const seen = new Set<string>();
  return ids.flatMap((id, index) => {
    const isDuplicate = seen.has(id);
    seen.add(id);
    return isDuplicate ? [{ field: `feeds[${index}].id`, value: id, rule: 'is the id of another feed' }] : [];
  });
}

/** Resolves `/media/…` below the service's address, which may have a path. */
function assetUrl(address: string, base: string): string | undefined {
  return webUrl(/^\/[^/]/.test(address) ? address.slice(1) : address, base);
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
