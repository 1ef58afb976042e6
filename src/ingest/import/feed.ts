import { atomRecord } from './atom.ts';
import { jsonFeedRecords } from './jsonfeed.ts';
import { UnreadableRecord } from './record.ts';
import { rssRecord } from './rss.ts';
import type { SourceRecord } from './source-record.ts';
import { type XmlElement, xmlParts } from './xml.ts';
import { documentText } from './xml-encoding.ts';

interface FeedSource {
  /** Where the feed was found: what relative addresses are resolveAddress against, where the feed does not say it. */
  readonly url?: string;
}

/**
 * The stories of a feed: RSS 0.9 to 2.0, Atom 0.3 and 1.0 one by one as they arrive, JSON Feed 1 and 1.1 when all of
 * it is there. What a feed says of all its stories (language, authors, rights, links) is known for those below it.
 *
 * What a record requires and an item lacks is left to `parseArticle` to refuse; what is optional and cannot be used,
 * as a language that is no BCP 47 tag, is left out.
 *
 * @throws UnreadableRecord with line and column, after all stories that were complete
 */
export async function* feedRecords(
  chunks: AsyncIterable<Uint8Array>,
  source: FeedSource,
): AsyncGenerator<SourceRecord> {
  const text = documentText(chunks);
  const start: string[] = [];
  for (let next = await text.next(); !next.done; next = await text.next()) {
    start.push(next.value);
    if (next.value.trim() !== '') break;
  }
  const whole = chained(start, text);
  const opening = start.at(-1)?.trimStart().at(0);
  if (opening === '{') yield* jsonFeedRecords(whole, source.url);
  else if (opening === '<') yield* xmlFeedRecords(whole, source);
  else throw new UnreadableRecord([{ field: '', rule: 'must be RSS, Atom or JSON Feed', line: 1 }]);
}

async function* chained(start: readonly string[], rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield* start;
  yield* rest;
}

const HEAD = new Set(
  'link atom:link language dc:language creativecommons:license cc:license atom:author atom:rights'.split(' '),
);
/** A feed has a handful of each; what has more must not fill the memory. */
const MAX_HEAD = 1000;

async function* xmlFeedRecords(text: AsyncIterable<string>, source: FeedSource): AsyncGenerator<SourceRecord> {
  const head: XmlElement[] = [];
  for await (const part of xmlParts(text, source)) {
    if (part.name === 'item') yield { record: rssRecord(part, head, source.url), line: part.line };
    else if (part.name === 'atom:entry') yield { record: atomRecord(part, head, source.url), line: part.line };
    else if (HEAD.has(part.name) && head.length < MAX_HEAD) head.push(part);
  }
}
