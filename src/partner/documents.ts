import type { Partner } from '../config/partners.ts';
import type { Publication } from '../config/publication.ts';
import type { CacheCounts } from '../document/byte-cache.ts';
import { type CachedDocument, createCurrentDocuments } from '../document/current-documents.ts';
import type { Document } from '../document/document.ts';
import { createFeedEditions } from '../document/editions.ts';
import { digestOf, type Representations, represent } from '../document/representation.ts';
import { createSingleFlight } from '../document/single-flight.ts';
import type { DialectName } from '../feed/dialects.ts';
import { type FeedKey, FORMATS, type Format } from '../feed/feeds.ts';
import type { Dialect } from '../format/dialect/dialect.ts';
import type { Instant } from '../lib/instant.ts';
import type { StoredArticle } from '../store/store.ts';
import { feedNamed, feedsOf, type PartnerFeed, partnerPath } from './addresses.ts';
import { type ArrangerParts, createPartnerArranger, type SkippedStory } from './arranger.ts';
import { createDocumentDates } from './document-dates.ts';
import { createFullReports, type OnFull } from './full-reports.ts';
import { type PartnerMembership, partnerMemberships } from './memberships.ts';
import { createSkipReports, type OnSkipped } from './skip-reports.ts';
import { createStories, type ReportUnrenderable } from './stories.ts';

interface PartnerDocumentsParts {
  readonly store: ArrangerParts['store'] & Parameters<typeof createStories>[0]['store'];
  readonly publication: Publication;
  readonly dialects: Readonly<Partial<Record<DialectName, Dialect>>>;
  /** Bytes of documents, in all their codings, and of the stories in them. */
  readonly bytes: number;
  readonly now: () => Instant;
  /** Waits until changes of other processes are known. */
  readonly catchUp: () => Promise<void>;
  readonly report: ReportUnrenderable;
  /** Takes a story that is left out of a partner's feed: once for each of its revisions, as long as it is remembered. */
  readonly onSkipped: OnSkipped;
  readonly onFull: OnFull;
}

export interface PartnerDocuments {
  /** Undefined where the partner has no such feed, or its dialect no such format. */
  readonly get: (partner: Partner, name: FeedKey, format: Format) => Promise<Representations | undefined>;
  /** The formats of a partner's feeds. */
  readonly formats: (partner: Partner) => Promise<readonly Format[]>;
  /** The addresses of all feeds of a partner, without a key. */
  readonly addresses: (partner: Partner) => Promise<readonly string[]>;
  /** The stories that rules leave out of a feed of the partner now. Empty where the partner has no such feed. */
  readonly skipped: (partner: Partner, name: FeedKey) => Promise<readonly SkippedStory[]>;
  /**
   * Whether each partner gets a story now.
   *
   * @param members the feeds that hold the story in the store, by their keys
   */
  readonly memberships: (stored: StoredArticle, members: ReadonlySet<FeedKey>) => Promise<readonly PartnerMembership[]>;
  /** Serves the documents of feeds that changed no more, whoever's they are. */
  readonly forget: (keys: readonly FeedKey[]) => void;
  /** Forgets what was made of articles that were erased. */
  readonly forgetErased: () => Promise<void>;
  readonly counts: () => CacheCounts;
}

/** What requests are answered with. */
export type PartnerAnswers = Omit<PartnerDocuments, 'forget' | 'forgetErased' | 'counts'>;

/** Part of the bytes for stories, from which documents are arranged. */
const STORY_SHARE = 1 / 2;
/** Feeds whose documents can be in the cache at a time. */
const MAX_FEEDS = 100_000;

/**
 * The documents of partners: each is made when it is requested, once for all who wait for it, and is kept until it changes. A
 * change costs nothing for a partner whose feeds it does not touch.
 */
