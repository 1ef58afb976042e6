import { createCounters } from '../../telemetry/counters.ts';
import type { Log } from '../../telemetry/log.ts';
import type { DataFolder } from '../data-folder.ts';
import { openWriter } from '../writer.ts';

interface PrepareParts {
  readonly now: () => number;
  readonly log: Log;
  readonly fail: (error: unknown) => void;
  readonly progress: (work: string, done: number, total: number) => void;
}

/** Seconds to wait for files that may be incomplete: Markdown and text are read a second after the last write. */
const MOST_LOOKS = 5;

/**
 * Brings the store of a data folder up to date as a start of the service does, for an export without a service: the publication
 * is in force, the changed files of articles/ are published, all feeds are filled and all histories divided.
 *
 * @throws an error of the store
 */
export async function prepareSite(folder: DataFolder, { now, log, fail, progress }: PrepareParts): Promise<void> {
  const { store, publication } = folder;
  const writer = await openWriter(folder, {
    ...{ log, now, fail, progress },
    counters: createCounters(),
    announce: () => {},
    publication: () => publication,
    onErased: () => {},
  });
  try {
    await writer.start();
    for (let look = 0; look < MOST_LOOKS && writer.hasPending(); look += 1) await writer.whenIdle();
  } finally {
    await writer.close();
  }
  for (let left = await store.fillingFeeds(); left > 0; ) left = (await store.fillFeeds(now)).left;
  for (let after: string | undefined = ''; after !== undefined; ) after = (await store.divideHistory(after, now)).next;
}
