import type { Partner } from '../config/partners.ts';
import type { Publication } from '../config/publication.ts';
import { type Document, joinEntries } from '../document/document.ts';
import { describeFeed, type Feed, type Format, type NamedKey } from '../feed/feeds.ts';
import type { Dialect, DialectHead } from '../format/dialect/dialect.ts';
import type { Instant } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { Reach } from '../store/delivery-store.ts';
import { MOST_TAKEN_BACK, type PartnerSnapshot, type PartnerStore } from '../store/partner-store.ts';
import { CONFIGURED_AT, type EntryRef, type Store, type Tombstone } from '../store/store.ts';
import { type PartnerFeed, partnerFeedId, partnerPath } from './addresses.ts';
import { createDepartures, type DepartureStore, type Departures } from './departures.ts';
import { type Gone, nextLookAt, type Rendering, type Stories, type Story } from './stories.ts';
import { isFor, type Refusal } from './verdict.ts';

/** A story that a dialect leaves out of a partner's feed. */
export interface SkippedStory extends Refusal {
  readonly article: string;
  readonly revision: number;
  /** When this revision would have come to the partner. */
  readonly since: Instant;
}

export interface Arrangement {
  readonly document: Document;
  readonly skipped: readonly SkippedStory[];
}

export interface ArrangerParts {
  readonly store: Pick<PartnerStore, 'partnerSnapshot'> & Pick<Store, 'setting'> & DepartureStore;
  readonly publication: Publication;
  readonly stories: Pick<Stories, 'entries' | 'marks'>;
}

/** How often a document is begun if articles keep changing. The last time, it is made without those that have changed. */
const ATTEMPTS = 3;
/** References to read for each story of the window, at most: the others do not meet the rules. */
const READ_FOR_EACH = 10;
const MOST_READ = 2000;
/** The newest stories that may name the feed of an empty document. */
const NAMING = 8;
/** An empty feed: whether a feed without stories exists would tell of a story under embargo. */
const NOTHING: PartnerSnapshot = { name: '', entries: [], takenBack: [], changedAt: 0 };

/** Which stories of a feed a partner gets. */
interface Selected {
  readonly snapshot: PartnerSnapshot;
  /** The name of the feed; empty where no story names it. */
  readonly name: string;
  readonly kept: readonly Placed[];
  readonly marks: readonly Placed[];
  /** What the partner has lost, the newest first. What its own rules took from it is not here. */
  readonly ends: readonly Gone[];
  /** What has a mark. */
  readonly gone: readonly Gone[];
  readonly departures: Departures;
  readonly tombstones: readonly Tombstone[];
  readonly skipped: readonly SkippedStory[];
  /** When time alone changed the stories last: one is too old, or was gone for the retention. */
  readonly agedAt: Instant;
  /** When time alone will change them next. */
  readonly agesAt: Instant;
  /** Milliseconds for which a story is in the document. */
  readonly age: number;
  /** Whether the window may have left older stories out. */
  readonly isFull: boolean;
  /** Whether a story has changed while the others were read. */
  readonly isStale: boolean;
}

/** An entry or a mark, and the moment by which a document orders them. */
interface Placed {
  readonly at: Instant;
  readonly number: number;
  readonly revision: number;
  readonly publishedAt: Instant;
  readonly updatedAt: Instant;
  readonly bytes: Buffer;
  /** The feeds that the story names. */
  readonly feeds: readonly NamedKey[];
}

