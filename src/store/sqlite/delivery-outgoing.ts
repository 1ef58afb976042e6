import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { DeliveryBatch } from '../shared-deliveries.ts';
import { wholeDeliveryIn } from './delivery-rows.ts';

/** Deliveries of one batch. */
const BATCH = 500;

/** The deliveries of this machine that are not in the database yet. Call what changes something in a transaction. */
export function createOutgoing(db: DatabaseSync) {
  const add = db.prepare('INSERT INTO outgoing (delivery) VALUES (?)');
  const addAll = db.prepare('INSERT OR IGNORE INTO outgoing (delivery) SELECT id FROM delivery');
  const sealed = db.prepare('SELECT batch FROM outgoing WHERE batch IS NOT NULL LIMIT 1');
  const seal = db.prepare(
    `UPDATE outgoing SET batch = ? WHERE delivery IN (SELECT delivery FROM outgoing ORDER BY delivery LIMIT ${BATCH})`,
  );
  const inBatch = db.prepare(
    'SELECT delivery.* FROM outgoing JOIN delivery ON delivery.id = outgoing.delivery WHERE batch = ? ORDER BY id',
  );
  const unsealed = db.prepare('SELECT 1 FROM outgoing WHERE batch IS NULL LIMIT 1');
  const ofBatch = db.prepare('SELECT 1 FROM outgoing WHERE batch = ? LIMIT 1');
  const remove = db.prepare('DELETE FROM outgoing WHERE batch = ?');
  const removeOne = db.prepare('DELETE FROM outgoing WHERE delivery = ?');
  const removeAll = db.prepare('DELETE FROM outgoing');

  return {
    add(deliveries: readonly number[]): void {
      for (const delivery of deliveries) add.run(delivery);
    },
    /** All that is recorded. */
    addAll: (): void => void addAll.run(),
    remove: (delivery: number): void => void removeOne.run(delivery),
    removeAll: (): void => void removeAll.run(),
    /** The next batch: the same one until it was sent. Undefined where there is nothing to send. */
    batch(): DeliveryBatch | undefined {
      if (sealed.get() === undefined) seal.run(randomUUID());
      const id = sealed.get()?.batch;
      return typeof id === 'string' ? { id, deliveries: inBatch.all(id).map(wholeDeliveryIn) } : undefined;
    },
    /** Whether more follows the batch. */
    hasMore: (): boolean => unsealed.get() !== undefined,
    /** Notes that a batch was sent. Returns whether this machine has it. */
    sent(batch: string): boolean {
      if (ofBatch.get(batch) === undefined) return false;
      remove.run(batch);
      return true;
    },
  };
}
