import type { Adjustment } from '../article/adjustments.ts';
import { type Newsroom, parseArticle } from '../article/article.ts';
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
  let { id } = unparsed;
  try {
    const received = parseJson(unparsed.json);
    id ??= idOf(received) || undefined;
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
  } catch (error) {
    if (!(error instanceof PublisherError)) throw error;
    return id === undefined ? error : error.about(id);
  }
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
