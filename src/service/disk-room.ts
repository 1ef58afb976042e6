import { PublisherError } from '../errors.ts';

/** Bytes that work needs on a disk, and that are free there. */
export interface Room {
  readonly needed: number;
  readonly free: number;
}

interface Work {
  /** What needs the room, as the subject of a sentence. */
  readonly work: string;
  /** What to do if there is too little. */
  readonly hint: string;
}

/** @throws PublisherError `insufficient_storage` */
export function requireRoom(room: Room, work: Work): void {
  const error = roomError(room, work);
  if (error !== undefined) throw error;
}

/** The error of a disk without enough room. */
export function roomError({ needed, free }: Room, { work, hint }: Work): PublisherError | undefined {
  if (needed <= free) return undefined;
  const message = `${work} needs ${megabytes(needed)} on the disk, but ${megabytes(free)} are free.`;
  return new PublisherError('insufficient_storage', message, { hint });
}

/** A number of bytes for people: `1,234 MB`. */
export function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`;
}
