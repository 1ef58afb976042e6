import type { Adjustment } from '../../article/adjustments.ts';
import type { Problem } from '../../errors.ts';
import { atomStory } from './atom.ts';
import { jsonFeedRecords } from './jsonfeed.ts';
import { UnreadableRecord } from './record.ts';
import { repeatedIds } from './repeated-ids.ts';
import { rssStory } from './rss.ts';
import type { ImportReport, SourceRecord } from './source-record.ts';
import type { FeedContext, Story } from './story.ts';
import { reportUnused } from './unused.ts';
import { textContent, type XmlElement } from './xml.ts';
import { type DocumentText, documentText } from './xml-encoding.ts';
import { type XmlPart, xmlParts } from './xml-parts.ts';

interface FeedSource {
  /** The address of the feed. It is the base of relative addresses if the feed names no other. */
  readonly url?: string | undefined;
  /** The charset of the header Content-Type. It counts more than what the document says (RFC 7303 §3). */
  readonly charset?: string | undefined;
  readonly report?: ImportReport;
}

/**
 * Reads the stories of a feed: those of RSS 0.9 to 2.0, Atom 0.3 and 1.0 one by one as they arrive, those of JSON Feed 1
 * and 1.1 when the document is complete. The feed's own language, authors, rights, links and date apply to all stories
 * that follow them in the document, and to the first stories of the document (see `MAX_HELD`).
 *
 * A missing required field is left to `parseArticle`, which refuses the record. An optional field that is invalid, such
 * as a language that is no BCP 47 tag, is omitted and reported.
 *
 * @throws UnreadableRecord with line and column, after all stories that can be read
 */
export async function* feedRecords(bytes: AsyncIterable<Uint8Array>, source: FeedSource): AsyncGenerator<SourceRecord> {
  const { chunks, encoding } = documentText(bytes, source.charset);
  const text = chunks[Symbol.asyncIterator]();
  const start: string[] = [];
  for (let next = await text.next(); !next.done; next = await text.next()) {
    start.push(next.value);
    if (next.value.trim() !== '') break;
  }
  const { report = SILENT } = source;
  const context = { ...source, report };
  const document = { chunks: chained(start, text), encoding };
  const opening = start.at(-1)?.trimStart().at(0);
  if (opening === '{') yield* distinct(jsonFeedRecords(document, context), report);
  else if (opening === '<') yield* distinct(xmlFeedRecords(document, context), report);
  else throw new UnreadableRecord([{ field: '', rule: 'must be RSS, Atom or JSON Feed', line: 1 }]);
}

const SILENT: ImportReport = { warning: () => {}, note: () => {}, unused: () => {} };

async function* chained(start: readonly string[], rest: AsyncIterator<string>): AsyncGenerator<string> {
  yield* start;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** Refuses or reports the stories with the identity of an earlier one, and reports that there are none at all. */
async function* distinct(stories: AsyncIterable<SourceRecord>, report: ImportReport) {
  const withOwnId = repeatedIds(report);
  let isEmpty = true;
  for await (const story of stories) {
    isEmpty = false;
    yield withOwnId(story);
  }
  if (isEmpty) report.note({ field: '', rule: 'has no items' });
}

const HEAD = new Set(
  (
    'link atom:link language dc:language creativecommons:license cc:license atom:author atom:rights atom:id pubdate ' +
    'lastbuilddate dc:date atom:updated atom:modified'
  ).split(' '),
);
/** Most such elements, and most characters of one. A feed has a handful, but they are read again for each of its stories. */
const MAX_HEAD = 100;
const MAX_HEAD_LENGTH = 8192;

const TOO_LONG = `must not be longer than ${MAX_HEAD_LENGTH} characters: it is left out`;
const TOO_MANY = `a feed must not have more than ${MAX_HEAD} elements of its own: it is left out`;

/**
 * The elements of a feed may stand behind its items. So the first items are read when these many follow, or the feed ends.
 * Feeds have up to some hundred items; only archives have more, and for those the memory must stay small.
 */
const MAX_HELD = 1000;
const MAX_HELD_SIZE = 4 * 1024 * 1024;

async function* xmlFeedRecords(
  document: DocumentText,
  source: Required<Pick<FeedSource, 'report'>> & FeedSource,
): AsyncGenerator<SourceRecord> {
  const { url, report } = source;
  const head: XmlElement[] = [];
  const read = (part: XmlPart) =>
    storyOfPart(part, (warn) => readerOf(part)(part.element, { head, address: url, warn }), report);
  for await (const items of heldBack(itemsOf(xmlParts(document, { url, onFault: report.warning }), head, report))) {
    for (const item of items) yield read(item);
  }
}

/** The items of a feed. Other parts go into its head. */
async function* itemsOf(
  parts: AsyncIterable<XmlPart>,
  head: XmlElement[],
  report: ImportReport,
): AsyncGenerator<XmlPart> {
  for await (const part of parts) {
    const { element, faults, problem } = part;
    if (READERS.has(element.name)) yield part;
    else {
      for (const fault of problem === undefined ? faults : [...faults, problem]) report.warning(fault);
      if (!HEAD.has(element.name)) continue;
      const rule =
        textContent(element).length > MAX_HEAD_LENGTH ? TOO_LONG : head.length >= MAX_HEAD ? TOO_MANY : undefined;
      if (rule === undefined) head.push(element);
      else report.warning({ field: `<${element.tag}>`, rule, line: element.line });
    }
  }
}

/** The first items together, then each by itself. An error comes after the items before it. */
async function* heldBack(items: AsyncIterable<XmlPart>): AsyncGenerator<readonly XmlPart[]> {
  let held: XmlPart[] | undefined = [];
  let size = 0;
  try {
    for await (const item of items) {
      size += item.size;
      if (held === undefined) yield [item];
      else if (held.push(item) === MAX_HELD || size > MAX_HELD_SIZE) {
        yield held;
        held = undefined;
      }
    }
  } catch (error) {
    if (held !== undefined) yield held;
    throw error;
  }
  if (held !== undefined) yield held;
}

const READERS: ReadonlyMap<string, (element: XmlElement, context: FeedContext) => Story> = new Map([
  ['item', rssStory],
  ['atom:entry', atomStory],
]);

function readerOf({ element }: XmlPart): (element: XmlElement, context: FeedContext) => Story {
  return READERS.get(element.name) ?? rssStory;
}

interface Fault {
  readonly problem: Problem;
  readonly made?: Adjustment | undefined;
}

/** Reads a part as a story, and reports its faults with the story's title. */
function storyOfPart(
  { element, faults, problem }: XmlPart,
  read: (warn: FeedContext['warn']) => Story,
  report: ImportReport,
): SourceRecord {
  const found: Fault[] = faults.map((problem) => ({ problem }));
  const { line } = element;
  const story = read((rule, field, made) => found.push({ problem: { field, rule, line }, made }));
  const { title } = story.record;
  for (const fault of found) report.warning(fault.problem, title, fault.made);
  reportUnused(element, report);
  const problems = problem === undefined ? story.problems : [problem];
  return { ...story, line, ...(problems === undefined ? {} : { problems: problems.map((one) => ({ line, ...one })) }) };
}
