import { basename, join } from 'node:path';
import { REDIRECTS_FILE, recordRedirects } from '../config/redirects/recorded-redirects.ts';
import type { Destination } from '../document/old-addresses.ts';
import type { OldFeed } from '../ingest/import/old-feeds.ts';
import { rfc3339 } from '../lib/instant.ts';
import type { DataFolder } from '../service/data-folder.ts';
import { unwritable } from './arguments.ts';
import { describeDestination, openOldAddresses } from './destinations.ts';
import type { Terminal } from './terminal.ts';

/** Addresses that are printed one by one. The file has all. */
const MAX_PRINTED = 20;

/**
 * Records where the addresses of an old system lead, in the data folder. What the file says already stays.
 *
 * @throws PublisherError `unwritable_output`
 */
export async function recordOldFeeds(
  { path }: Pick<DataFolder, 'path'>,
  feeds: readonly OldFeed[],
  sources: readonly string[],
): Promise<void> {
  if (feeds.length === 0) return;
  const redirects = feeds.flatMap(({ addresses, feed }) => addresses.map((from) => ({ from, to: feed })));
  const names = sources.map((name) => basename(name)).join(', ');
  const heading = `# Imported from ${names}, ${rfc3339(Date.now()).slice(0, 10)}\n`;
  try {
    await recordRedirects(path, redirects, heading);
  } catch (error) {
    throw unwritable(join(path, REDIRECTS_FILE), error);
  }
}

/** Prints where the addresses of an old system lead; in a dry run, where they would lead. */
export async function printOldFeeds(
  folder: Pick<DataFolder, 'path' | 'store' | 'publication'>,
  feeds: readonly OldFeed[],
  { terminal, dryRun }: { readonly terminal: Terminal; readonly dryRun: boolean },
): Promise<void> {
  if (feeds.length === 0) return;
  const leading: string[] = [];
  const counts = { leading: 0, gone: 0, lost: 0 };
  const find = dryRun ? plannedDestination : finderOf(folder, terminal);
  for (const feed of merged(feeds)) {
    const [address = ''] = feed.addresses;
    const destination = await find(feed);
    if (destination === undefined) counts.lost += 1;
    else if (destination === 'gone') counts.gone += 1;
    else counts.leading += 1;
    if (destination === undefined || leading.length === MAX_PRINTED) continue;
    leading.push(`  ${address} → ${describeDestination(destination)}`);
  }
  const lost = counts.lost === 0 ? '' : `. Without a visible story, and 404 until there is one: ${counts.lost}`;
  terminal.out(
    `Old addresses${dryRun ? ', as they would be' : ''}: ${counts.leading} lead to feeds, ${counts.gone} gone${lost}`,
  );
  for (const line of leading) terminal.out(line);
  const more = counts.leading + counts.gone - leading.length;
  if (more > 0) terminal.out(`  and ${more} more`);
  if (dryRun) return;
  const file = join(folder.path, REDIRECTS_FILE);
  terminal.out(`They are in ${file}. To list all: check --data ${folder.path} --redirects ${file}`);
}

/** Files of one export name the same feeds. */
function merged(feeds: readonly OldFeed[]): readonly OldFeed[] {
  const byAddress = new Map<string | undefined, OldFeed>();
  for (const feed of feeds) {
    const [address] = feed.addresses;
    const isUsed = feed.isUsed || byAddress.get(address)?.isUsed === true;
    byAddress.set(address, { ...feed, isUsed });
  }
  return [...byAddress.values()];
}

type Find = (feed: OldFeed) => Promise<Destination | undefined>;

const plannedDestination: Find = async ({ feed, isUsed }) => {
  if (feed === undefined) return 'gone';
  return isUsed ? { feed, format: 'rss' } : undefined;
};

function finderOf(folder: Pick<DataFolder, 'path' | 'store' | 'publication'>, terminal: Terminal): Find {
  const { find } = openOldAddresses(folder, terminal);
  const at = Date.now();
  return async ({ addresses: [address = ''] }) => (address.includes('{') ? 'gone' : find(address, at));
}
