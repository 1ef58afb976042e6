import type { Publication } from '../config/publication.ts';
import { LATEST } from '../feed/feeds.ts';
import { MOST_ENTRIES } from '../format/sitemap.ts';
import type { Instant } from '../lib/instant.ts';
import type { Store } from '../store/store.ts';
import { type CacheCounts, createByteCache } from './byte-cache.ts';
import type { EncodedBody } from './encoded-body.ts';
import { feedList, publicFeeds } from './feed-list.ts';
import { digestOf } from './representation.ts';
import { createSharedRead } from './shared-read.ts';
import { type FilePlan, type SiteFile, type SiteFileName, siteFile, siteFilePath } from './site-file.ts';
import { createSitemaps } from './sitemaps.ts';

interface SiteFileParts {
  readonly store: Store;
  readonly publication: Publication;
  readonly now: () => Instant;
  /** Bytes of files, in all their codings, that may be kept. */
  readonly bytes: number;
}

export interface SiteFiles {
  /** The file as it is now. Undefined if there is no such file. */
  readonly get: (name: SiteFileName) => Promise<SiteFile | undefined>;
  /** Removes all files, which may name articles that were erased. */
  readonly clear: () => void;
  readonly counts: () => CacheCounts;
}

/** A file in the cache: current while the store has the same revision, from one moment until another. */
interface KeptFile {
  readonly file: SiteFile;
  readonly version: string | undefined;
  readonly revision: number;
  readonly from: Instant;
  readonly until: Instant;
}

/** Bytes of a file in memory besides its bodies. */
const OVERHEAD = 1024;

/** Makes the files when they are requested after a change, each once, however many requests wait for it. */
export function createSiteFiles({ store, publication, now, bytes }: SiteFileParts): SiteFiles {
  const feeds = createSharedRead(store, (at) => publicFeeds({ store, publication }, at));
  const blocks = createSharedRead(store, (at) => store.articleBlocks(at, MOST_ENTRIES));
  const sitemaps = createSitemaps({ store, publication, feeds, blocks });
  const { lru, counts } = createByteCache<KeptFile>(bytes, ({ file }) => file.body.size() + OVERHEAD);
  const flights = new Map<string, Promise<KeptFile | undefined>>();

  /** How often the files were removed: one that is being made meanwhile is not kept. */
  let erasures = 0;

  /** lru-cache does not measure a value again that it holds. */
  function measure(path: string, body: EncodedBody): void {
    const known = lru.peek(path);
    if (known?.file.body !== body) return;
    lru.delete(path);
    lru.set(path, known);
  }

  async function planOf(name: SiteFileName, at: Instant): Promise<FilePlan | undefined> {
    if (name.kind === 'opml') return { make: async () => feedList(await feeds.get(at), publication) };
    return sitemaps.plan(name, at);
  }

  async function make(name: SiteFileName, path: string): Promise<KeptFile | undefined> {
    const revision = await store.lastRevision();
    const from = now();
    const plan = await planOf(name, from);
    if (plan === undefined) return undefined;
    const latest = await store.snapshot(LATEST, from, { limit: 1, tombstonesFor: 0 });
    const changedAt = Math.max(latest?.changedAt ?? 0, latest?.entries[0]?.publishedAt ?? 0, latest?.removedAt ?? 0);
    const until = latest?.nextChangeAt ?? Number.POSITIVE_INFINITY;
    const { version } = plan;
    const known = lru.peek(path);
    if (known !== undefined && version !== undefined && known.version === version)
      return { file: { ...known.file, changedAt }, version, revision, from, until };
    const made = await plan.make();
    const digest = await digestOf(made);
    const isSame = known?.file.body.identity.equals(made.bytes) === true;
    const fresh = isSame ? known.file : siteFile(made, digest, (body) => measure(path, body));
    const file = made.nextChangeAt === undefined ? { ...fresh, changedAt } : fresh;
    return { file, version, revision, from, until: Math.min(until, made.nextChangeAt ?? until) };
  }

  function begin(name: SiteFileName, path: string): Promise<KeptFile | undefined> {
    const before = erasures;
    const flight = make(name, path)
      .then((made) => {
        if (made !== undefined && before === erasures) lru.set(path, made);
        return made;
      })
      .finally(() => flights.delete(path));
    flights.set(path, flight);
    return flight;
  }

  async function kept(path: string): Promise<SiteFile | undefined> {
    const known = lru.get(path);
    const at = now();
    if (known === undefined || at < known.from || at >= known.until) return undefined;
    return (await store.lastRevision()) === known.revision ? known.file : undefined;
  }

  return {
    async get(name) {
      const path = siteFilePath(name);
      const current = await kept(path);
      if (current !== undefined) return current;
      const begun = flights.get(path);
      if (begun !== undefined) {
        await begun.catch(() => {}); // it may have begun before a change that this request has to show
        const made = await kept(path);
        if (made !== undefined) return made;
      }
      return (await (flights.get(path) ?? begin(name, path)))?.file;
    },
    clear() {
      erasures += 1;
      lru.clear();
      feeds.clear();
      blocks.clear();
    },
    counts,
  };
}
