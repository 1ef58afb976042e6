import type { Article } from '../../article/article.ts';
import type { Instant } from '../../lib/instant.ts';

/** When a story ends for a partner, as far as that is known before: by its own end, or with its rights. */
export function endOf({ expiresAt, rights }: Pick<Article, 'expiresAt' | 'rights'>): Instant | undefined {
  const ends = [expiresAt, rights?.endsAt].filter((end) => end !== undefined);
  return ends.length === 0 ? undefined : Math.min(...ends);
}
