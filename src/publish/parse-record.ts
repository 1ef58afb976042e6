import type { Adjustment } from '../article/adjustments.ts';
import { parseArticle } from '../article/article.ts';
import type { Newsroom } from '../article/newsroom.ts';
import { articleText } from '../article/stored.ts';
import { warningsOf } from '../article/warnings.ts';
import { excerpt, PublisherError } from '../errors.ts';
import { ownKeys } from '../feed/feeds.ts';
import { parseJson } from '../lib/json.ts';
import { composed } from '../lib/text.ts';
import { isErasedRecord, parseErasedRecord } from './erased-record.ts';
import { asReceived, idOf, type ParsedRecord, type UnparsedRecord } from './unparsed-record.ts';

/** Parses a record, or returns the error that refuses it. */
export function parseRecord(unparsed: UnparsedRecord, newsroom: Newsroom): ParsedRecord | PublisherError {
  return refusing(unparsed, (received) => parseReceived(received, unparsed, newsroom));
}

/** The same for a thread that has other work as well; undefined for a record that would take long. */
export function parseQuickRecord(
  unparsed: UnparsedRecord,
  newsroom: Newsroom,
): ParsedRecord | PublisherError | undefined {
  return refusing(unparsed, (received) => (isSlow(received) ? undefined : parseReceived(received, unparsed, newsroom)));
}

/** Microseconds that a body may take. */
const QUICK = 12_000;

/** Whether the body takes long for its length: Markdown with many brackets or columns, which stand for links and cells. */
function isSlow(record: unknown): boolean {
  if (!isObject(record) || Reflect.get(record, 'bodyFormat') !== 'markdown') return false;
  const body: unknown = Reflect.get(record, 'body');
  if (typeof body !== 'string') return false;
  const marks = body.length > QUICK ? 0 : (body.match(/[[|]/g)?.length ?? 0);
  return body.length + 6 * marks > QUICK;
}

function refusing<Result>(unparsed: UnparsedRecord, parse: (received: unknown) => Result): Result | PublisherError {
  let { id } = unparsed;
  try {
    const received = parseJson(unparsed.json);
    id ??= idOf(received) || undefined;
    return parse(received);
  } catch (error) {
    if (!(error instanceof PublisherError)) throw error;
    return id === undefined ? error : error.about(id);
  }
}

function parseReceived(received: unknown, unparsed: UnparsedRecord, newsroom: Newsroom): ParsedRecord {
  const record = withDate(withId(received, unparsed.id), unparsed.publishedAt);
  if (isObject(record) && isErasedRecord(record)) return parseErasedRecord(record);
  const adjustments: Adjustment[] = [];
  const article = parseArticle(record, newsroom, (made) => adjustments.push(made));
  const warnings = warningsOf(article, record, newsroom);
  const isRewritten = unparsed.isCompacted === true || record !== received;
  return {
    article: articleText(article),
    record: isRewritten ? JSON.stringify(record) : asReceived(unparsed),
    feeds: ownKeys(article),
    hasDerivedPublicId: Reflect.get(Object(record), 'publicId') == null,
    ...(adjustments.length === 0 ? {} : { adjustments }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

/**
 * The record with this id, or with its own as text: content systems number their articles. A record that names another id
 * is a mistake of its sender.
 */
function withId(record: unknown, id: string | undefined): unknown {
  if (!isObject(record)) return record;
  const own: unknown = Reflect.get(record, 'id');
  if (id === undefined) return Number.isSafeInteger(own) ? { ...record, id: String(own) } : record;
  if (own === undefined || own === null || composed(String(own)) === id) return { ...record, id };
  throw new PublisherError('invalid_article', 'The record names the id of another article.', {
    problems: [{ field: 'id', value: excerpt(String(own)), rule: `must be ${id}, as in the address, or left out` }],
  });
}

/** The record with this date, unless it names one. */
function withDate(record: unknown, publishedAt: string | undefined): unknown {
  return publishedAt === undefined || !isObject(record) ? record : { publishedAt, ...record };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
