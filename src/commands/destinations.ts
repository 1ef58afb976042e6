import { openRecordedRedirects } from '../config/redirects/recorded-redirects.ts';
import { createOldAddresses, type Destination, type OldAddresses } from '../document/old-addresses.ts';
import { describeProblem } from '../errors.ts';
import type { DataFolder } from '../service/data-folder.ts';
import type { Terminal } from './terminal.ts';

/** Opens the old addresses of a data folder, as the service has them. Prints the mistakes in redirects.txt. */
export function openOldAddresses(
  { path, store, publication }: Pick<DataFolder, 'path' | 'store' | 'publication'>,
  { err }: Pick<Terminal, 'err'>,
): OldAddresses {
  const recorded = openRecordedRedirects(path, {
    systems: publication.builtInRedirects,
    onProblems: (problems, file) => {
      for (const problem of problems) err(describeProblem(problem, file));
    },
  });
  return createOldAddresses({ store, publication, recorded: recorded.table });
}

/** `/feeds/section/world.rss`, as people read it. */
export function describeDestination(destination: Destination): string {
  return destination === 'gone' ? 'gone (410)' : `/feeds/${destination.feed}.${destination.format}`;
}
