import type { Partner } from '../config/partners.ts';
import type { Dialect } from '../format/dialect/dialect.ts';
import type { Instant } from '../lib/instant.ts';
import type { StoredArticle } from '../store/store.ts';
import { partnerCopy } from './partner-copy.ts';
import { UNRENDERABLE } from './stories.ts';
import { type Refusal, refusalsOf } from './verdict.ts';

interface Judging {
  readonly partner: Partner;
  readonly dialect: Dialect | undefined;
  readonly at: Instant;
}

/** The first rule of a partner's dialect that leaves a story out at a moment; undefined where the story keeps all rules. */
export function storyRefusal(
  { article, revision }: Pick<StoredArticle, 'article' | 'revision'>,
  { partner, dialect, at }: Judging,
): Pick<Refusal, 'rule' | 'reason'> | undefined {
  if (dialect === undefined) return undefined;
  const { contentType, content = dialect.defaults.content } = partner;
  const updatedAt = article.updatedAt ?? article.publishedAt;
  const item = { article: partnerCopy(article, partner), contentType, content, updatedAt, revision };
  try {
    return refusalsOf(item, dialect, at)[0];
  } catch (error) {
    return { rule: UNRENDERABLE, reason: error instanceof Error ? error.message : String(error) };
  }
}
