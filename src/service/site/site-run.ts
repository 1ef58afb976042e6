import type { Publication } from '../../config/publication.ts';
import type { DocumentCache } from '../../document/cache.ts';
import type { Instant } from '../../lib/instant.ts';
import type { Store } from '../../store/store.ts';
import type { PartState } from './site-state.ts';
import type { SiteTarget } from './site-target.ts';
import type { SiteWriter } from './site-writer.ts';

/** What the parts of an export share. */
export interface SiteRun {
  readonly store: Store;
  readonly publication: Publication;
  /** Everything is exported as it is at this moment. */
  readonly at: Instant;
  /** The revision of the store when the export began. */
  readonly revision: number;
  readonly target: Pick<SiteTarget, 'pageEnding'>;
  readonly documentCache: Pick<DocumentCache, 'get' | 'forget'>;
  readonly writer: Pick<SiteWriter, 'open' | 'has' | 'parts' | 'drop'>;
  /** What is known of each part, with what this export finds out. */
  readonly parts: Map<string, PartState>;
  /** Throws if the export is to end early. */
  readonly throwIfStopped: () => void;
}

/** Seconds for which copies of documents may be kept; a static server knows no grid (decision 16). */
export function documentCaching({ maxAge }: Pick<Publication, 'maxAge'>): string {
  return `public, max-age=${maxAge}, stale-while-revalidate=1, stale-if-error=86400`;
}

/** Whether a part was written since the last export, and no time has passed that changes it. */
export function isCurrent(part: PartState | undefined, at: Instant): boolean {
  return part !== undefined && (part.until === undefined || at < part.until);
}

/** The earliest of moments; undefined where there is none. */
export function earliest(moments: Iterable<Instant | undefined>): Instant | undefined {
  const least = [...moments].reduce<number>((one, other) => Math.min(one, other ?? Number.POSITIVE_INFINITY), Infinity);
  return Number.isFinite(least) ? least : undefined;
}
