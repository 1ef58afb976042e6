import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { loadWithoutPartners } from '../config/publication.ts';
import type { Destination } from '../document/old-addresses.ts';
import { PublisherError } from '../errors.ts';
import { type FeedKey, FORMATS } from '../feed/feeds.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { isSystemError, systemReason } from '../lib/system-reason.ts';
import { composed } from '../lib/text.ts';
import { type DataFolder, hasStore, openDataFolder } from '../service/data-folder.ts';
import { grouped } from './damage-report.ts';
import { describeDestination, openOldAddresses } from './destinations.ts';
import { type ListedAddress, readAddresses } from './old-address-list.ts';
import { progressBar, type Terminal } from './terminal.ts';

interface CheckValues {
  readonly data: string;
  readonly json: boolean;
}

/** Where the addresses of a list lead. */
interface Checked {
  readonly leading: readonly (ListedAddress & { readonly destination: Exclude<Destination, 'gone'> })[];
  readonly gone: readonly ListedAddress[];
  /** Some with the feed that a redirect names for them, which has no visible story. */
  readonly lost: readonly (ListedAddress & { readonly feed?: FeedKey })[];
}

type AddressList = Awaited<ReturnType<typeof readAddresses>>;

/** Addresses that are looked up before progress is drawn. */
const PIECE = 1000;

/** Checks a list of old addresses. Returns the exit code. */
export async function checkRedirects(file: string, { data, json }: CheckValues, terminal: Terminal): Promise<number> {
  const path = resolve(data);
  const publication = loadWithoutPartners(path);
  if (!hasStore(path)) throw noStore(path);
  const list = await readList(file, terminal);
  const folder = openDataFolder(path, { publication });
  try {
    const checked = await checkedAddresses(list.addresses, folder, terminal);
    if (json) terminal.out(asJson(file, list, checked));
    else printText(list, checked, terminal);
    return checked.lost.length === 0 && !list.isCut ? 0 : 1;
  } finally {
    await folder.store.close();
  }
}

function noStore(path: string): PublisherError {
  return new PublisherError('store_unavailable', `There is no store in ${path}, so there are no feeds to lead to.`, {
    hint: 'Check --data. The first start of the service and the first import create a store.',
  });
}

async function readList(file: string, terminal: Terminal): Promise<AddressList> {
  const bar = progressBar(terminal, 'Reading');
  try {
    const { size } = await stat(file);
    let read = 0;
    return await readAddresses(file, (bytes) => {
      read += bytes;
      bar.update(read, size);
    });
  } catch (error) {
    const isDamaged = error instanceof Error && 'code' in error && /^Z_/.test(String(error.code));
    if (!isDamaged && !isSystemError(error)) throw error;
    const reason = isDamaged ? 'it is a damaged or incomplete gzip file' : systemReason(error);
    throw new PublisherError('usage', `No addresses can be read from ${file}: ${reason}.`, {
      hint: 'Check the path and its permissions. npm runs commands in the folder of the program: give absolute paths.',
      cause: error,
    });
  } finally {
    bar.stop();
  }
}

async function checkedAddresses(
  addresses: readonly ListedAddress[],
  folder: DataFolder,
  terminal: Terminal,
): Promise<Checked> {
  const { find, named } = openOldAddresses(folder, terminal);
  const bar = progressBar(terminal, 'Checking');
  const at = Date.now();
  const ownFeed = ownFeeds(folder, at);
  const checked = {
    leading: [] as Checked['leading'][number][],
    gone: [] as ListedAddress[],
    lost: [] as Checked['lost'][number][],
  };
  try {
    for (const [index, listed] of addresses.entries()) {
      if (index % PIECE === 0) bar.update(index, addresses.length);
      const path = belowService(listed.address, folder.publication.feedsUrl);
      const destination = (await ownFeed(path)) ?? (await find(path, at));
      if (destination === undefined) checked.lost.push(omitUndefined({ ...listed, feed: await named(path) }));
      else if (destination === 'gone') checked.gone.push(listed);
      else checked.leading.push({ ...listed, destination });
    }
    return checked;
  } finally {
    bar.stop();
  }
}

