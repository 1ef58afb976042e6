import { type Instant, rfc3339 } from '../../../lib/instant.ts';
import type { ArticleRule } from '../rule.ts';

/** Milliseconds by which the clocks of two machines may differ. */
const TOLERANCE = 5 * 60 * 1000;

const aheadOfTime: ArticleRule = {
  id: 'date-ahead',
  level: 'warning',
  title: 'Dates ahead',
  consumer: 'MSN, Yahoo and every reader that sorts by date',
  source: 'https://support.microsoft.com/en-us/msn/partner-hub/feed-content-specifications-in-msn-partner-hub',
  read: '2026-11-29',
  *look({ article: { publishedAt, updatedAt, embargoUntil } }, { at }) {
    const isAhead = (date: Instant | undefined): date is Instant => date !== undefined && date > at + TOLERANCE;
    if (isAhead(publishedAt) && publishedAt !== embargoUntil) {
      const message = 'is ahead: readers see nothing until then. If that is meant, write embargoUntil as well';
      yield { field: 'publishedAt', value: rfc3339(publishedAt), message };
    }
    if (isAhead(updatedAt)) {
      const message = 'is ahead: readers sort the story before everything that you publish until then';
      yield { field: 'updatedAt', value: rfc3339(updatedAt), message };
    }
  },
};

export const DATES: readonly ArticleRule[] = [aheadOfTime];
