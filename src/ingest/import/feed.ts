import { atomRecord } from './atom.ts';
import { jsonFeedRecords } from './jsonfeed.ts';
import { UnreadableRecord } from './record.ts';
import { rssRecord } from './rss.ts';
import type { SourceRecord } from './source-record.ts';
import { type XmlElement, xmlParts } from './xml.ts';
import { documentText } from './xml-encoding.ts';

interface FeedSource {
  /** The address of the feed. It is the base of relative addresses if the feed names no other. */
  readonly url?: string;
  /** The encoding that the HTTP header names. */
  readonly charset?: string;
}

/**
 * Reads the stories of a feed: those of RSS 0.9 to 2.0, Atom 0.3 and 1.0 one by one as they arrive, those of JSON Feed 1
 * and 1.1 when the document is complete. The feed's own language, authors, rights and links apply to the stories that
 * follow them in the document.
 *
 * A missing required field is left to `parseArticle`, which refuses the record. An optional field that is invalid, such
 * as a language that is no BCP 47 tag, is omitted.
 *
 * @throws UnreadableRecord with line and column, after all complete stories
 */
export async function* feedRecords(
  chunks: AsyncIterable<Uint8Array>,
  source: FeedSource,
): AsyncGenerator<SourceRecord> {
  const text = documentText(chunks, source.charset);
  const start: string[] = [];
  for (let next = await text.next(); !next.done; next = await text.next()) {
    start.push(next.value);
    if (next.value.trim() !== '') break;
  }
  const document = chained(start, text);
  const opening = start.at(-1)?.trimStart().at(0);
  if (opening === '{') yield* jsonFeedRecords(document, source.url);
  else if (opening === '<') yield* xmlFeedRecords(document, source);
  else throw new UnreadableRecord([{ field: '', rule: 'must be RSS, Atom or JSON Feed', line: 1 }]);
}

async function* chained(start: readonly string[], rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield* start;
  yield* rest;
}

const HEAD = new Set(
  'link atom:link language dc:language creativecommons:license cc:license atom:author atom:rights'.split(' '),
);
/** A feed has a handful of such elements. The limit keeps a hostile one from filling the memory. */
const MAX_HEAD = 1000;

async function* xmlFeedRecords(text: AsyncIterable<string>, source: FeedSource): AsyncGenerator<SourceRecord> {
  const head: XmlElement[] = [];
  for await (const part of xmlParts(text, { url: source.url })) {
    if (part.name === 'item') yield { record: rssRecord(part, head, source.url), line: part.line };
    else if (part.name === 'atom:entry') yield { record: atomRecord(part, head, source.url), line: part.line };
    else if (HEAD.has(part.name) && head.length < MAX_HEAD) head.push(part);
  }
}
