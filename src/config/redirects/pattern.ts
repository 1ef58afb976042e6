import { didYouMean, nearestWord } from '../../lib/nearest-word.ts';
import { type OldAddress, oldAddress, pathAndQueryOf } from './old-address.ts';

/** A part of a path: text, or a parameter with text around it. */
export type Segment =
  | { readonly text: string }
  | {
      readonly parameter: string;
      readonly before: string;
      readonly after: string;
      /** Whether it stands for one or more parts of the path. The last part counts. */
      readonly isMany: boolean;
    };

/** A pattern of addresses: `/rubrik/{slug}/feed`. */
export interface Pattern {
  readonly segments: readonly Segment[];
  /** The parameters that the query must have, with their values. */
  readonly query: ReadonlyMap<string, Segment>;
}

/** What a redirect leads away from. */
export type From = { readonly address: OldAddress } | { readonly pattern: Pattern };

export const ADDRESS_RULE = 'must be a path that begins with a slash, as /feed/, or a whole address';

/** `{slug}`, `{slug+}`, and text around: in `rss-{slug}.xml`. */
const PARAMETER = /^([^{}]*)\{([a-z][a-z0-9_]*)(\+?)\}([^{}]*)$/;
const MAX_PARAMETERS = 8;

/** First parts of paths that the service answers itself. Below /feeds/, a feed of the service wins over a redirect. */
const OWN = new Set([
  ...['api', 'media', 'pages', 'schema', 'healthz', 'readyz'],
  ...['feeds.opml', 'sitemap.xml', 'news-sitemap.xml', 'robots.txt', 'favicon.ico'],
]);

/** @returns an address, or a pattern where the text has braces, or the rule that the text breaks */
export function parseFrom(text: string): From | string {
  const given = pathAndQueryOf(text.trim());
  if (given === undefined) return ADDRESS_RULE;
  // The form for comparisons leaves braces as they are.
  const address = oldAddress(given);
  if (address === undefined) return 'must have at most 2000 characters and 30 parts, percent-encoded as UTF-8';
  if (address.segments.length === 0 && address.query.size === 0)
    return 'is the page of all feeds: name a path, or a query such as /?feed=rss2';
  const [first = ''] = address.segments;
  if (OWN.has(first)) return `begins with /${first}, where the service answers itself: it cannot lead elsewhere`;
  if (!/[{}]/.test(text)) return { address };
  const pattern = patternOf(address);
  return typeof pattern === 'string' ? pattern : { pattern };
}

function patternOf({ segments: parts, query: values }: OldAddress): Pattern | string {
  const segments = parts.map(segmentOf).filter((segment) => segment !== undefined);
  const query = new Map<string, Segment>();
  for (const [name, value] of values) {
    const segment = segmentOf(value);
    if (segment !== undefined) query.set(name, segment);
  }
  if (segments.length < parts.length || query.size < values.size)
    return 'has a brace without a parameter: write {slug}, or {slug+} for several parts of a path, and one parameter a part at most';
  const all = [...segments, ...query.values()];
  const parameters = all.filter((segment) => 'parameter' in segment);
  const names = new Set(parameters.map(({ parameter }) => parameter));
  if (names.size < parameters.length) return 'has two parameters of one name: give each a name of its own';
  if (names.size > MAX_PARAMETERS) return `must not have more than ${MAX_PARAMETERS} parameters`;
  if (parameters.filter(({ isMany }) => isMany).length > 1) return 'must not have more than one parameter with a plus';
  if ([...query.values()].some((value) => 'parameter' in value && value.before + value.after !== ''))
    return 'must have a parameter alone as a value in the query, as ?rubrik={slug}';
  if (query.size === 0 && !all.some((segment) => 'text' in segment || segment.before + segment.after !== ''))
    return 'must have a part besides its parameters: it would match every address';
  return { segments, query };
}

function segmentOf(text: string): Segment | undefined {
  if (!/[{}]/.test(text)) return { text };
  const [, before = '', parameter, plus, after = ''] = PARAMETER.exec(text) ?? [];
  if (parameter === undefined) return undefined;
  const isMany = plus === '+';
  return isMany && before + after !== '' ? undefined : { parameter, before, after, isMany };
}

/** The names of a pattern's parameters. */
export function parametersOf({ segments, query }: Pattern): readonly string[] {
  return [...segments, ...query.values()].flatMap((segment) => ('parameter' in segment ? [segment.parameter] : []));
}

/** Words in braces in the feed to which a pattern leads. */
const NAMED = /\{([^{}]*)\}/g;

/** The rule that a feed with parameters breaks, if the pattern has no such parameter. */
export function brokenTemplateRule(to: string, parameters: readonly string[]): string | undefined {
  const unknown = [...to.matchAll(NAMED)].map(([, name = '']) => name).find((name) => !parameters.includes(name));
  if (unknown === undefined) return /[{}]/.test(to.replace(NAMED, '')) ? 'has a brace too many' : undefined;
  if (parameters.length === 0) return `has {${unknown}}, but from has no parameter`;
  return `has {${unknown}}, which from does not have${didYouMean(nearestWord(unknown, parameters))}`;
}

/** Puts values in the place of a template's parameters. */
export function filledIn(to: string, values: ReadonlyMap<string, string>): string {
  return to.replace(NAMED, (whole, name: string) => values.get(name) ?? whole);
}
