import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Problem, PublisherError } from '../errors.ts';
import type { CustomFeed } from '../feed/feeds.ts';
import {
  isLanguageTag,
  languageTag,
  line,
  list,
  object,
  oneOf,
  optionalLine,
  webAddress,
  wholeNumber,
} from '../lib/fields.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { fieldPath, problemsOf } from '../lib/problems.ts';
import { systemReason } from '../lib/system-reason.ts';
import { slugOf } from '../lib/text.ts';
import { webUrl } from '../lib/url.ts';
import { readYaml } from '../lib/yaml.ts';

/** The masthead and all that the operator decides, from `publication.yaml`. */
export interface Publication {
  readonly title: string;
  readonly url: string;
  /** The public address of this service, ending in a slash. */
  readonly feedsUrl: string;
  readonly description: string;
  readonly language: string;
  readonly copyright?: string;
  readonly license?: string;
  readonly icon?: string;
  readonly logo?: string;
  readonly favicon?: string;
  /** Six hexadecimal digits, without `#`. */
  readonly accentColor?: string;
  readonly contact?: { readonly name: string; readonly email?: string };
  /** Seconds a feed may be kept without asking again. */
  readonly maxAge: number;
  /** Entries in a feed that names no number of its own. */
  readonly entries: number;
  /** Days for which a withdrawal is told of. */
  readonly tombstoneDays: number;
  readonly feeds: readonly CustomFeed[];
  readonly retired: readonly RetiredFeed[];
}

/** A feed that is no more: readers are sent to another, or told to stop. */
export interface RetiredFeed {
  readonly feed: string;
  readonly movedTo?: string;
}

const FEED_KEY_RULE = 'must be latest, section/…, tag/…, author/… or language/…';

const ownKey = z
  .string({ error: FEED_KEY_RULE })
  .transform((value) => normalKey(value))
  .refine((value) => /^(latest|(section|tag|author|language)\/[^/]+)$/.test(value), {
    error: FEED_KEY_RULE,
    abort: true,
  })
  .refine((value) => !value.startsWith('language/') || isLanguageTag(value.slice('language/'.length)), {
    error: 'must name a language by its tag, as language/ckb (BCP 47)',
  });

/** `Section/Middle East` → `section/middle-east`: what is before the slash is ours, what is behind it a name. */
function normalKey(value: string): string {
  const slash = value.indexOf('/');
  if (slash < 0) return value.trim().toLowerCase();
  return `${value.slice(0, slash).trim().toLowerCase()}/${slugOf(value.slice(slash + 1))}`;
}

const selection = object({
  any: list(ownKey, 200).default([]),
  all: list(ownKey, 200).default([]),
  none: list(ownKey, 200).default([]),
}).default({ any: [], all: [], none: [] });

const customFeed = object({
  id: z
    .string({ error: 'is required' })
    .regex(
      /^[\p{Ll}\p{Lo}\p{M}\p{N}]+(-[\p{Ll}\p{Lo}\p{M}\p{N}]+)*$/u,
      'must be lower-case words joined by hyphens, as it stands in addresses',
    )
    .refine((id) => id !== 'latest', { error: 'is taken: latest holds every article' }),
  title: line(200),
  description: line(1000).optional(),
  language: languageTag.optional(),
  entries: wholeNumber(1, 1000).optional(),
  content: oneOf(['full', 'summary']).optional(),
  select: selection,
});

/** Any base shows whether it can be an address; the true one is known when all of the file is. */
const asset = z
  .string({ error: 'must be an address' })
  .refine((address) => assetUrl(address, 'https://service.invalid/') !== undefined, {
    error: 'must be an http or https address',
  });

const schema = object({
  title: line(200),
  url: webAddress(),
  feedsUrl: webAddress().optional(),
  description: line(1000),
  language: languageTag,
  copyright: optionalLine(1000).optional(),
  license: webAddress().optional(),
  icon: asset.optional(),
  logo: asset.optional(),
  favicon: asset.optional(),
  accentColor: z
    .string({ error: 'must be a colour, as "#1a5f7a"' })
    .regex(/^#?[0-9a-f]{6}$/i, 'must be a colour, as "#1a5f7a"')
    .transform((colour) => colour.replace('#', '').toLowerCase())
    .optional(),
  contact: object({ name: line(200), email: z.email({ error: 'must be an e-mail address' }).optional() }).optional(),
  maxAge: wholeNumber(0, 86_400).default(300),
  entries: wholeNumber(1, 1000).default(50),
  tombstoneDays: wholeNumber(0, 3650).default(30),
  feeds: list(customFeed, 100_000).default([]),
  retired: list(object({ feed: line(500), movedTo: line(500).optional() }), 10_000).default([]),
});

/**
 * Reads `publication.yaml` of a data folder.
 *
 * @param feedsUrl the service's public address where it is not the file's
 * @throws PublisherError `invalid_publication` with every problem, its line and column
 */
export function loadPublication(dataFolder: string, feedsUrl?: string): Publication {
  const file = join(dataFolder, 'publication.yaml');
  return parsePublication(readPublication(file), file, feedsUrl);
}

function readPublication(file: string): string {
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
    return 'A data folder needs a publication.yaml with title, url, description and language.';
  return `The reason: ${systemReason(cause)}. Check the file and its permissions.`;
}

export function parsePublication(text: string, file: string, feedsUrl?: string): Publication {
  const yaml = readYaml(text);
  const invalid = (problems: PublisherError['problems']) =>
    new PublisherError('invalid_publication', 'The publication is not valid.', { problems, file });
  if (yaml.problems.length > 0) throw invalid(yaml.problems);
  const result = schema.safeParse(yaml.value ?? {});
  if (!result.success) {
    throw invalid(
      problemsOf(result.error, yaml.value).map((problem) => ({ ...problem, ...yaml.locate(fieldPath(problem.field)) })),
    );
  }
  const parsed = result.data;
  const twice = idsTwice(parsed.feeds.map(({ id }) => id));
  if (twice.length > 0)
    throw invalid(twice.map((problem) => ({ ...problem, ...yaml.locate(fieldPath(problem.field)) })));
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
    retired: parsed.retired.map(({ feed, movedTo }) =>
      omitUndefined({ feed: normalKey(feed), movedTo: movedTo === undefined ? undefined : normalKey(movedTo) }),
    ),
  });
}

function idsTwice(ids: readonly string[]): Problem[] {
  const seen = new Set<string>();
  return ids.flatMap((id, index) => {
    const twice = seen.has(id);
    seen.add(id);
    return twice ? [{ field: `feeds[${index}].id`, value: id, rule: 'is the id of another feed' }] : [];
  });
}

/** `/media/…` is below the service's address, which may have a path of its own. */
function assetUrl(address: string, base: string): string | undefined {
  return webUrl(/^\/[^/]/.test(address) ? address.slice(1) : address, base);
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
