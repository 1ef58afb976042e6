import type { Instant } from '../lib/instant.ts';
import type { Added } from './traffic-store.ts';

/** What of its feed a document has. */
export interface Reach {
  /** It has the stories that were published from that moment on, */
  readonly storiesFrom: Instant;
  /** until that one, */
  readonly storiesTo: Instant;
  /** and the ends of stories from that one on, with the newest first: of those at that very moment, from that number of the article on. */
  readonly endsFrom: Instant;
  readonly endsFromNumber: number;
}

/** A fetch by a partner, whose answer was sent whole or not. */
export interface Delivery {
  /** When the answer was decided: what it says is of that moment. */
  readonly at: Instant;
  readonly partner: string;
  readonly key: string;
  /** `latest`, `selection`, … or `changes`. */
  readonly feed: string;
  /** `rss`, `atom` or `json`. */
  readonly format: string;
  readonly status: number;
  /** Bytes of the body that were sent; at most so many where the answer broke off. */
  readonly bytes: number;
  /** Whether the whole answer was sent. An answer to HEAD and one that broke off deliver nothing. */
  readonly isWhole: boolean;
  /**
   * The newest revision of an article or a withdrawal in the document; 0 where it has none. A page of the change feed that
   * has more pages behind it has 0: it does not say what the partner knows.
   */
  readonly revision: number;
  /** Missing where the answer has everything, as a last page of the change feed. */
  readonly reach?: Reach | undefined;
  /** The network of the client: the first 24 bits of an IPv4 address, the first 48 of an IPv6 one. */
  readonly network: string;
}

/** A time in which deliveries may have been made that nobody recorded: a process was killed. */
export interface RecordingGap {
  readonly from: Instant;
  readonly to: Instant;
}

/** Deliveries that one process could not keep. */
export interface LostDeliveries extends RecordingGap {
  readonly count: number;
}

/** A delivery with its number in the record. */
export interface RecordedDelivery extends Delivery {
  readonly number: number;
}

/** What a process hands to the record. */
export interface Batch {
  readonly deliveries: readonly Delivery[];
  /** Every delivery of this process before that moment is recorded, or in this batch. */
  readonly through: Instant;
  readonly lost?: LostDeliveries | undefined;
}

export interface DeliveryListOptions {
  readonly partner?: string;
  /** From that moment on. */
  readonly after?: Instant;
  /** Older than that delivery. */
  readonly before?: Pick<RecordedDelivery, 'at' | 'number'>;
  readonly limit: number;
}

/** The whole documents that a search looks at. */
export interface WholeOptions {
  readonly partner: string;
  readonly feeds: readonly string[];
  readonly from: Instant;
  /** Up to that moment, inclusive. */
  readonly to: Instant;
  /** The least revision of the document; any by default. */
  readonly revision?: number;
  /** When a story was published that the document must reach. */
  readonly story?: Instant;
  /** An end that the document must reach. */
  readonly end?: { readonly at: Instant; readonly number: number };
}

/** How far the record goes. */
export interface Coverage {
  /** When the first delivery could be recorded; missing where nobody knows. */
  readonly since?: Instant;
  /** Everything that was delivered before that moment is recorded, or lies in a gap. */
  readonly through: Instant;
  /** In the order of their beginnings. They overlap where several processes have them. */
  readonly gaps: readonly RecordingGap[];
}

/** The record of deliveries: a database of its own in the store's folder, which all processes of a service share. */
export interface DeliveryStore {
  /** Adds what one process has recorded since its last call. An empty batch says that there is nothing to record. */
  readonly add: (batch: Batch) => Promise<Added>;
  /** Why the last batch could not be added, and what to do about it; undefined where it was added. */
  readonly problem: () => string | undefined;
  /** Newest first. */
  readonly deliveries: (options: DeliveryListOptions) => Promise<readonly RecordedDelivery[]>;
  /** The first delivery of a whole document, with the status 200. */
  readonly firstWhole: (options: WholeOptions) => Promise<RecordedDelivery | undefined>;
  /** How many answers of each status a partner got after a moment. */
  readonly statuses: (partner: string, after: Instant) => Promise<ReadonlyMap<number, number>>;
  /** The last use of each key. */
  readonly lastUses: () => Promise<ReadonlyMap<string, Instant>>;
  /** Gaps that end after a moment. */
  readonly coverage: (after: Instant) => Promise<Coverage>;
  /** Removes deliveries that are older, as many as one transaction should bear. Returns how many. */
  readonly prune: (before: Instant) => Promise<number>;
  /** @param isComplete whether this process has recorded all that it delivered */
  readonly close: (isComplete?: boolean) => Promise<void>;
}

/** What one process has delivered to partners since its start. */
export interface DeliveryCounts {
  /** By partner and status; beyond a limit, the partners share one name. */
  readonly deliveries: Iterable<readonly [partner: string, status: number, count: number]>;
  /** Deliveries that could not be kept. */
  readonly lost: number;
  /** Milliseconds since this process last saved; undefined while it has not to. */
  readonly unsavedFor: number | undefined;
}
