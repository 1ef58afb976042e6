import type { Newsroom } from '../article/newsroom.ts';
import type { PublisherError } from '../errors.ts';
import type { YieldToLoop } from '../lib/yield-to-loop.ts';
import { openParsePool, type ParsePool } from './parse-pool.ts';
import type { ParsedRecord, UnparsedRecord } from './unparsed-record.ts';

/**
 * Bytes or characters of a record from which on it is parsed in a thread. In this thread, a record of one byte less takes
 * 20 ms at most.
 */
const LARGE_RECORD = 16 * 1024;

/** One thread is always free for another client, whatever a client sends. The second one starts when it is needed. */
const THREADS = { threads: 2, perClient: 1 };

/**
 * Parses records for a service: in this thread, with the event loop going round in between, and those that take long in threads, which start with the
 * first of them.
 */
export function openParser(newsroom: Newsroom, yieldToLoop: YieldToLoop): ParsePool {
  const pool = openParsePool(newsroom, THREADS);

  async function parseInPool(record: UnparsedRecord): Promise<ParsedRecord | PublisherError> {
    const [result] = await pool.parse([record]);
    if (result === undefined) throw new Error('the pool returned no result for a record');
    return result;
  }

  return {
    async parse(records) {
      if (records.length === 0) return [];
      const { parseQuickRecord } = await import('./parse-record.ts'); // most starts have no new record
      const results: (ParsedRecord | PublisherError | Promise<ParsedRecord | PublisherError>)[] = [];
      for (const record of records) {
        const isLarge = record.json.length >= LARGE_RECORD;
        if (!isLarge) await yieldToLoop();
        const result = (isLarge ? undefined : parseQuickRecord(record, newsroom)) ?? parseInPool(record);
        if (result instanceof Promise) result.catch(() => {}); // it is awaited below, after the others
        results.push(result);
      }
      return Promise.all(results);
    },
    close: pool.close,
  };
}
