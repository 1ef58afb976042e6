import { setImmediate as pendingEvents } from 'node:timers/promises';
import type { Partner } from '../config/partners.ts';
import type { Publication } from '../config/publication.ts';
import type { PartnersQuestion } from '../http/operator.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type {
  PartnerActivity,
  PartnerAnswers,
  PartnerGlance,
  PartnerList,
  PartnerReceipt,
  PartnersStatus,
  SkippedEntry,
} from '../pages/partner-status.ts';
import { rhythmOf, spreadKeys } from '../partner/activity.ts';
import { feedsOf, partnerWithId } from '../partner/addresses.ts';
import type { DeliveryRecorder } from '../partner/deliveries.ts';
import type { PartnerDocuments } from '../partner/documents.ts';
import type { Receipt, TrackedEnd } from '../partner/receipts.ts';
import { deliveryView, gapView } from '../partner/record-views.ts';
import { withdrawalPage } from '../partner/withdrawals.ts';
import type { DeliveryStore } from '../store/delivery-store.ts';
import type { Store } from '../store/store.ts';
import { unlessDamaged } from './unless-damaged.ts';

const DAY = 24 * 60 * 60 * 1000;
/** Days of deliveries that say what is usual, and the most of them. */
const LOOKED_BACK = 7 * DAY;
const MAX_LOOKED_AT = 1000;
/** Milliseconds for which a list names a gap. */
const GAPS_FOR = 7 * DAY;
const MAX_GAPS = 20;
/** Entries of each kind on a page. */
const PARTNERS = 50;
const DELIVERIES = 50;
const SKIPPED = 30;
const WITHDRAWALS = 20;
const WITHDRAWN_SINCE = 30 * DAY;
const PAUSES = 10;
/** Feeds whose skipped stories are looked up for a page: each is arranged anew. */
const ARRANGED_FEEDS = 5;

export interface PartnerStatusParts {
  readonly store: Pick<
    Store,
    'articles' | 'memberships' | 'formerMemberships' | 'history' | 'syndicationEnds' | 'keys'
  >;
  readonly record: DeliveryStore;
  readonly recorder: Pick<DeliveryRecorder, 'save'>;
  /** Of the publication in force. */
  readonly publication: () => Publication;
  readonly skipped: PartnerDocuments['skipped'];
  readonly now: () => Instant;
}

/** Reads what the operator's pages of partners show. Undefined for a partner that there is not. */
export function createPartnerStatus(parts: PartnerStatusParts) {
  return async (question: PartnersQuestion): Promise<PartnersStatus | undefined> => {
    await parts.recorder.save();
    if ('after' in question) return listOf(question.after, parts);
    const partner = partnerWithId(parts.publication(), question.partner);
    return partner && activityOf(partner, parts);
  };
}

async function listOf(after: string, parts: PartnerStatusParts): Promise<PartnerList> {
  const { publication, now, record } = parts;
  const { partners = [] } = publication();
  const at = now();
  const first = partners.findIndex(({ id }) => id > after);
  const page = first < 0 ? [] : partners.slice(first, first + PARTNERS);
  const glances: PartnerGlance[] = [];
  for (const partner of page) {
    await pendingEvents(); // a thousand deliveries take a few milliseconds
    glances.push((await glanceAt(partner, at, parts)).glance);
  }
  const { gaps } = await record.coverage(at - GAPS_FOR);
  return omitUndefined({
    kind: 'list' as const,
    at: rfc3339(at),
    partners: glances,
    count: partners.length,
    next: partners.at(-1) === page.at(-1) ? undefined : page.at(-1)?.id,
    gaps: gaps.slice(-MAX_GAPS).map(gapView),
  });
}

/** What the list shows of a partner, and from what it follows. */
async function glanceAt({ id: partner, name, dialect }: Partner, at: Instant, { record }: PartnerStatusParts) {
  const deliveries = await record.deliveries({ partner, after: at - LOOKED_BACK, limit: MAX_LOOKED_AT });
  const [last] = deliveries.length > 0 ? deliveries : await record.deliveries({ partner, limit: 1 });
  const rhythm = rhythmOf(deliveries, at);
  const spread = spreadKeys(deliveries);
  const glance: PartnerGlance = omitUndefined({
    id: partner,
    name,
    dialect,
    lastSeen: last && rfc3339(last.at),
    answers: answersOf(await record.statuses(partner, at - DAY)),
    isLate: rhythm?.pauses[0]?.isOver === false,
    spreadKeys: spread.length,
  });
  return { glance, deliveries, rhythm, spread };
}

