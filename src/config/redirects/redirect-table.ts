import type { FeedKey, Format } from '../../feed/feeds.ts';
import { normalKey } from '../feed-keys.ts';
import { meaningsOf, type System } from './known-systems.ts';
import type { OldAddress } from './old-address.ts';
import { filledIn, type Pattern, type Segment } from './pattern.ts';
import { QueryTable } from './query-table.ts';

/** Where an old address leads: to a feed, or nowhere any more. */
export type Target = { readonly key: FeedKey; readonly format: Format } | 'gone';

/** A redirect whose parts are checked: of one address, or of all that fit a pattern. */
export type Redirect =
  | { readonly address: OldAddress; readonly target: Target }
  | {
      readonly pattern: Pattern;
      /** A normal key, or a template with parameters; undefined for addresses that are gone. */
      readonly to: string | undefined;
      readonly format: Format;
    };

type PatternRedirect = Extract<Redirect, { pattern: Pattern }>;
type Refusal = ReturnType<QueryTable<unknown>['add']>;

/** The patterns that begin with the same parts, whatever the names of their parameters. */
interface Node {
  readonly texts: Map<string, Node>;
  /** Those with the most text come first. */
  readonly affixed: { readonly before: string; readonly after: string; readonly node: Node }[];
  /** Behind one or more parts. */
  many?: Node;
  plain?: PatternRedirect;
  queries?: QueryTable<PatternRedirect>;
}

/**
 * Redirects by their addresses. A look-up takes time that grows with the parts of an address, whatever the number of
 * addresses: they are in maps, and patterns in a tree of their parts.
 */
export class RedirectTable {
  readonly #addresses = new Map<string, Target>();
  /** By their paths. */
  readonly #queries = new Map<string, QueryTable<Target>>();
  readonly #patterns = newNode();
  readonly #names = new Map<string, Target>();
  readonly #systems: readonly System[];

  /** @param systems whose feeds have several addresses: a redirect for one of them counts for all */
  constructor(systems: readonly System[]) {
    this.#systems = systems;
  }

  /** Adds a redirect. Returns why it is not added: another one with this address comes first, or too many have its path. */
  add(redirect: Redirect): Refusal {
    if ('pattern' in redirect) return addPattern(this.#patterns, redirect);
    const { address, target } = redirect;
    const refused = this.#addAddress(address, target);
    if (refused !== undefined) return refused;
    for (const meaning of meaningsOf(address, this.#systems)) {
      if (meaning !== 'gone' && !this.#names.has(meaning.name)) this.#names.set(meaning.name, target);
    }
    return undefined;
  }

  #addAddress({ segments, query }: OldAddress, target: Target): Refusal {
    const path = segments.join('/');
    if (query.size > 0) {
      let queries = this.#queries.get(path);
      if (queries === undefined) {
        queries = new QueryTable();
        this.#queries.set(path, queries);
      }
      return queries.add({ fixed: query, any: [] }, target);
    }
    if (this.#addresses.has(path)) return 'repeated';
    this.#addresses.set(path, target);
    return undefined;
  }

  /** The paths of the addresses without a query: their parts, with slashes between. */
  plainPaths(): readonly string[] {
    return [...this.#addresses.keys()];
  }

  /** The target of this address itself. */
  exact({ segments, query }: OldAddress): Target | undefined {
    const path = segments.join('/');
    const target = query.size === 0 ? undefined : this.#queries.get(path)?.find(query);
    return target ?? this.#addresses.get(path);
  }

  /** The targets of the patterns that an address fits: those with the longest fixed beginning come first. */
  matching(address: OldAddress): Target[] {
    const found: Target[] = [];
    follow(this.#patterns, { address, found }, 0, []);
    return found;
  }

  /** The target of a redirect for another address of the same feed, by the name that `meaningsOf` has for the feed. */
  named(name: string): Target | undefined {
    return this.#names.get(name);
  }
}

function newNode(): Node {
  return { texts: new Map(), affixed: [] };
}

function addPattern(root: Node, redirect: PatternRedirect): Refusal {
  const { segments, query } = redirect.pattern;
  let node = root;
  for (const segment of segments) node = childOf(node, segment);
  if (query.size > 0) {
    const entries = [...query];
    const fixed = new Map(entries.flatMap(([name, value]) => ('text' in value ? [[name, value.text] as const] : [])));
    const any = entries.flatMap(([name, value]) => ('text' in value ? [] : [name]));
    node.queries ??= new QueryTable();
    return node.queries.add({ fixed, any }, redirect);
  }
  if (node.plain !== undefined) return 'repeated';
  node.plain = redirect;
  return undefined;
}

function childOf(node: Node, segment: Segment): Node {
  if ('text' in segment) {
    const child = node.texts.get(segment.text) ?? newNode();
    node.texts.set(segment.text, child);
    return child;
  }
  if (segment.isMany) {
    node.many ??= newNode();
    return node.many;
  }
  const { before, after } = segment;
  const known = node.affixed.find((other) => other.before === before && other.after === after);
  if (known !== undefined) return known.node;
  const child = { before, after, node: newNode() };
  node.affixed.push(child);
  node.affixed.sort((one, other) => lengthOf(other) - lengthOf(one));
  return child.node;
}

function lengthOf({ before, after }: { readonly before: string; readonly after: string }): number {
  return before.length + after.length;
}

interface Search {
  readonly address: OldAddress;
  readonly found: Target[];
}

/** Adds the targets below a node. Patterns have a parameter of many parts once at most, so that no way is long. */
function follow(node: Node, search: Search, index: number, values: readonly string[]): void {
  const { segments, query } = search.address;
  const segment = segments[index];
  if (segment === undefined) {
    const redirect = (query.size === 0 ? undefined : node.queries?.find(query)) ?? node.plain;
    if (redirect !== undefined) search.found.push(targetOf(redirect, query, values));
    return;
  }
  const child = node.texts.get(segment);
  if (child !== undefined) follow(child, search, index + 1, values);
  for (const { before, after, node: next } of node.affixed) {
    const isLongEnough = segment.length > before.length + after.length;
    if (!isLongEnough || !segment.startsWith(before) || !segment.endsWith(after)) continue;
    follow(next, search, index + 1, [...values, segment.slice(before.length, segment.length - after.length)]);
  }
  if (node.many === undefined) return;
  for (let last = index; last < segments.length; last += 1)
    follow(node.many, search, last + 1, [...values, segments[last] ?? '']);
}

/** @param values of the parameters in the path, in their order */
function targetOf(
  { pattern, to, format }: PatternRedirect,
  query: OldAddress['query'],
  values: readonly string[],
): Target {
  if (to === undefined) return 'gone';
  const named = new Map<string, string>();
  const inPath = pattern.segments.flatMap((segment) => ('parameter' in segment ? [segment.parameter] : []));
  for (const [index, name] of inPath.entries()) named.set(name, values[index] ?? '');
  for (const [name, value] of pattern.query)
    if ('parameter' in value) named.set(value.parameter, query.get(name) ?? '');
  return { key: normalKey(filledIn(to, named)), format };
}
