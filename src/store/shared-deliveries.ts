import type { Instant } from '../lib/instant.ts';
import type { Delivery, RecordingGap } from './delivery-store.ts';
import type { Added } from './traffic-store.ts';

/** How far the record of one machine goes, as the machine says. */
export interface MachineState {
  /** When its first delivery could be recorded; missing where it has recorded none. */
  readonly since?: Instant | undefined;
  /** Everything that it delivered before that moment is in its batches, or lies in a gap. */
  readonly through: Instant;
  readonly gaps: readonly RecordingGap[];
  /** Whether it goes on recording. A machine that has said so, and then is silent, may have delivered what nobody knows. */
  readonly isRecording: boolean;
}

/** Deliveries of one machine. The id makes it possible to send a batch twice, and to keep it once. */
export interface DeliveryBatch {
  readonly id: string;
  readonly deliveries: readonly Delivery[];
}

/** What a machine has to send. */
export interface Outgoing {
  readonly batch?: DeliveryBatch | undefined;
  /** Missing where more batches must come first. */
  readonly state?: MachineState | undefined;
}

/** A batch with its place among those of its machine: their numbers have no gaps. */
export interface NumberedBatch extends DeliveryBatch {
  readonly machine: string;
  readonly number: number;
}

/** A machine as all others see it. */
export interface SharingMachine {
  readonly id: string;
  /** The number of its last batch. */
  readonly last: number;
  readonly state?: MachineState | undefined;
}

/** What a machine lacks: the first part of it where it is much. */
export interface SharedPart {
  readonly machines: readonly SharingMachine[];
  /** Those of each machine in the order of their numbers. */
  readonly batches: readonly NumberedBatch[];
  /** Whether these are all that the machine lacks. Earlier ones may be gone: they were pruned. */
  readonly isWhole: boolean;
}

/** The deliveries of all machines, in the database that they share. @throws PublisherError `database_unavailable` */
export interface SharedDeliveries {
  /** The id of this machine. */
  readonly machine: string;
  /** The id of the log: another one has other deliveries. */
  readonly log: () => string | undefined;
  /** Adds a batch unless it is there, and says how far this machine's record goes. */
  readonly send: (outgoing: Outgoing) => Promise<void>;
  /** Returns the batches that are missing. @param known the number of the last batch that is there, by the id of its machine */
  readonly read: (known: ReadonlyMap<string, number>) => Promise<SharedPart>;
  /** Removes batches whose deliveries are all older. Returns how many; not all at once. */
  readonly prune: (before: Instant) => Promise<number>;
}

/** The record of one machine, which gives its deliveries to the others and takes theirs. */
export interface DeliveryExchange {
  /**
   * From now on, what this machine records is to be sent. Where it joins a log only now, so is what it has recorded before.
   *
   * Nothing changes where it is a member already.
   */
  readonly join: (membership: Membership) => Promise<Added>;
  /** This machine is alone from now on. */
  readonly leave: () => Promise<void>;
  /** Returns what to send next: the same until it was taken back. Returns undefined while another process writes. */
  readonly outgoing: () => Promise<Outgoing | undefined>;
  /** The number of the last batch of each machine that this record has. */
  readonly known: () => Promise<ReadonlyMap<string, number>>;
  /**
   * Takes batches in, each once, in one transaction. A batch of this machine was sent with success.
   *
   * @param asOf a moment before the part was read
   */
  readonly take: (part: SharedPart, asOf: Instant) => Promise<Taken>;
}

export interface Membership {
  readonly machine: string;
  readonly log: string;
}

export interface Taken {
  readonly added: Added;
  /** Whether the record has all that is shared. */
  readonly isComplete: boolean;
}
