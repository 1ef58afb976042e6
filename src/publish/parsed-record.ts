import { type JsonText, withoutByteOrderMark } from '../lib/json.ts';
import type { Put } from '../store/store.ts';

/** A record as it was handed over: read already, or as JSON that is still to be read. */
export type Unparsed = { readonly record: unknown } | { readonly json: Uint8Array };

/** A record that was parsed: its article, ready to be kept, and the feeds the article is in by itself. */
export type ParsedRecord = Pick<Put, 'article' | 'record' | 'feeds' | 'hasDerivedPublicId'>;

/** The record as it is kept: as it was handed over. */
export function handedOver(raw: Unparsed): JsonText {
  return 'json' in raw ? withoutByteOrderMark(raw.json) : JSON.stringify(raw.record);
}