/** An address without the path of the service itself: the proxy before it has removed that. */
function belowService(address: string, feedsUrl: string): string {
  const prefix = new URL(feedsUrl).pathname;
  return address.startsWith(prefix) ? address.slice(prefix.length - 1) : address;
}

/** The key of a feed, and the number of a page of its archive if the address has one. */
const KEY_AND_PAGE = /^(.+?)(?:\/archive\/([1-9]\d{0,8}))?$/;

/** Returns a function that finds the feed that has an address already, as its own or as that of a page of its archive. */
function ownFeeds({ store, publication }: DataFolder, at: number): (path: string) => Promise<Destination | undefined> {
  const retired = new Map(publication.retired.map((each) => [each.feed, each]));
  return async (path) => {
    const [, text = '', ending] = /^\/feeds\/([^?]+)\.(\w+)\/?(?:\?|$)/i.exec(path) ?? [];
    const format = FORMATS.find((name) => name === ending);
    const [, key, page] = KEY_AND_PAGE.exec((format && decodedKey(text)) ?? '') ?? [];
    if (format === undefined || key === undefined) return undefined;
    const ended = retired.get(key);
    if (ended !== undefined) return ended.movedTo === undefined ? 'gone' : { feed: ended.movedTo, format };
    const [seen] = await store.seenFeeds([key], at);
    if (seen === undefined || (page !== undefined && (await store.archivePage(key, Number(page), at)) === undefined))
      return undefined;
    return { feed: seen.key, format };
  };
}

function decodedKey(text: string): string | undefined {
  try {
    return composed(decodeURIComponent(text));
  } catch {
    return undefined;
  }
}

function asJson(file: string, { unreadable, ignored, isCut }: AddressList, { leading, gone, lost }: Checked): string {
  return JSON.stringify({
    file,
    leading: leading.map(({ address, count, destination: { feed, format } }) => ({ address, count, feed, format })),
    gone,
    lost,
    ignored,
    unreadable: unreadable.count,
    isCut,
  });
}

function printText(list: AddressList, { leading, gone, lost }: Checked, { out, err }: Terminal): void {
  const hasCounts = list.addresses.some(({ count }) => count > 1);
  const described = ({ address, count }: ListedAddress) =>
    hasCounts ? `  ${address}  (${grouped(count, 'line')})` : `  ${address}`;
  const waiting = lost.filter(({ feed }) => feed !== undefined);
  const unknown = lost.filter(({ feed }) => feed === undefined);
  const headed = [
    ...leading.map((listed) => ({ listed, heading: describeDestination(listed.destination) })),
    ...gone.map((listed) => ({ listed, heading: 'gone (410)' })),
    ...waiting.map((listed) => ({ listed, heading: `${listed.feed}, without a visible story (404)` })),
    ...unknown.map((listed) => ({ listed, heading: 'lost (404)' })),
  ];
  for (const [heading, group] of Map.groupBy(headed, (each) => each.heading)) {
    out(`→ ${heading}`);
    for (const { listed } of group) out(described(listed));
  }
  out(`addresses to feeds: ${leading.length}, gone: ${gone.length}, lost: ${lost.length}`);
  if (list.ignored > 0)
    err(`Lines of the log without a feed, or with an error as the answer: ${list.ignored.toLocaleString('en')}`);
  if (list.unreadable.count > 0)
    err(
      `Lines that cannot be read: ${list.unreadable.count.toLocaleString('en')}, the first is line ${list.unreadable.first}. ${LINE_RULE}`,
    );
  if (list.isCut) err('The list has more different addresses than can be checked at once: split the file.');
  if (unknown.length > 0)
    err('Readers of lost addresses get 404. Name their feeds under redirects in publication.yaml: docs/configure.md.');
  if (waiting.length > 0)
    err('A feed without a visible story answers 404 until it has one. Wait for it, or name another feed.');
}

const LINE_RULE =
  'A line is a path that begins with a slash, a whole address, or a line of an access log. An address has 2000 characters at most.';
