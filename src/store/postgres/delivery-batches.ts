import * as z from 'zod';
import { PublisherError } from '../../errors.ts';
import type { Instant } from '../../lib/instant.ts';
import type { Outgoing, SharedDeliveries, SharedPart } from '../shared-deliveries.ts';
import type { Session } from './connection.ts';

/** Batches that are read, or removed, together. */
const READ = 100;
const PRUNED = 1000;

interface BatchesParts {
  readonly session: () => Session;
  readonly machine: string;
  readonly log: () => string | undefined;
}

/** The deliveries of all replicas: each appends batches of its own, and reads those of the others. */
export function deliveryBatches({ session, machine, log }: BatchesParts): SharedDeliveries {
  return {
    machine,
    log,
    async send({ batch, state }: Outgoing) {
      await session().query(SEND, [
        machine,
        state === undefined ? null : JSON.stringify(state),
        batch?.id ?? null,
        batch === undefined ? null : JSON.stringify(batch.deliveries),
        newestOf(batch?.deliveries ?? []),
      ]);
    },
    async read(known) {
      // The states first: a batch that a state counts is there when the batches are read.
      const machines = await session().query<MachineRow>('SELECT id, last, state FROM feed_publisher.delivery_machine');
      const behind = machines.rows.filter(({ id, last }) => Number(last) > (known.get(id) ?? 0));
      const ids = behind.map(({ id }) => id);
      const batches =
        ids.length === 0
          ? []
          : (await session().query<BatchRow>(MISSING, [ids, ids.map((id) => known.get(id) ?? 0)])).rows;
      return partOf(machines.rows, batches);
    },
    async prune(before) {
      const { rowCount } = await session().query(PRUNE, [before]);
      if (rowCount === 0) await session().query(FORGET, [before]);
      return rowCount ?? 0;
    },
  };
}

function newestOf(deliveries: readonly { readonly at: Instant }[]): Instant {
  return deliveries.reduce((newest, { at }) => Math.max(newest, at), 0);
}

// The row of the machine orders its batches: their numbers have no gaps, and become visible in their order.
const SEND = `
  WITH machine AS (
    INSERT INTO feed_publisher.delivery_machine AS known (id, state, last)
    VALUES ($1, $2::jsonb, ($3::uuid IS NOT NULL)::int)
    ON CONFLICT (id) DO UPDATE SET state = coalesce(excluded.state, known.state), seen_at = clock_timestamp(),
      last = known.last + ($3::uuid IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM feed_publisher.delivery_batch WHERE id = $3))::int
    RETURNING last
  )
  INSERT INTO feed_publisher.delivery_batch (machine, number, id, deliveries, newest)
  SELECT $1, last, $3, $4::jsonb, $5 FROM machine
  WHERE $3::uuid IS NOT NULL AND NOT EXISTS (SELECT 1 FROM feed_publisher.delivery_batch WHERE id = $3)`;

const MISSING = `
  SELECT batch.machine, number, id, deliveries
  FROM unnest($1::uuid[], $2::bigint[]) AS known (machine, last)
  JOIN feed_publisher.delivery_batch AS batch ON batch.machine = known.machine AND number > last
  ORDER BY batch.machine, number LIMIT ${READ}`;

const PRUNE = `
  DELETE FROM feed_publisher.delivery_batch WHERE id IN (
    SELECT id FROM feed_publisher.delivery_batch WHERE newest < $1 LIMIT ${PRUNED}
  )`;

/** Machines that were silent for so long that nobody asks any more. */
const FORGET = `
  DELETE FROM feed_publisher.delivery_machine AS machine
  WHERE extract(epoch FROM seen_at) * 1000 < $1
    AND NOT EXISTS (SELECT 1 FROM feed_publisher.delivery_batch AS batch WHERE batch.machine = machine.id)`;

interface MachineRow {
  readonly id: string;
  readonly last: string;
  readonly state: unknown;
}

interface BatchRow {
  readonly machine: string;
  readonly number: string;
  readonly id: string;
  readonly deliveries: unknown;
}

const deliverySchema = z.object({
  at: z.int(),
  partner: z.string(),
  key: z.string(),
  feed: z.string(),
  format: z.string(),
  status: z.int(),
  bytes: z.int(),
  isWhole: z.boolean(),
  revision: z.int(),
  network: z.string(),
  reach: z.object({ storiesFrom: z.int(), storiesTo: z.int(), endsFrom: z.int(), endsFromNumber: z.int() }).optional(),
});

const stateSchema = z.object({
  since: z.int().optional(),
  through: z.int(),
  gaps: z.array(z.object({ from: z.int(), to: z.int() })),
  isRecording: z.boolean(),
});

function partOf(machines: readonly MachineRow[], batches: readonly BatchRow[]): SharedPart {
  return {
    machines: machines.map(({ id, last, state }) => ({
      id,
      last: Number(last),
      state: state === null ? undefined : valid(stateSchema, state, `what the replica ${id} says of its record`),
    })),
    batches: batches.map(({ machine, number, id, deliveries }) => ({
      ...{ machine, number: Number(number), id },
      deliveries: valid(z.array(deliverySchema), deliveries, `batch ${number} of the replica ${machine}`),
    })),
    isWhole: batches.length < READ,
  };
}

/** @throws PublisherError `store_unavailable` where another program has written into the tables */
function valid<Value>(schema: z.ZodType<Value>, value: unknown, what: string): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new PublisherError('store_unavailable', `The deliveries in the database cannot be read: ${what}.`, {
    hint: 'Use the same version of the program on all replicas.',
    cause: parsed.error,
  });
}
