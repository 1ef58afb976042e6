import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Publication } from '../../config/publication.ts';
import { oldAddress, pathAndQueryOf } from '../../config/redirects/old-address.ts';
import { addressIn } from '../../config/redirects/recorded-lines.ts';
import { openRecordedRedirects, REDIRECTS_FILE } from '../../config/redirects/recorded-redirects.ts';
import type { Problem } from '../../errors.ts';
import type { FeedKey } from '../../feed/feeds.ts';
import { isMissing } from '../../ingest/import/list-files.ts';

/** What redirects.txt of a data folder says. */
export interface RecordedTargets {
  readonly problems: readonly Problem[];
  /** Old addresses without a pattern, and the feeds that they lead to. */
  readonly targets: readonly { readonly from: string; readonly feed: FeedKey; readonly line: number }[];
}

/** Reads redirects.txt, if there is one. */
export async function readRecordedTargets(path: string, { builtInRedirects }: Publication): Promise<RecordedTargets> {
  const problems: Problem[] = [];
  const recorded = openRecordedRedirects(path, {
    systems: builtInRedirects,
    onProblems: (found) => void problems.push(...found),
  });
  const table = await recorded.table();
  const targets = (await linesOf(join(path, REDIRECTS_FILE))).flatMap((text, index) => {
    const from = addressIn(text);
    const given = from === undefined ? undefined : pathAndQueryOf(from);
    const address = given === undefined ? undefined : oldAddress(given);
    const target = address === undefined ? undefined : table.exact(address);
    return from === undefined || target === undefined || target === 'gone'
      ? []
      : [{ from, feed: target.key, line: index + 1 }];
  });
  return { problems, targets };
}

async function linesOf(file: string): Promise<readonly string[]> {
  try {
    return (await readFile(file, 'utf8')).split('\n');
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
