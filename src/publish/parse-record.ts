import { type Newsroom, parseArticle } from '../article/article.ts';
import { articleText } from '../article/stored.ts';
import { PublisherError } from '../errors.ts';
import { ownKeys } from '../feed/feeds.ts';
import { parseJson } from '../lib/json.ts';
import { handedOver, type ParsedRecord, type Unparsed } from './parsed-record.ts';

/** The record as a candidate for the store, or why it is none. */
export function parsedOrRefused(raw: Unparsed, newsroom: Newsroom): ParsedRecord | PublisherError {
  try {
    const record = 'json' in raw ? parseJson(raw.json) : raw.record;
    const article = parseArticle(record, newsroom);
    const hasDerivedPublicId = Reflect.get(Object(record), 'publicId') == null;
    return { article: articleText(article), record: handedOver(raw), feeds: ownKeys(article), hasDerivedPublicId };
  } catch (error) {
    if (error instanceof PublisherError) return error;
    throw error;
  }
}
