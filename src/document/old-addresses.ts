import type { Publication } from '../config/publication.ts';
import { meaningsOf } from '../config/redirects/known-systems.ts';
import { type OldAddress, oldAddress, pathAndQueryOf } from '../config/redirects/old-address.ts';
import { RedirectTable, type Target } from '../config/redirects/redirect-table.ts';
import type { FeedKey, Format } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { createYieldToLoop } from '../lib/yield-to-loop.ts';
import { folded } from '../pages/search.ts';
import type { Store } from '../store/store.ts';

/** Where an old address leads. */
export type Destination = { readonly feed: FeedKey; readonly format: Format } | 'gone';

export interface OldAddresses {
  /**
   * Finds where an address of an earlier system leads at a moment: to a feed that readers can see then, or nowhere any more.
   * Undefined if it is lost. It leads to a feed under embargo as little as to one that does not exist.
   *
   * @param target a path with its query, or a whole address
   */
  readonly find: (target: string, at: Instant) => Promise<Destination | undefined>;
  /**
   * Finds the feed that a redirect of the operator or of an import names for an address, also one that readers cannot see. Not
   * for answers: a feed may be under embargo.
   */
  readonly named: (target: string) => Promise<FeedKey | undefined>;
}

type FeedStore = Pick<Store, 'feedKeys' | 'seenFeeds'>;

interface Parts {
  readonly store: FeedStore;
  readonly publication: Pick<Publication, 'redirects' | 'builtInRedirects' | 'retired'>;
  /** The redirects of redirects.txt. */
  readonly recorded: () => Promise<RedirectTable>;
}

/** The feeds that an address may mean; the first that readers can see is meant. */
interface Candidate {
  readonly keys: readonly FeedKey[];
  readonly format: Format;
  /** Whether another system may have made the names in the keys: without accents, for example. */
  readonly isGuess: boolean;
}

/**
 * The order in which an address is looked for:
 *
 * 1. as it is written in publication.yaml, then in redirects.txt
 * 2. by a pattern of these, then as an address that an earlier system gives to its feeds. Of several, the first that leads to a
 *    feed counts; if none does, the address is gone if one of them says so
 */
export function createOldAddresses({ store, publication, recorded }: Parts): OldAddresses {
  const { builtInRedirects: systems } = publication;
  const own = new RedirectTable(systems);
  for (const redirect of publication.redirects) own.add(redirect);
  const retired = new Map(publication.retired.map(({ feed, movedTo }) => [feed, movedTo]));
  const foldedFeeds = createFoldedFeeds(store);

  async function destinationOf(candidate: Candidate | 'gone', at: Instant): Promise<Destination | undefined> {
    if (candidate === 'gone') return 'gone';
    const { keys, format, isGuess } = candidate;
    for (const key of keys) {
      if (retired.has(key) && retired.get(key) === undefined) return 'gone';
      const [seen] = await store.seenFeeds([retired.get(key) ?? key], at);
      if (seen !== undefined) return { feed: seen.key, format };
    }
    if (!isGuess) return undefined;
    for (const key of keys) {
      const [seen] = await store.seenFeeds(await foldedFeeds(key), at);
      if (seen !== undefined) return { feed: seen.key, format };
    }
    return undefined;
  }

  /** Everything that an address may mean, besides what is written of this address itself. */
  function* candidates(address: OldAddress, tables: readonly RedirectTable[]): Generator<Candidate | 'gone'> {
    const named = (name: string): Target | undefined => {
      const table = tables.find((each) => each.named(name) !== undefined);
      return table?.named(name);
    };
    for (const target of tables.flatMap((table) => table.matching(address))) {
      const other = target === 'gone' ? undefined : named(target.key);
      if (target === 'gone' || other === 'gone') yield 'gone';
      else yield { keys: [other?.key ?? target.key], format: target.format, isGuess: other === undefined };
    }
    for (const meaning of meaningsOf(address, systems)) {
      const other = meaning === 'gone' ? undefined : named(meaning.name);
      if (meaning === 'gone' || other === 'gone') yield 'gone';
      else if (other !== undefined) yield { keys: [other.key], format: meaning.format, isGuess: false };
      else yield { keys: meaning.keys, format: meaning.format, isGuess: true };
    }
  }

  return {
    async find(target, at) {
      const address = addressIn(target);
      if (address === undefined) return undefined;
      const tables = [own, await recorded()];
      const exact = exactIn(tables, address);
      if (exact !== undefined)
        return destinationOf(
          exact === 'gone' ? exact : { keys: [exact.key], format: exact.format, isGuess: false },
          at,
        );
      let gone: 'gone' | undefined;
      for (const candidate of candidates(address, tables)) {
        const destination = await destinationOf(candidate, at);
        if (destination === 'gone') gone = destination;
        else if (destination !== undefined) return destination;
      }
      return gone;
    },

    async named(target) {
      const address = addressIn(target);
      if (address === undefined) return undefined;
      const tables = [own, await recorded()];
      const exact = exactIn(tables, address);
      if (exact !== undefined) return exact === 'gone' ? undefined : exact.key;
      for (const candidate of candidates(address, tables))
        if (candidate !== 'gone' && !candidate.isGuess) return candidate.keys[0];
      return undefined;
    },
  };
}

