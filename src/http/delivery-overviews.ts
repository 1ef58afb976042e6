import type { RequestHandler } from 'express';
import type { Partner } from '../config/partners.ts';
import type { Publication } from '../config/publication.ts';
import { excerpt, PublisherError } from '../errors.ts';
import { type Instant, parseInstant, rfc3339 } from '../lib/instant.ts';
import { didYouMean, meantWord } from '../lib/nearest-word.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { partnerWithId } from '../partner/addresses.ts';
import type { DeliveryRecorder } from '../partner/deliveries.ts';
import { deliveryView, endView, gapView } from '../partner/record-views.ts';
import { type WithdrawalCursor, withdrawalPage } from '../partner/withdrawals.ts';
import type { DeliveryStore, RecordedDelivery } from '../store/delivery-store.ts';
import { type ArticleParts, guard } from './articles.ts';
import { invalidCursor, invalidQuery, query, queryInteger } from './query.ts';
import { respondWithJson } from './respond.ts';

type Handler = RequestHandler<{ path: string[] }>;

export interface DeliveryOverviewParts extends ArticleParts {
  readonly recorder: Pick<DeliveryRecorder, 'save'>;
  readonly record: DeliveryStore;
}

const DAY = 24 * 60 * 60 * 1000;
/** How far back the list of withdrawals goes by default. */
const SINCE = 30 * DAY;
const PAGE = { fallback: 100, min: 1, max: 500 };
/** Gaps that an answer names, the newest ones. */
const MAX_GAPS = 100;

/** Lists what a partner has fetched, newest first. */
export function deliveryListHandler({ publication, store, now, recorder, record }: DeliveryOverviewParts): Handler {
  return guard({ store, now })('read', async (request, response) => {
    const { cursor, limit, since } = query(request, ['cursor', 'limit', 'since']);
    const partner = partnerIn(request.path);
    const after = momentIn(since) ?? 0;
    const size = queryInteger('limit', limit, PAGE);
    const before = cursor === undefined ? undefined : deliveryCursor(cursor);
    await recorder.save();
    const found = await record.deliveries(omitUndefined({ partner, after, before, limit: size + 1 }));
    if (found.length === 0 && partnerWithId(publication, partner) === undefined)
      throw unknownPartner(partner, publication);
    const shown = found.slice(0, size);
    const { gaps, through } = await record.coverage(shown.at(-1)?.at ?? after);
    const body = {
      deliveries: shown.map(deliveryView),
      gaps: gaps.slice(-MAX_GAPS).map(gapView),
      recordedUntil: rfc3339(through),
      cursor: found.length > size ? cursorOf(shown.at(-1)) : undefined,
    };
    respondWithJson(request, response, { body: omitUndefined(body) });
  });
}

/** Lists what was taken away from partners, and what was corrected, with a receipt for each partner. */
export function withdrawalListHandler({ publication, store, now, recorder, record }: DeliveryOverviewParts): Handler {
  return guard({ store, now })('read', async (request, response) => {
    const { cursor, limit, since, partner } = query(request, ['cursor', 'limit', 'since', 'partner']);
    const at = now();
    await recorder.save();
    const { partners = [], deliveryDays } = publication;
    const parts = {
      store,
      record,
      deliveryDays,
      partners: partner === undefined ? partners : [partnerNamed(partner, publication)],
    };
    const page = await withdrawalPage(parts, {
      at,
      after: momentIn(since) ?? at - SINCE,
      cursor: cursor === undefined ? undefined : withdrawalCursor(cursor),
      limit: queryInteger('limit', limit, PAGE),
    });
    const body = {
      withdrawals: page.ends.map(endView),
      recordedUntil: rfc3339(page.through),
      cursor: page.next === undefined ? undefined : `${page.next.at}.${page.next.skipped}`,
    };
    respondWithJson(request, response, { body: omitUndefined(body) });
  });
}

/** The id in `/api/partners/{id}/deliveries` and other addresses below a partner. */
export function partnerIn(path: string): string {
  const [, encoded = ''] = /^\/api\/partners\/([^/]*)\//i.exec(path) ?? [];
  return decodeURIComponent(encoded);
}

export function unknownPartner(id: string, publication: Publication): PublisherError {
  const nearest = nearestPartner(id, publication);
  return new PublisherError(
    'not_found',
    `There is no partner “${excerpt(id)}”.`,
    nearest === undefined ? {} : { hint: `Did you mean ${nearest}?` },
  );
}

function partnerNamed(id: string, publication: Publication): Partner {
  const partner = partnerWithId(publication, id);
  if (partner !== undefined) return partner;
  const rule = `must be the id of a partner${didYouMean(nearestPartner(id, publication))}`;
  throw invalidQuery({ field: 'partner', value: excerpt(id), rule });
}

function nearestPartner(id: string, { partners = [] }: Publication): string | undefined {
  return meantWord(
    id,
    partners.map((partner) => partner.id),
  );
}

/** A moment or a day, from which on the list goes. */
function momentIn(text: string | undefined): Instant | undefined {
  if (text === undefined) return undefined;
  const moment = parseInstant(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (moment !== undefined) return moment;
  const rule = 'must be a moment, as 2026-11-01T12:00:00Z, or a day, as 2026-11-01';
  throw invalidQuery({ field: 'since', value: excerpt(text), rule });
}

function cursorOf(delivery: RecordedDelivery | undefined): string | undefined {
  return delivery && `${delivery.at}.${delivery.number}`;
}

function deliveryCursor(text: string): Pick<RecordedDelivery, 'at' | 'number'> {
  const [at, number] = numbersIn(text);
  return { at, number };
}

function withdrawalCursor(text: string): WithdrawalCursor {
  const [at, skipped] = numbersIn(text);
  if (skipped > MAX_SKIPPED) throw invalidCursor(text);
  return { at, skipped };
}

/** Withdrawals of one moment: an import may have as many. */
const MAX_SKIPPED = 1_000_000;

export function numbersIn(text: string): readonly [number, number] {
  const [, first, second] = /^(\d{1,15})\.(\d{1,15})$/.exec(text) ?? [];
  if (first === undefined || second === undefined) throw invalidCursor(text);
  return [Number(first), Number(second)];
}
