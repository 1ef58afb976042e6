/** A thread that parses records; see parse-pool.ts. */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import type { Newsroom } from '../article/newsroom.ts';
import { PublisherError } from '../errors.ts';
import type { NamedKey } from '../feed/feeds.ts';
import { jsonString } from '../lib/json.ts';
import type { ParseReply, ParseTask, RecordReply, RefusalReply, ReplyResults } from './parse-messages.ts';
import { parseRecord } from './parse-record.ts';
import { createTextBuffer, type TextBuffer } from './text-buffer.ts';
import type { ParsedRecord } from './unparsed-record.ts';

// The thread that writes to the store limits the speed of an import: this thread gives way to it. Only Linux has
// priorities for single threads.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

const newsroom = workerData as Newsroom;

/** The largest table of feeds. The thread of a service lives as long as the service, and names come from outside. */
const MAX_FEEDS = 50_000;
const feedIndexes = new Map<string, number>();

/** The index of a feed in the table, which gets the feed where it is new. */
function indexOf(feed: NamedKey, newFeeds: NamedKey[]): number {
  const spelling = `${feed.key} ${feed.name}`; // a key has no spaces
  const known = feedIndexes.get(spelling);
  if (known !== undefined) return known;
  newFeeds.push(feed);
  feedIndexes.set(spelling, feedIndexes.size);
  return feedIndexes.size - 1;
}

function replyTo(
  result: ParsedRecord | PublisherError,
  texts: TextBuffer,
  newFeeds: NamedKey[],
): RecordReply | RefusalReply {
  if (result instanceof PublisherError) {
    const { code, message, problems, article } = result;
    return { refusal: { code, message, problems, article } };
  }
  const { article, record, feeds, ...rest } = result;
  const { text: json, ...dates } = article;
  const text = texts.add(jsonString(json));
  const rewritten = typeof record === 'string' ? texts.add(record) : undefined; // a string: the parser rewrote it
  const checksums = {
    article: texts.checksum(text),
    record: rewritten === undefined ? crc32(record) : texts.checksum(rewritten),
  };
  return {
    ...rest,
    article: dates,
    text,
    textChecksums: checksums,
    ...(rewritten === undefined ? {} : { record: rewritten }),
    feeds: feeds.map((feed) => indexOf(feed, newFeeds)),
  };
}

parentPort?.on('message', ({ number, records, json }: ParseTask) => {
  const isRewritten = records.some(({ id, publishedAt, isCompacted }) => id ?? publishedAt ?? isCompacted);
  const texts = createTextBuffer(Math.ceil(json.length * (isRewritten ? 2.25 : 1.25)));
  const newFeeds: NamedKey[] = [];
  const clearsFeeds = feedIndexes.size >= MAX_FEEDS;
  if (clearsFeeds) feedIndexes.clear();
  const results = records.map(({ start, end, ...rest }) =>
    replyTo(parseRecord({ ...rest, json: json.subarray(start, end) }, newsroom), texts, newFeeds),
  );
  const all: ReplyResults = { clearsFeeds, newFeeds, results };
  const reply: ParseReply = { number, results: JSON.stringify(all), texts: texts.take() };
  parentPort?.postMessage(reply, [reply.texts.buffer]);
});