/** Makes the document of a partner's feed as it is at a moment. */
export function createPartnerArranger({ store, publication, stories }: ArrangerParts) {
  const departuresOf = createDepartures(store);
  return async function arrange(
    partner: Partner,
    own: PartnerFeed,
    { dialect, format }: { readonly dialect: Dialect; readonly format: Format },
    at: Instant,
    attempts = ATTEMPTS,
  ): Promise<Arrangement | undefined> {
    const renderer = dialect.formats[format];
    if (renderer === undefined) return undefined;
    const configuredAt = Number((await store.setting(CONFIGURED_AT)) ?? 0);
    const options = { delay: partner.delay, retention: partner.retention };
    const read = async (limit: number) => (await store.partnerSnapshot(own.key, at, { ...options, limit })) ?? NOTHING;
    const renderingOf = (name: string): Rendering => {
      return { partner, dialect, format, renderer, feed: partnerFeed(partner, own, { name, dialect, publication }) };
    };
    const departures = await departuresOf({ partner, key: own.key, at });
    const selected = await select({ partner, own, dialect, at, read, renderingOf, stories, departures });
    if (selected.isStale && attempts > 1) return arrange(partner, own, { dialect, format }, at, attempts - 1);
    const { snapshot, skipped } = selected;
    const { feed } = renderingOf(selected.name);
    const self = publication.feedsUrl + partnerPath(partner.id, own.name, format);
    const entries = inOrder([...selected.kept, ...selected.marks]).map(({ bytes }) => bytes);
    const head = renderer.head(headOf(selected, { partner, own, feed, self, publication }));
    const next = [snapshot.nextChangeAt, selected.agesAt, nextLookAt(dialect, at), selected.isStale ? at : undefined];
    const document: Document = {
      feed,
      format,
      bytes: joinEntries(head, entries, renderer),
      entries: [], // without names of entries there are no deltas
      changedAt: Math.max(snapshot.changedAt, selected.agedAt, configuredAt <= at ? configuredAt : 0),
      ...nextChange(next),
      partner: {
        mediaType: renderer.mediaType,
        self,
        articles: selected.kept.map(({ number }) => number),
        revision: newestRevision(selected),
        reach: reachOf(selected, partner, at),
      },
    };
    return { document, skipped };
  };
}

interface Selecting {
  readonly partner: Partner;
  readonly own: PartnerFeed;
  readonly dialect: Dialect;
  readonly at: Instant;
  readonly read: (limit: number) => Promise<PartnerSnapshot>;
  readonly renderingOf: (name: string) => Rendering;
  readonly stories: ArrangerParts['stories'];
  readonly departures: Departures;
}

/**
 * The stories of the window, with those left out that do not meet the rules, and as many older ones in their place. It reads
 * more of the feed as long as the window has room, up to a bound.
 */
async function select(selecting: Selecting): Promise<Selected> {
  const { partner, dialect, at, read, renderingOf, stories, departures } = selecting;
  const { entries = dialect.defaults.entries, offset } = partner.window;
  const size = entries + offset;
  const most = Math.max(size, NAMING, Math.min(MOST_READ, READ_FOR_EACH * size));
  for (let limit = Math.max(size, NAMING); ; limit = Math.min(most, 4 * limit)) {
    const snapshot = await read(limit);
    const rendering = renderingOf(snapshot.name);
    const { refs, agedAt } = takenInTime(snapshot.entries, selecting);
    const chosen = await choose(refs, { size, partner, make: (some) => stories.entries(some, rendering, at) });
    const isAll = snapshot.entries.length < limit || refs.length < snapshot.entries.length;
    if (chosen.kept.length < size && !isAll && limit < most) continue;
    const kept = chosen.kept.slice(offset);
    const others = kept.length > 0 ? [] : await stories.entries(snapshot.entries.slice(0, NAMING), rendering, at);
    const last = kept.at(-1);
    const corrected = lostByRules(chosen.refused, partner, at);
    const ends = newestFirst([...snapshot.takenBack, ...departures.gone]);
    // Withdrawals come before: a partner may never have had a story that its rules refuse.
    const gone = [...ends, ...newestFirst(corrected.gone).slice(0, MOST_TAKEN_BACK - ends.length)];
    const ended = await stories.marks(gone, rendering);
    const { marks, tombstones, isStale } = marksOf(gone, ended, partner);
    return {
      ...{ snapshot, kept, marks, tombstones, ends, gone, departures },
      agedAt: Math.max(agedAt, departures.changedAt, corrected.changedAt),
      name: feedName(selecting, [kept, ...[others, ended].map((some) => visibleOf(some, partner))]),
      skipped: chosen.skipped,
      agesAt: Math.min(
        last === undefined ? Number.POSITIVE_INFINITY : last.at + ageOf(selecting),
        departures.nextChangeAt,
        corrected.nextChangeAt,
      ),
      age: ageOf(selecting),
      isFull: chosen.kept.length >= size || !isAll,
      isStale: chosen.isStale || isStale || departures.isStale,
    };
  }
}