function answersOf(statuses: ReadonlyMap<number, number>): PartnerAnswers {
  const documents = statuses.get(200) ?? 0;
  const unchanged = statuses.get(304) ?? 0;
  const all = [...statuses.values()].reduce((sum, count) => sum + count, 0);
  return { documents, unchanged, others: all - documents - unchanged };
}

async function activityOf(partner: Partner, parts: PartnerStatusParts): Promise<PartnerActivity> {
  const { record, now } = parts;
  const at = now();
  const { glance, deliveries, rhythm, spread } = await glanceAt(partner, at, parts);
  const { gaps } = await record.coverage(at - GAPS_FOR);
  const skipped = await unlessDamaged(skippedOf(partner, parts));
  return omitUndefined({
    ...glance,
    kind: 'partner' as const,
    at: rfc3339(at),
    feeds: feedsOf(partner).map(({ name }) => name),
    keys: (await unlessDamaged(keysOf(partner, parts))) ?? [],
    deliveries: deliveries.slice(0, DELIVERIES).map(({ revision, ...each }) => deliveryView({ ...each, revision })),
    rhythm: rhythm && {
      ...rhythm,
      pauses: rhythm.pauses
        .slice(0, PAUSES)
        .map(({ from, to, isOver }) => ({ from: rfc3339(from), to: rfc3339(to), isOver })),
    },
    spread: spread.map(({ at: last, ...rest }) => ({ ...rest, at: rfc3339(last) })),
    skipped: skipped?.slice(0, SKIPPED) ?? [],
    skippedCount: skipped?.length ?? 0,
    withdrawals: (await unlessDamaged(withdrawalsOf(partner, at, parts))) ?? [],
    gaps: gaps.slice(-MAX_GAPS).map(gapView),
  });
}

async function keysOf({ id }: Partner, { store, record }: PartnerStatusParts) {
  const uses = await record.lastUses();
  const own = (await store.keys()).filter(({ partner }) => partner === id);
  const dated = (at: Instant | undefined) => (at === undefined ? undefined : rfc3339(at));
  return own.map((key) =>
    omitUndefined({
      id: key.id,
      name: key.name,
      lastUse: dated(uses.get(key.id)),
      expires: dated(key.expiresAt),
      isRevoked: key.revokedAt !== undefined,
    }),
  );
}

async function skippedOf(partner: Partner, { skipped }: PartnerStatusParts): Promise<SkippedEntry[]> {
  const entries: SkippedEntry[] = [];
  for (const { name } of feedsOf(partner).slice(0, ARRANGED_FEEDS)) {
    for (const { article, rule, reason, since } of await skipped(partner, name))
      entries.push({ article, feed: name, rule, reason, since: rfc3339(since) });
  }
  return entries;
}

async function withdrawalsOf(partner: Partner, at: Instant, parts: PartnerStatusParts): Promise<PartnerReceipt[]> {
  const { store, record, publication } = parts;
  const { deliveryDays } = publication();
  const options = { after: at - WITHDRAWN_SINCE, at, limit: WITHDRAWALS };
  const { ends } = await withdrawalPage({ store, record, deliveryDays, partners: [partner] }, options);
  return ends.flatMap((end) => end.receipts.map((receipt) => receiptOf(end, receipt)));
}

function stateOf(receipt: Receipt): string {
  if (receipt.state === 'left out') return `left out: ${receipt.rule}`;
  return receipt.state === 'expired' ? `expired, ${receipt.known}` : receipt.state;
}

function receiptOf({ id, title, ending, at }: TrackedEnd, receipt: Receipt): PartnerReceipt {
  return omitUndefined({
    article: id,
    title: title === '' ? undefined : title,
    ending,
    at: rfc3339(at),
    state: stateOf(receipt),
    seenAt: receipt.state === 'seen' ? rfc3339(receipt.at) : undefined,
    key: receipt.state === 'seen' ? receipt.key : undefined,
  });
}
