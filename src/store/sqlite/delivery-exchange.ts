import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import type { Coverage, Delivery, RecordingGap } from '../delivery-store.ts';
import type {
  MachineState,
  Membership,
  NumberedBatch,
  Outgoing,
  SharedPart,
  SharingMachine,
} from '../shared-deliveries.ts';
import { createOutgoing } from './delivery-outgoing.ts';
import type { createProcesses } from './delivery-processes.ts';
import type { createDeliveryRows } from './delivery-rows.ts';

/** Milliseconds without a word, after which nobody knows what a machine delivers. */
const SILENCE = 10_000;
/** Milliseconds of silence after which a machine that records counts as stopped. If it comes back, it tells the rest. */
const STOPPED = 24 * 60 * 60 * 1000;

interface ExchangeParts {
  readonly rows: ReturnType<typeof createDeliveryRows>;
  readonly processes: ReturnType<typeof createProcesses>;
}

/** Whose record this is. */
interface Member extends Membership {
  /** The moment up to which this record has what is shared; 0 before it had everything for the first time. */
  readonly followed: Instant;
  readonly hasLeft: boolean;
}

/** What a machine gives to the others, and what it has of theirs. Call what changes something in a transaction. */
export function createDeliveryExchange(db: DatabaseSync, { rows, processes }: ExchangeParts) {
  const queue = createOutgoing(db);
  const machines = createMachines(db);
  const selectMember = db.prepare('SELECT machine, log, followed, has_left FROM membership');
  const saveMember = db.prepare(
    'INSERT OR REPLACE INTO membership (only, machine, log, followed, has_left) VALUES (1, ?, ?, ?, 0)',
  );
  const follow = db.prepare('UPDATE membership SET followed = max(followed, ?)');
  const leave = db.prepare('UPDATE membership SET has_left = 1');
  // What a lost file had is in the database, up to the moment that its last state names.
  const narrowLost = db.prepare('UPDATE lost SET since = min(until, max(since, ?)) WHERE number = 0');
  const lose = db.prepare('INSERT INTO lost (since, until, number) VALUES (?, ?, 0)');

  function member(): Member | undefined {
    const row = selectMember.get();
    if (row === undefined) return undefined;
    const { machine, log, followed, has_left: hasLeft } = row;
    return { machine: String(machine), log: String(log), followed: Number(followed), hasLeft: hasLeft === 1 };
  }

  function takeBatch({ id, machine, number, deliveries }: NumberedBatch, own: string): void {
    if (number <= machines.lastOf(machine)) return; // another process of this machine was faster
    if (machine !== own || !queue.sent(id)) addUnknown(deliveries);
    machines.saveLast(machine, number);
  }

  /** This file, or the database, may be a copy from before a batch was sent: nothing is recorded twice then. */
  function addUnknown(deliveries: readonly Delivery[]): void {
    const known = rows.numbersOf(deliveries);
    rows.add(deliveries.filter((_, index) => known[index] === undefined));
    for (const number of known) if (number !== undefined) queue.remove(number);
  }

  function takeOwnPast({ through, gaps }: MachineState): void {
    narrowLost.run(through);
    for (const { from, to } of gaps) lose.run(from, to);
  }

  return {
    isMember: (): boolean => member()?.hasLeft === false,
    join({ machine, log }: Membership): void {
      const known = member();
      const isSameLog = known?.log === log;
      if (isSameLog && known.machine === machine && !known.hasLeft) return;
      if (!isSameLog) {
        machines.forgetAll();
        queue.addAll();
      }
      saveMember.run(machine, log, isSameLog ? known.followed : 0);
    },
    leave(): void {
      leave.run();
      queue.removeAll();
    },
    enqueue: queue.add,
    outgoing(now: Instant, since: Instant | undefined): Outgoing {
      const batch = queue.batch();
      if (queue.hasMore()) return { batch };
      return { batch, state: { since, isRecording: processes.isRecording(), ...processes.coverage(0, now) } };
    },
    known: machines.known,
    take({ machines: sharing, batches, isWhole }: SharedPart, asOf: Instant): boolean {
      const { machine: own = '', followed = 0 } = member() ?? {};
      for (const batch of batches) takeBatch(batch, own);
      if (!isWhole) return false;
      for (const machine of sharing) machines.takeState(machine);
      const past = sharing.find(({ id }) => id === own)?.state;
      if (followed === 0 && past !== undefined) takeOwnPast(past);
      machines.keepOnly(new Set(sharing.map(({ id }) => id)));
      follow.run(asOf);
      return true;
    },
    /** Adds what the other machines have said to what this one knows of itself. */
    coverage(own: Coverage, after: Instant, now: Instant): Coverage {
      const self = member();
      if (self === undefined) return own;
      const others = machines.statesBut(self.machine);
      const known = self.hasLeft ? { through: own.through, gaps: [] } : followedBy(self, now);
      const parts = [own, known, ...others.map((state) => coverageOf(state, now))];
      const since = [own, ...others].flatMap((one) => one.since ?? []);
      return {
        ...(since.length === 0 ? {} : { since: Math.min(...since) }),
        through: Math.min(...parts.map(({ through }) => through)),
        gaps: parts
          .flatMap(({ gaps }) => gaps)
          .filter(({ to }) => to > after)
          .sort((one, other) => one.from - other.from),
      };
    },
  };
}

/** How far this record has what is shared. */
function followedBy({ followed }: Member, now: Instant): Coverage {
  if (now - followed <= SILENCE) return { through: followed, gaps: [] };
  return { through: now, gaps: [{ from: followed, to: now }] };
}

/** How far the record of another machine goes by now. */
function coverageOf({ through, gaps, isRecording }: MachineState, now: Instant): Coverage {
  if (!isRecording) return { through: now, gaps };
  if (now - through <= SILENCE) return { through, gaps };
  const silence: RecordingGap = { from: through, to: Math.min(now, through + STOPPED) };
  return { through: now, gaps: [...gaps, silence] };
}

/** What this record has of each machine. */
function createMachines(db: DatabaseSync) {
  const select = db.prepare('SELECT id, number, state FROM machine');
  const selectOne = db.prepare('SELECT number FROM machine WHERE id = ?');
  const save = db.prepare(
    'INSERT INTO machine (id, number) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET number = excluded.number',
  );
  const saveState = db.prepare('UPDATE machine SET state = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM machine WHERE id = ?');
  const removeAll = db.prepare('DELETE FROM machine');

  const lastOf = (machine: string): number => Number(selectOne.get(machine)?.number ?? 0);
  const saveLast = (machine: string, number: number): void => void save.run(machine, number);
  const known = () => new Map(select.all().map(({ id, number }) => [String(id), Number(number)]));

  return {
    lastOf,
    saveLast,
    known,
    /** Call this when the record has all batches of the machine that there are. */
    takeState({ id, last, state }: SharingMachine): void {
      saveLast(id, last); // another one, where batches were pruned or the database was restored from an earlier state
      if (state !== undefined) saveState.run(JSON.stringify(state), id);
    },
    statesBut(own: string): MachineState[] {
      const others = select.all().filter(({ id, state }) => id !== own && state !== null);
      return others.map(({ state }) => stateIn(String(state)));
    },
    keepOnly(ids: ReadonlySet<string>): void {
      for (const id of known().keys()) if (!ids.has(id)) remove.run(id);
    },
    forgetAll: (): void => void removeAll.run(),
  };
}

/** The text is one that this program has written into its own file. */
function stateIn(text: string): MachineState {
  const state: MachineState = JSON.parse(text);
  return state;
}
