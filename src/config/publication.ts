import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Problem, PublisherError } from '../errors.ts';
import type { CustomFeed } from '../feed/feeds.ts';
import {
  email,
  integerBetween,
  languageTag,
  list,
  object,
  oneOf,
  singleLine,
  singleLineOrEmpty,
  webAddress,
} from '../lib/fields.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { fieldPath, problemsOf } from '../lib/problems.ts';
import { systemReason } from '../lib/system-reason.ts';
import { hasCredentials, isBaseAddress } from '../lib/url.ts';
import { readYaml } from '../lib/yaml.ts';
import type { Terms } from '../terms/terms.ts';
import { asset, assetUrl } from './assets.ts';
import { normalKey } from './feed-keys.ts';
import { type PageSettings, pages, timeZone } from './pages.ts';
import { loadPartners } from './partner-files.ts';
import type { Partner } from './partners.ts';
import { PUBLICATION_SYNONYMS } from './publication-synonyms.ts';
import type { System } from './redirects/known-systems.ts';
import type { Redirect } from './redirects/redirect-table.ts';
import { builtInRedirects, checkedRedirects, redirects } from './redirects/redirects.ts';
import { type RetiredFeed, retiredFeedProblems } from './retired-feeds.ts';
import { feedId, selection } from './selections.ts';
import { terms, termsOf, termsProblems } from './terms.ts';

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
  /** What machines may do; missing where nothing is said. */
  readonly terms?: Terms;
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
  /** Days for which deliveries to partners are recorded. */
  readonly deliveryDays: number;
  readonly feeds: readonly CustomFeed[];
  readonly retired: readonly RetiredFeed[];
  /** Where addresses of earlier systems lead. */
  readonly redirects: readonly Redirect[];
  /** The earlier systems whose addresses the service knows by itself. */
  readonly builtInRedirects: readonly System[];
  /** The pages for people; missing where there are none. */
  readonly pages?: PageSettings;
  /** Origins whose web pages may use the API, as browsers send them. */
  readonly origins: readonly string[];
  /** Partners, in the order of their ids. Missing where the data folder has none. */
  readonly partners?: readonly Partner[];
}

const ORIGIN_RULE =
  'must be an origin, as https://cms.example.com: http or https, a host, and a port where it has one. Name each origin: there are no wildcards';

const customFeed = object({
  // A whole number is an id as well: YAML does not know that 2026 is a word here.
  id: z
    .preprocess((value) => (Number.isSafeInteger(value) ? String(value) : value), feedId)
    .meta({ orElse: [{ type: 'integer' }] }),
  title: singleLine(200),
  description: singleLine(1000).optional(),
  language: languageTag.optional(),
  entries: integerBetween(1, 1000).optional(),
  content: oneOf(['full', 'summary']).optional(),
  select: selection,
});

/** An origin in the form in which browsers send it (RFC 6454 §6.2): it is compared exactly. */
const origin = z
  .string({ error: ORIGIN_RULE })
  .superRefine((value, context) => {
    const url = /^https?:/i.test(value) ? URL.parse(value) : null;
    const hasWildcard = value.includes('*');
    if (url?.origin === value && !hasWildcard) return;
    const advice = url === null || hasWildcard ? ORIGIN_RULE : `must be written as browsers send it: ${url.origin}`;
    context.addIssue({ code: 'custom', message: advice });
  })
  .meta({ pattern: '^https?://[^/?#*\\s]+$', patternErrorMessage: ORIGIN_RULE });

/** The fields in which YAML may take text for a number: `title: 2026` and `accentColor: 123456`. */
export const TEXT_FIELDS: ReadonlySet<string> = new Set(
  'title description copyright name accentColor feed movedTo from to any all none amount'.split(' '),
);

const COLOUR_RULE = 'must be a colour, as "#1a5f7a"';