export function createPartnerDocuments(parts: PartnerDocumentsParts): PartnerDocuments {
  const { store, publication, dialects, bytes, now, catchUp, report } = parts;
  const storyBytes = Math.floor(bytes * STORY_SHARE);
  const stories = createStories({ store, publication, report, maxBytes: storyBytes });
  const documents = createCurrentDocuments(bytes - storyBytes, now);
  const editions = createFeedEditions(MAX_FEEDS);
  const arrange = createPartnerArranger({ store, publication, stories });
  const dateOf = createDocumentDates();
  const reportSkips = createSkipReports(parts.onSkipped, now);
  const reportFull = createFullReports(parts.onFull);
  const flights = createSingleFlight<CachedDocument | undefined, never>({
    isUsable: (document) => document === undefined || documents.isCurrent(document),
    keep: (name, document) => document !== undefined && documents.set(name, document),
  });

  async function make(
    name: string,
    partner: Partner,
    own: PartnerFeed,
    { dialect, format }: { readonly dialect: Dialect; readonly format: Format },
  ): Promise<CachedDocument | undefined> {
    const from = now();
    const edition = editions.of(own.key);
    const made = await arrange(partner, own, { dialect, format }, from);
    if (made === undefined) return undefined;
    reportSkips(partner, own.name, made.skipped);
    reportFull(partner, own.name, made.document.partner?.reach);
    const digest = await digestOf(made.document);
    const isAged = made.skipped.some(({ isByTime }) => isByTime === true);
    const changedAt = dateOf(name, { digest, feedChangedAt: made.document.changedAt, at: from, isAged });
    const document = { ...made.document, changedAt };
    const until = document.nextChangeAt ?? Number.POSITIVE_INFINITY;
    const representations = representationsOf(name, document, digest);
    return { representations, from, until, requests: 0, edition };
  }

  /** Keeps the codings of a document that was made again and is still the same. */
  function representationsOf(name: string, document: Document, digest: string): Representations {
    const known = documents.peek(name)?.representations;
    if (known !== undefined && isSame(known.document, document)) return known;
    const made = represent(document, () => documents.measure(name, made), digest);
    return made;
  }

  function dialectOf({ dialect }: Partner): Dialect | undefined {
    return dialects[dialect];
  }

  function formats(partner: Partner): readonly Format[] {
    const known = dialectOf(partner)?.formats ?? {};
    return FORMATS.filter((format) => known[format] !== undefined);
  }

  async function get(partner: Partner, name: FeedKey, format: Format): Promise<Representations | undefined> {
    const own = feedNamed(partner, name);
    const dialect = dialectOf(partner);
    if (own === undefined || dialect?.formats[format] === undefined) return undefined;
    await catchUp();
    const documentName = `${partner.id} ${own.name} ${format}`;
    const known = documents.request(documentName);
    if (known !== undefined) return known;
    const made = await flights.run(documentName, () => make(documentName, partner, own, { dialect, format }));
    return made?.representations;
  }

  return {
    get,
    formats: async (partner) => formats(partner),
    addresses: async (partner) =>
      feedsOf(partner).flatMap(({ name }) =>
        formats(partner).map((format) => publication.feedsUrl + partnerPath(partner.id, name, format)),
      ),
    async skipped(partner, name) {
      const own = feedNamed(partner, name);
      const dialect = dialectOf(partner);
      const [format] = formats(partner);
      if (own === undefined || dialect === undefined || format === undefined) return [];
      await catchUp();
      return (await arrange(partner, own, { dialect, format }, now()))?.skipped ?? [];
    },
    memberships: (stored, members) =>
      partnerMemberships(stored, members, now(), { publication, dialectOf, formats, get }),
    forget: editions.end,
    async forgetErased() {
      if (await stories.forgetErased()) documents.removeOutdated();
    },
    counts: documents.counts,
  };
}

/** Whether two documents have the same bytes, date and newest revision, which a receipt names. */
function isSame(one: Document, other: Document): boolean {
  if (one.changedAt !== other.changedAt || one.partner?.revision !== other.partner?.revision) return false;
  return one.bytes.equals(other.bytes);
}
