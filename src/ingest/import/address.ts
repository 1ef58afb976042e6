import { hash } from 'node:crypto';
import { PublisherError } from '../../errors.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { downloadedItems, once } from './content.ts';
import { type Download, download, mayPass, type Validators } from './download.ts';
import type { ImportSource, Item, OnNote } from './item.ts';
import { type NextPage, pageFacts } from './pages.ts';
import { feedsIn, isWebPage, type NamedFeed } from './web-page.ts';

interface ReadOptions {
  /** Whether a public server may lead into a private network; no by default. */
  readonly allowPrivate?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** How far a feed is read. */
export interface AddressOptions extends ReadOptions {
  /** Most pages of a feed; 1 reads only the page at the address. */
  readonly maxPages: number;
}

interface FindOptions extends ReadOptions {
  readonly validators?: Validators;
  /** Whether the address may be in a private network, as one that an operator typed; yes by default. */
  readonly mayBePrivate?: boolean;
}

/** A feed, or a list of records, at an address. */
export interface FoundFeed {
  /** The address of the feed, which a web page at the given address may have named. */
  readonly address: string;
  /** Whether the address may be in a private network: unless a public web page named it. */
  readonly mayBePrivate: boolean;
  readonly page: Download;
}

/** A page of a feed. */
export interface FeedPage extends ImportSource {
  /** Why the page cannot be downloaded; absent if it was. */
  readonly failure?: PublisherError;
}

const MAX_NAMED = 10;

/**
 * Downloads the feed at an address. If a web page is there, downloads the best feed that it names. Returns undefined if
 * nothing has changed since the validators.
 *
 * @param onNote receives which feed is taken, and the others
 * @throws PublisherError `unreachable_source`, also for a web page without a feed, and `too_large`
 */
export async function findFeed(
  address: string,
  onNote: OnNote,
  { mayBePrivate = true, validators, ...options }: FindOptions = {},
): Promise<FoundFeed | undefined> {
  const page = await download(address, { ...options, mayBePrivate, ...omitUndefined({ validators }) });
  if (page === undefined) return undefined;
  if (!isWebPage(page)) return { address, mayBePrivate, page };
  const [best, ...others] = feedsIn(page);
  if (best === undefined) throw noFeed(address, 'It names no feed either');
  onNote(`${address} is a web page. Its feed is imported: ${described(best)}.${othersIn(others)}`);
  const isNamedPrivately = page.isPrivate === true;
  const feed = await download(best.url, { ...options, mayBePrivate: isNamedPrivately });
  if (feed === undefined || isWebPage(feed)) throw noFeed(address, `Nor is the feed that it names, ${best.url}`);
  return { address: best.url, mayBePrivate: isNamedPrivately, page: feed };
}

function noFeed(address: string, more: string): PublisherError {
  const hint = `${more}. Give the address of the feed itself, such as /feed/, /rss.xml or /atom.xml below the site.`;
  return new PublisherError('unreachable_source', `${address} is a web page, not a feed.`, { hint });
}

function described({ url, title }: NamedFeed): string {
  return title === '' ? url : `${url} (${title})`;
}

function othersIn(others: readonly NamedFeed[]): string {
  if (others.length === 0) return '';
  const more = others.length > MAX_NAMED ? ` and ${others.length - MAX_NAMED} more` : '';
  return ` Its other feeds: ${others.slice(0, MAX_NAMED).map(described).join(', ')}${more}.`;
}

/** The source of a feed with its further pages. */
export function addressSource(feed: Pick<FoundFeed, 'address' | 'page'>, options: AddressOptions): ImportSource {
  return {
    name: feed.address,
    size: options.maxPages > 1 ? undefined : feed.page.bytes.length,
    async *items(onProgress, onSkipped, onNote = () => {}, onAdjusted = () => {}, onOldFeeds = () => {}) {
      for await (const page of feedPages(feed, options, onNote))
        yield* page.items(onProgress, onSkipped, onNote, onAdjusted, onOldFeeds);
    },
  };
}

/** Yields the pages of a feed, the newest first. A page that cannot be downloaded is a source with one problem, the last. */
export async function* feedPages(
  { address, page: first }: Pick<FoundFeed, 'address' | 'page'>,
  { maxPages, ...options }: AddressOptions,
  onNote: OnNote,
): AsyncGenerator<FeedPage> {
  const seen = createSeenPages();
  let page: Download | undefined = first;
  let name = address;
  let isGuess = false;
  for (let count = 1; page !== undefined; count += 1) {
    const { next, firstStory } = maxPages > 1 ? pageFacts(page) : { next: undefined, firstStory: undefined };
    if (seen.addPage(name, page) || (seen.addStory(firstStory) && isGuess)) return;
    yield pageSource(name, page);
    if (next === undefined || seen.hasAddress(next.url)) return;
    isGuess = next.isGuess;
    if (count >= maxPages) {
      onNote(
        `${address} has more pages than ${maxPages}: older stories were not read. Raise --max-pages to read them.`,
      );
      return;
    }
    name = next.url;
    const answer: Download | PublisherError | undefined = await nextDownload(next, {
      ...options,
      mayBePrivate: page.isPrivate === true,
    });
    if (answer instanceof PublisherError) yield unreadablePage(name, answer);
    page = answer instanceof PublisherError ? undefined : answer;
  }
}

/** Returns undefined where a guess leads nowhere: that is how the pages of WordPress end. */
async function nextDownload(
  { url, isGuess }: NextPage,
  options: ReadOptions & { readonly mayBePrivate: boolean },
): Promise<Download | PublisherError | undefined> {
  try {
    const page = await download(url, options);
    return isGuess && page !== undefined && (isWebPage(page) || pageFacts(page).firstStory === undefined)
      ? undefined
      : page;
  } catch (error) {
    if (!(error instanceof PublisherError)) throw error;
    return isGuess && /status 4\d\d/.test(error.hint ?? '') && !mayPass(error) ? undefined : error;
  }
}

/** Recognises a page that comes again, so that a loop ends. */
function createSeenPages() {
  const addresses = new Set<string>();
  const digests = new Set<string>();
  const stories = new Set<string>();
  return {
    hasAddress: (address: string) => addresses.has(address),
    /** Returns whether the page came before, at its address after redirects, or with the same bytes. */
    addPage(address: string, { url, bytes }: Download): boolean {
      const digest = hash('sha256', bytes);
      const isRepeated = addresses.has(url) || digests.has(digest);
      addresses.add(address).add(url);
      digests.add(digest);
      return isRepeated;
    },
    /** Returns whether another page began with the story. Archives may do so, but not the numbered pages of WordPress. */
    addStory(id: string | undefined): boolean {
      if (id === undefined) return false;
      const isRepeated = stories.has(id);
      stories.add(id);
      return isRepeated;
    },
  };
}

function pageSource(address: string, { bytes, type, url, charset, isPrivate }: Download): ImportSource {
  const size = bytes.length;
  async function* open(onRead: (bytes: number) => void) {
    onRead(size);
    yield* once(bytes);
  }
  return {
    name: address,
    size,
    items(onProgress, onSkipped, onNote, onAdjusted, onOldFeeds) {
      const content = { size, open, onProgress, onSkipped, onNote, onAdjusted, onOldFeeds, url, charset };
      const items = downloadedItems(address, bytes, type, content);
      return isPrivate === true ? privateItems(items) : items;
    },
  };
}

async function* privateItems(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  for await (const item of items) yield { ...item, isPrivate: true };
}

function unreadablePage(address: string, failure: PublisherError): FeedPage {
  const { hint = '' } = failure;
  const rule = `this page of the feed cannot be read, and older pages were not asked for: ${hint}`;
  async function* items(): AsyncGenerator<Item> {
    yield { file: address, content: { problems: [{ field: '', rule }] } };
  }
  return { name: address, size: 0, items, failure };
}
