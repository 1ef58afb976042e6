import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LONGEST_ADDRESS, oldAddress, pathAndQueryOf } from '../config/redirects/old-address.ts';
import { linesOf } from '../lib/lines.ts';

/** Reads lists of old addresses, and access logs. */

/** An address in a list. */
export interface ListedAddress {
  /** The path with its query, as the first line has it. */
  readonly address: string;
  /** Lines with this address. */
  readonly count: number;
}

interface AddressList {
  readonly addresses: readonly ListedAddress[];
  /** Lines that are neither an address that a feed can have nor a line of a log. */
  readonly unreadable: { readonly count: number; readonly first: number };
  /** Lines of a log that ask for no feed, or that the old site answered with an error. */
  readonly ignored: number;
  /** Whether there are more addresses than are kept. */
  readonly isCut: boolean;
}

/** Most different addresses. A site has a few for each feed; every more is an attack in its log. */
const MAX_ADDRESSES = 200_000;
const MAX_LINE = 64 * 1024;
const GZIP = Buffer.from([0x1f, 0x8b]);

/** The request and the status in a line of an access log, in the common or the combined format. */
const LOG_LINE = /"([A-Z]{3,10}) (\S{1,10000})(?: HTTP\/[\d.]+)?" (\d{3}) /;
const IS_LOG = /^\S.{0,500}?\[[^\]]{10,40}\] "/;

/**
 * @param onProgress receives the bytes of the file that were read
 * @param most different addresses that are kept
 */
export async function readAddresses(
  file: string,
  onProgress: (bytes: number) => void,
  most = MAX_ADDRESSES,
): Promise<AddressList> {
  const found = new Map<string, { address: string; count: number }>();
  const unreadable = { count: 0, first: 0 };
  let ignored = 0;
  let isCut = false;

  function countUnreadable(number: number): void {
    unreadable.count += 1;
    unreadable.first ||= number;
  }

  function take(line: string, number: number): void {
    const isLog = IS_LOG.test(line);
    const given = isLog ? requestedFeed(line) : addressOf(line);
    if (given === undefined) {
      if (isLog) ignored += 1;
      else if (!/^\s*(?:#|$)/.test(line)) countUnreadable(number);
      return;
    }
    if (given.includes('{')) return; // a pattern in redirects.txt
    if (given.length > LONGEST_ADDRESS) {
      countUnreadable(number); // a map compares long texts of one length letter by letter: V8 hashes only their lengths
      return;
    }
    const key = keyOf(given);
    const known = found.get(key);
    if (known !== undefined) known.count += 1;
    else if (found.size < most) found.set(key, { address: withoutLine(given), count: 1 });
    else isCut = true;
  }

  for await (const group of linesOf(await bytesOf(file, onProgress), MAX_LINE)) {
    for (const { number, bytes } of group) {
      if (bytes !== undefined) take(bytes.toString(), number);
      else countUnreadable(number);
    }
  }
  return { addresses: [...found.values()], unreadable, ignored, isCut };
}

async function bytesOf(file: string, onRead: (bytes: number) => void): Promise<AsyncIterable<Uint8Array>> {
  const handle = await open(file);
  const head = Buffer.alloc(GZIP.length);
  await handle.read(head, 0, head.length, 0).finally(() => handle.close());
  const plain = plainBytes(file, onRead);
  if (!head.equals(GZIP)) return plain;
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  pipeline(Readable.from(plain), gunzip, () => {}); // the reader of its chunks gets its error
  return gunzip;
}

async function* plainBytes(file: string, onRead: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    onRead(chunk.length);
    yield chunk;
  }
}

function addressOf(line: string): string | undefined {
  const [word = ''] = line.trim().split(/\s/, 1);
  return word.startsWith('#') ? undefined : pathAndQueryOf(word);
}

/** The address of a feed in a line of a log, if the old site answered the request: what it refused had no readers. */
function requestedFeed(line: string): string | undefined {
  const [, method, target = '', status = ''] = LOG_LINE.exec(line) ?? [];
  if ((method !== 'GET' && method !== 'HEAD') || !/^(?:2\d\d|30[1278]|304)$/.test(status)) return undefined;
  const given = pathAndQueryOf(target);
  return given !== undefined && isFeedAddress(given) ? given : undefined;
}

/** A quick test, because most requests in a log are for something else. */
const MAY_BE_FEED = /feed|rss|atom|rdf|index\.xml/i;
/** The last part of an address: `feed`, `rss2`, `news.rss`, `atom.xml`, `my-feed.php`, `index.xml`. */
const FEED_NAME = /(?:^|[^a-z])(?:feeds?|rss2?|commentsrss2|atom|rdf)(?:\.(?:xml|json|php|aspx?))?$|^index\.xml$/;

/** Whether an address looks like that of a feed. */
function isFeedAddress(given: string): boolean {
  const address = MAY_BE_FEED.test(given) ? oldAddress(given) : undefined;
  if (address === undefined) return false;
  const { segments, query } = address;
  if (segments.at(-2) === 'feed' || FEED_NAME.test(segments.at(-1) ?? '') || query.has('feed')) return true;
  return ['format', 'alt', 'type'].some((name) => ['feed', 'rss', 'atom'].includes(query.get(name) ?? ''));
}

/** Parameters that readers and campaigns add to any address. */
const ADDED = /^(?:utm_\w+|_|fbclid|gclid)$/;

/** A copy: a part of a text keeps the whole text in memory, and a line may be long. */
function withoutLine(given: string): string {
  return Buffer.from(given).toString();
}

/** The same for addresses that differ in their form only. */
function keyOf(given: string): string {
  const address = oldAddress(given);
  if (address === undefined) return given;
  const counted = [...address.query].filter(([name]) => !ADDED.test(name)).sort();
  return `${address.segments.join('/')}?${counted.length === 0 ? '' : JSON.stringify(counted)}`;
}