function ageOf({ partner, dialect }: Pick<Selecting, 'partner' | 'dialect'>): number {
  return partner.window.age ?? dialect.defaults.age ?? Number.POSITIVE_INFINITY;
}

/** The references that are not too old, and when the newest one left that is. */
function takenInTime(
  refs: readonly EntryRef[],
  selecting: Pick<Selecting, 'partner' | 'dialect' | 'at'>,
): { readonly refs: readonly EntryRef[]; readonly agedAt: Instant } {
  const leavesAt = ({ publishedAt }: EntryRef) => publishedAt + selecting.partner.delay + ageOf(selecting);
  const end = refs.findIndex((ref) => leavesAt(ref) <= selecting.at);
  const [first] = end < 0 ? [] : refs.slice(end);
  return first === undefined ? { refs, agedAt: 0 } : { refs: refs.slice(0, end), agedAt: leavesAt(first) };
}

interface Choosing {
  /** The most stories to keep. */
  readonly size: number;
  readonly partner: Partner;
  readonly make: (refs: readonly EntryRef[]) => Promise<readonly (Story | undefined)[]>;
}

/** The newest stories that the partner gets. Older ones than these are not made. */
async function choose(refs: readonly EntryRef[], { size, partner, make }: Choosing) {
  const kept: Placed[] = [];
  const skipped: SkippedStory[] = [];
  const refused: RefusedCorrection[] = [];
  let isStale = false;
  for (let next = 0; next < refs.length && kept.length < size; ) {
    const piece = refs.slice(next, next + size - kept.length);
    next += piece.length;
    for (const [index, story] of (await make(piece)).entries()) {
      const ref = piece[index];
      if (ref === undefined || story === undefined) isStale = true;
      if (ref === undefined || story === undefined || !isFor(story, partner)) continue;
      const appeared = ref.publishedAt + partner.delay;
      const { correctedAt = 0 } = story;
      const since = Math.max(appeared, ref.updatedAt, correctedAt);
      for (const refusal of story.refusals)
        skipped.push({ ...refusal, article: story.id, revision: ref.revision, since });
      if (correctedAt > appeared && story.refusals.some(({ isByTime }) => isByTime !== true))
        refused.push({ ref, at: correctedAt });
      const { bytes, feeds } = story;
      if (bytes !== undefined) kept.push({ ...ref, at: appeared, bytes, feeds });
    }
  }
  return { kept, skipped, refused, isStale };
}

/** A story that a rule refuses, and that was corrected after it had appeared: the partner may have its earlier words. */
interface RefusedCorrection {
  readonly ref: EntryRef;
  readonly at: Instant;
}

function lostByRules(refused: readonly RefusedCorrection[], { retention }: Partner, at: Instant) {
  const gone = refused.flatMap(({ ref, at: moment }): Gone[] =>
    moment > at - retention ? [{ ...ref, at: Math.min(moment, at), ending: 'rule' }] : [],
  );
  const ends = refused.map(({ at: moment }) => moment + retention);
  return {
    gone,
    changedAt: ends.reduce((latest, end) => (end <= at ? Math.max(latest, end) : latest), 0),
    nextChangeAt: ends.reduce((next, end) => (end > at ? Math.min(next, end) : next), Number.POSITIVE_INFINITY),
  };
}

function newestFirst(gone: readonly Gone[]): readonly Gone[] {
  return [...gone].sort((one, other) => other.at - one.at || other.number - one.number).slice(0, MOST_TAKEN_BACK);
}

function marksOf(gone: readonly Gone[], found: readonly (Story | undefined)[], partner: Partner) {
  const marks: Placed[] = [];
  const tombstones: Tombstone[] = [];
  let isStale = false;
  for (const [index, ref] of gone.entries()) {
    const story = found[index];
    if (story === undefined) isStale = true;
    if (story === undefined || !(ref.hasLeft === true || isFor(story, partner))) continue;
    const { publicId, reason, bytes, feeds } = story;
    tombstones.push(omitUndefined({ publicId, at: ref.at, reason }));
    if (bytes !== undefined) marks.push({ ...ref, bytes, feeds });
  }
  return { marks, tombstones, isStale };
}