function addressIn(target: string): OldAddress | undefined {
  const given = pathAndQueryOf(target);
  return given === undefined ? undefined : oldAddress(given);
}

function exactIn(tables: readonly RedirectTable[], address: OldAddress): Target | undefined {
  return tables.map((table) => table.exact(address)).find((target) => target !== undefined);
}

/** Names that are folded at once: a fraction of a millisecond's work. */
const FOLDED_TOGETHER = 50;

/** Feeds by the keys that another system may give them. */
interface FoldedFeeds {
  /** The list that has been folded. */
  readonly keys: readonly FeedKey[];
  readonly known: Set<FeedKey>;
  readonly byFolding: Map<string, FeedKey[]>;
}

/**
 * Returns a function from a key to the feeds whose names another system may write like this: WordPress makes cand-u-huner of
 * “Çand û Huner”, and a German one fluesse of “Flüsse”. To fold ten thousand names takes 50 ms: each is folded once, with
 * other work in between.
 */
function createFoldedFeeds(store: FeedStore): (key: FeedKey) => Promise<readonly FeedKey[]> {
  let feeds: FoldedFeeds = noFeeds();
  let update = Promise.resolve();

  async function fold(keys: readonly FeedKey[]): Promise<void> {
    if (feeds.keys === keys) return;
    const added = keys.filter((key) => !feeds.known.has(key));
    const isLonger = feeds.known.size + added.length === keys.length;
    const { known, byFolding } = isLonger ? feeds : noFeeds(); // feeds leave the list only where articles are erased
    const rest = createYieldToLoop();
    for (const [index, key] of (isLonger ? added : keys).entries()) {
      if (index % FOLDED_TOGETHER === 0) await rest();
      known.add(key);
      for (const folding of new Set([foldedKey(key), foldedKey(withoutUmlauts(key))])) {
        const same = byFolding.get(folding);
        if (same === undefined) byFolding.set(folding, [key]);
        else same.push(key);
      }
    }
    feeds = { keys, known, byFolding };
  }

  return async (key) => {
    const keys = await store.feedKeys();
    update = update.then(() => fold(keys));
    await update;
    return (feeds.byFolding.get(foldedKey(key)) ?? []).toSorted(); // the same order in every process, whichever came first
  };
}

function noFeeds(): FoldedFeeds {
  return { keys: [], known: new Set(), byFolding: new Map() };
}

/** A key whose name is folded. Its kind stays. */
function foldedKey(key: FeedKey): string {
  const start = key.indexOf('/') + 1;
  return key.slice(0, start) + folded(key.slice(start));
}

const UMLAUTS: ReadonlyMap<string, string> = new Map([
  ['ä', 'ae'],
  ['ö', 'oe'],
  ['ü', 'ue'],
]);

function withoutUmlauts(key: FeedKey): string {
  return key.replace(/[äöü]/g, (letter) => UMLAUTS.get(letter) ?? letter);
}