/** The schema of docs/configure.md, without the rules that concern several fields. */
export const publicationSchema = object({
  title: singleLine(200),
  url: webAddress(),
  feedsUrl: webAddress().optional(),
  description: singleLine(1000),
  language: languageTag,
  copyright: singleLineOrEmpty(1000).optional(),
  license: webAddress().optional(),
  terms: terms.optional(),
  icon: asset.optional(),
  logo: asset.optional(),
  favicon: asset.optional(),
  accentColor: z
    .string({ error: COLOUR_RULE })
    .regex(/^#?[0-9A-Fa-f]{6}$/, COLOUR_RULE)
    .transform((colour) => colour.replace('#', '').toLowerCase())
    .meta({ patternErrorMessage: COLOUR_RULE })
    .optional(),
  timeZone: timeZone.default('UTC'),
  contact: object({
    name: singleLine(200),
    email: email.optional(),
  }).optional(),
  maxAge: integerBetween(0, 86_400).default(60),
  media: oneOf(['named', 'public']).default('named'),
  entries: integerBetween(1, 1000).default(50),
  tombstoneDays: integerBetween(0, 3650).default(30),
  auditDays: integerBetween(1, 36_500).default(400),
  deliveryDays: integerBetween(1, 36_500).default(400),
  feeds: list(customFeed, 100_000).default([]),
  retired: list(object({ feed: singleLine(500), movedTo: singleLine(500).optional() }), 10_000).default([]),
  redirects,
  builtInRedirects,
  pages,
  origins: list(origin, 100).default([]),
});

/** Its name in the data folder. */
export const PUBLICATION_FILE = 'publication.yaml';

/** The rule that a value breaks; undefined for a value that the field can have. */
export function brokenRule(field: 'title' | 'url' | 'language', value: string): string | undefined {
  return publicationSchema.shape[field].safeParse(value).error?.issues[0]?.message;
}

/**
 * Loads `publication.yaml` and the partners from a data folder.
 *
 * @param feedsUrl the service's public address, which replaces that of the file
 * @throws PublisherError `invalid_publication` with every problem of all files, each with line and column
 */
export function loadPublication(dataFolder: string, feedsUrl?: string): Publication {
  let publication: Publication;
  try {
    publication = loadWithoutPartners(dataFolder, feedsUrl);
  } catch (error) {
    throw error instanceof PublisherError ? withProblemsOfPartners(error, dataFolder) : error;
  }
  return withPartners(publication, dataFolder);
}

/**
 * Loads `publication.yaml` alone, for what has nothing to do with partners: a key is revoked, and an article erased, while the file of
 * a partner has a mistake.
 *
 * @throws PublisherError `invalid_publication` with every problem, each with line and column
 */
export function loadWithoutPartners(dataFolder: string, feedsUrl?: string): Publication {
  const file = join(dataFolder, PUBLICATION_FILE);
  return parsePublication(readPublicationFile(file), file, feedsUrl);
}

/**
 * The publication with the partners of a data folder.
 *
 * @throws PublisherError `invalid_publication` with every problem of the partners' files
 */
export function withPartners(publication: Publication, dataFolder: string): Publication {
  const { feeds, feedsUrl, retired } = publication;
  const { partners, problems } = loadPartners(dataFolder, {
    feedsUrl,
    ids: new Set(feeds.map(({ id }) => id)),
    retired: new Map(retired.map((one) => [one.feed, one])),
  });
  if (problems.length > 0)
    throw new PublisherError('invalid_publication', 'The partners of the publication are not valid.', { problems });
  return partners.length === 0 ? publication : { ...publication, partners };
}

function withProblemsOfPartners(error: PublisherError, dataFolder: string): PublisherError {
  const { problems } = loadPartners(dataFolder);
  if (problems.length === 0 || error.problems.length === 0) return error;
  const { code, message, file, hint, cause } = error;
  return new PublisherError(code, message, { problems: [...error.problems, ...problems], file, hint, cause });
}

function readPublicationFile(file: string): string {
  try {
    const status = statSync(file);
    // To open a pipe waits for a program that writes into it, and a device may have no end.
    if (!status.isFile() && !status.isDirectory()) throw new Error('it is not a file');
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
  const result = publicationSchema.safeParse(yaml.value ?? {});
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
  const checked = checkedRedirects(parsed.redirects, ids);
  const license = parsed.license ?? parsed.terms?.license?.url;
  const problems = [
    ...baseProblems(parsed),
    ...duplicateIds(ids),
    ...retiredFeedProblems(retired, ids),
    ...checked.problems,
    ...termsProblems(omitUndefined(parsed)),
  ];
  if (problems.length > 0)
    throw invalid(problems.map((problem) => ({ ...problem, ...yaml.locate(fieldPath(problem.field)) })));
  const base = withSlash(feedsUrl ?? parsed.feedsUrl ?? new URL('/', parsed.url).href);
  const assetOf = (address: string | undefined) => (address === undefined ? undefined : assetUrl(address, base));
  return omitUndefined({
    ...parsed,
    feedsUrl: base,
    icon: assetOf(parsed.icon),
    logo: assetOf(parsed.logo),
    favicon: assetOf(parsed.favicon),
    copyright: parsed.copyright || undefined,
    license,
    terms: parsed.terms && termsOf(parsed.terms, license),
    contact: parsed.contact && omitUndefined(parsed.contact),
    feeds: parsed.feeds.map(omitUndefined),
    retired,
    redirects: checked.redirects,
  });
}

function withNormalKeys({ feed, movedTo }: { feed: string; movedTo?: string | undefined }): RetiredFeed {
  return omitUndefined({ feed: normalKey(feed), movedTo: movedTo === undefined ? undefined : normalKey(movedTo) });
}

/** Values are left out: they may have a password. */
function baseProblems({ url, feedsUrl }: { readonly url: string; readonly feedsUrl?: string | undefined }): Problem[] {
  const shown = { field: 'url', rule: 'must have no user name and password: every feed shows it' };
  const rule = 'must have no user name, password, query or fragment: every address of the service begins with it';
  return [
    ...(hasCredentials(url) ? [shown] : []),
    ...(feedsUrl === undefined || isBaseAddress(feedsUrl) ? [] : [{ field: 'feedsUrl', rule }]),
  ];
}

function duplicateIds(ids: readonly string[]): Problem[] {
  const seen = new Set<string>();
  return ids.flatMap((id, index) => {
    const isDuplicate = seen.has(id);
    seen.add(id);
    return isDuplicate ? [{ field: `feeds[${index}].id`, value: id, rule: 'is the id of another feed' }] : [];
  });
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
