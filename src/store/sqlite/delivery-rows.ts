import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import type {
  Delivery,
  DeliveryListOptions,
  LostDeliveries,
  RecordedDelivery,
  WholeOptions,
} from '../delivery-store.ts';

/** Rows that one transaction removes. */
const PRUNED = 2000;
const LAST_NUMBER = Number.MAX_SAFE_INTEGER;

const COLUMNS = 'id, at, partner, key, feed, format, status, bytes, whole, revision, network';

/** The rows of deliveries in an open file. */
export function createDeliveryRows(db: DatabaseSync) {
  const insert = db.prepare(
    `INSERT INTO delivery (at, partner, key, feed, format, status, bytes, whole, revision, network, stories_from,
       stories_to, ends_from, ends_number)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const use = db.prepare(
    'INSERT INTO key_use (key, at) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET at = max(at, excluded.at)',
  );
  const lose = db.prepare('INSERT INTO lost (since, until, number) VALUES (?, ?, ?)');
  const page = 'at >= ? AND (at, id) < (?, ?) ORDER BY at DESC, id DESC LIMIT ?';
  const ofAll = db.prepare(`SELECT ${COLUMNS} FROM delivery WHERE ${page}`);
  const ofPartner = db.prepare(`SELECT ${COLUMNS} FROM delivery WHERE partner = ? AND ${page}`);
  const whole = db.prepare(
    `SELECT ${COLUMNS} FROM delivery WHERE status = 200 AND whole = 1 AND partner = ? AND at >= ? AND at <= ?
     AND revision >= ? AND feed IN (SELECT value FROM json_each(?))
     AND (stories_from IS NULL OR ifnull(? BETWEEN stories_from AND stories_to, 1))
     AND (ends_from IS NULL OR ifnull((ends_from, ends_number) <= (?, ?), 1)) ORDER BY at LIMIT 1`,
  );
  const statuses = db.prepare(
    'SELECT status, count(*) AS number FROM delivery WHERE partner = ? AND at >= ? GROUP BY status',
  );
  const allUses = db.prepare('SELECT key, at FROM key_use');
  const same = db.prepare(
    `SELECT id FROM delivery WHERE partner = ? AND at = ? AND key = ? AND feed = ? AND format = ? AND status = ? AND bytes = ?
     AND whole = ? AND revision = ? AND network = ? LIMIT 1`,
  );
  const pruned = `SELECT id FROM delivery WHERE at < ? ORDER BY at LIMIT ${PRUNED}`;
  // The number of a delivery that is gone may be used again.
  const forget = db.prepare(`DELETE FROM outgoing WHERE delivery IN (${pruned})`);
  const prunings = [
    db.prepare(`DELETE FROM delivery WHERE id IN (${pruned})`),
    db.prepare('DELETE FROM process WHERE ended < ?'),
    db.prepare('DELETE FROM lost WHERE until < ?'),
  ];

  function numberOf(one: Delivery): number | undefined {
    const { at, partner, key, feed, format, status, bytes, isWhole, revision, network } = one;
    const row = same.get(partner, at, key, feed, format, status, bytes, isWhole ? 1 : 0, revision, network);
    return row && Number(row.id);
  }

  return {
    /** The number of each delivery that is recorded already; undefined for the others. */
    numbersOf: (deliveries: readonly Delivery[]): (number | undefined)[] => deliveries.map(numberOf),
    /** Returns the numbers of the deliveries. */
    add(deliveries: readonly Delivery[], lost?: LostDeliveries | undefined): number[] {
      const numbers: number[] = [];
      const uses = new Map<string, Instant>();
      for (const { at, partner, key, feed, format, status, bytes, isWhole, revision, network, reach } of deliveries) {
        const { storiesFrom = null, storiesTo = null, endsFrom = null, endsFromNumber = null } = reach ?? {};
        const bounds = [storiesFrom, storiesTo, endsFrom, endsFromNumber];
        const row = [at, partner, key, feed, format, status, bytes, isWhole ? 1 : 0, revision, network];
        numbers.push(Number(insert.run(...row, ...bounds).lastInsertRowid));
        uses.set(key, Math.max(at, uses.get(key) ?? at));
      }
      for (const [key, at] of uses) use.run(key, at);
      if (lost !== undefined) lose.run(lost.from, lost.to, lost.count);
      return numbers;
    },
    list({ partner, after = 0, before, limit }: DeliveryListOptions): RecordedDelivery[] {
      const range = [after, before?.at ?? LAST_NUMBER, before?.number ?? LAST_NUMBER, limit];
      return (partner === undefined ? ofAll.all(...range) : ofPartner.all(partner, ...range)).map(deliveryIn);
    },
    firstWhole({ partner, feeds, from, to, revision = 0, story, end }: WholeOptions): RecordedDelivery | undefined {
      const row = whole.get(
        ...[partner, from, to, revision, JSON.stringify(feeds)],
        ...[story ?? null, end?.at ?? null, end?.number ?? null],
      );
      return row === undefined ? undefined : deliveryIn(row);
    },
    statuses(partner: string, after: Instant): Map<number, number> {
      return new Map(statuses.all(partner, after).map(({ status, number }) => [Number(status), Number(number)]));
    },
    lastUses: (): Map<string, Instant> => new Map(allUses.all().map(({ key, at }) => [String(key), Number(at)])),
    prune(before: Instant): number {
      forget.run(before);
      return prunings.reduce((sum, each) => sum + Number(each.run(before).changes), 0);
    },
  };
}

/** All that is known of a delivery. */
export function wholeDeliveryIn(row: Record<string, SQLOutputValue>): Delivery {
  const { number: _, ...delivery } = deliveryIn(row);
  if (row.stories_from === null) return delivery;
  const reach = {
    storiesFrom: Number(row.stories_from),
    storiesTo: Number(row.stories_to),
    endsFrom: Number(row.ends_from),
    endsFromNumber: Number(row.ends_number),
  };
  return { ...delivery, reach };
}

function deliveryIn(row: Record<string, SQLOutputValue>): RecordedDelivery {
  return {
    number: Number(row.id),
    at: Number(row.at),
    partner: String(row.partner),
    key: String(row.key),
    feed: String(row.feed),
    format: String(row.format),
    status: Number(row.status),
    bytes: Number(row.bytes),
    isWhole: row.whole === 1,
    revision: Number(row.revision),
    network: String(row.network),
  };
}
