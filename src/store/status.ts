import type { Article } from '../article/article.ts';
import type { Instant } from '../lib/instant.ts';
import type { Status } from './store.ts';

/** The status of an article at a moment. */
export function statusAt(
  { publishedAt, expiresAt, withdrawn }: Pick<Article, 'publishedAt' | 'expiresAt' | 'withdrawn'>,
  at: Instant,
): Status {
  if (withdrawn !== undefined) return 'withdrawn';
  if (publishedAt > at) return 'embargoed';
  return expiresAt !== undefined && expiresAt <= at ? 'expired' : 'visible';
}