/** Newest first: a consumer that reads only the first entries meets what happened last. */
function inOrder(placed: readonly Placed[]): readonly Placed[] {
  return [...placed].sort((one, other) => other.at - one.at);
}

/**
 * The name of a feed. Only stories that the partner can see name it: those of its document; where it has none, those that are too
 * old for it, or gone. As in the store, the smallest of several spellings wins.
 */
function feedName({ own }: Pick<Selecting, 'own'>, stories: readonly (readonly Pick<Story, 'feeds'>[])[]): string {
  for (const some of stories) {
    const named = some.flatMap(({ feeds }) => feeds.filter(({ key, name }) => key === own.key && name !== ''));
    const [first, ...others] = named.map(({ name }) => name);
    if (first !== undefined) return others.reduce((least, name) => (isSmaller(name, least) ? name : least), first);
  }
  return '';
}

function visibleOf(stories: readonly (Story | undefined)[], partner: Partner): Story[] {
  return stories.flatMap((story) => (story !== undefined && isFor(story, partner) ? [story] : []));
}

function isSmaller(one: string, other: string): boolean {
  return Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0;
}

/** All stories between the newest and the oldest one are in it but those that the rules leave out. */
function reachOf({ kept, ends, departures, age, isFull }: Selected, { window, delay }: Partner, at: Instant): Reach {
  const [newest, oldest] = [kept[0], kept.at(-1)];
  const lastEnd = ends[MOST_TAKEN_BACK - 1];
  return {
    storiesFrom: Math.max(isFull ? (oldest?.publishedAt ?? at) : 0, Number.isFinite(age) ? at - delay - age + 1 : 0),
    storiesTo: window.offset > 0 ? (newest?.publishedAt ?? 0) : Number.MAX_SAFE_INTEGER,
    endsFrom: Math.max(lastEnd?.at ?? 0, departures.from),
    endsFromNumber: lastEnd?.number ?? 0,
  };
}

function newestRevision({ kept, gone }: Selected): number {
  return [...kept, ...gone].reduce((newest, { revision }) => Math.max(newest, revision), 0);
}

function nextChange(moments: readonly (Instant | undefined)[]): { readonly nextChangeAt?: Instant } {
  const nextChangeAt = moments.reduce<number>(
    (next, moment) => Math.min(next, moment ?? next),
    Number.POSITIVE_INFINITY,
  );
  return Number.isFinite(nextChangeAt) ? { nextChangeAt } : {};
}

/** The feed as its head shows it. A partner's own selection has the title of the publication. */
export function partnerFeed(
  { select: own, window, content, language }: Partner,
  { key }: PartnerFeed,
  {
    name,
    dialect,
    publication,
  }: { readonly name: string; readonly dialect: Dialect; readonly publication: Publication },
): Feed {
  const { title } = publication;
  const masthead = own === undefined ? publication : { ...publication, feeds: [{ id: key, title, select: own }] };
  return {
    ...describeFeed(key, name, masthead),
    ...(language === undefined ? {} : { language }),
    entries: window.entries ?? dialect.defaults.entries,
    content: content ?? dialect.defaults.content,
  };
}

interface HeadParts {
  readonly partner: Partner;
  readonly own: PartnerFeed;
  readonly feed: Feed;
  readonly self: string;
  readonly publication: Publication;
}

function headOf({ kept, tombstones }: Selected, { partner, own, feed, self, publication }: HeadParts): DialectHead {
  const { title, description, language, content } = feed;
  const changes = [...kept.map(({ at, updatedAt }) => Math.max(at, updatedAt)), ...tombstones.map(({ at }) => at)];
  return omitUndefined({
    title,
    description,
    language,
    self,
    id: partnerFeedId(partner.id, own.name, publication.url),
    publication,
    contentType: partner.contentType,
    content,
    updatedAt: changes.reduce((newest, each) => Math.max(newest, each), 0),
    publishedAt: kept[0]?.publishedAt,
    tombstones,
    terms: partner.terms,
    podcast: partner.podcast,
  });
}
