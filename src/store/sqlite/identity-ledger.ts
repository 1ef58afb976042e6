import type { Article } from '../../article/article.ts';
import { type ArticleText, articleText } from '../../article/stored.ts';
import type { Problem } from '../../errors.ts';
import { type Instant, rfc3339 } from '../../lib/instant.ts';
import { jsonString } from '../../lib/json.ts';
import type { Put } from '../store.ts';
import type { KnownArticle, Owner } from './article-rows.ts';

type KnownDates = Pick<KnownArticle, 'published' | 'withdrawn'>;

/** Whether readers may have seen the article by that moment. */
export function wasSeen({ published, withdrawn }: KnownDates, at: Instant): boolean {
  return published <= Math.min(at, withdrawn ?? at);
}

/** The moment from which readers can see an article; later than every date if it was withdrawn before. */
export function seenFrom(published: Instant, withdrawn: Instant | null | undefined): Instant {
  return published <= (withdrawn ?? published) ? published : Number.POSITIVE_INFINITY;
}

/** Whether readers may have seen an article before its withdrawal. */
export function wasVisible({ withdrawn, publishedAt }: Pick<ArticleText, 'withdrawn' | 'publishedAt'>): boolean {
  return withdrawn !== undefined && publishedAt <= withdrawn.at;
}

/** The article to keep: a known article keeps its public id where the record names none, whatever the parser built. */
export function withKnownPublicId(
  { article, hasDerivedPublicId }: Pick<Put, 'article' | 'hasDerivedPublicId'>,
  { public_id: publicId }: Pick<KnownArticle, 'public_id'>,
): ArticleText {
  if (hasDerivedPublicId !== true || publicId === article.publicId) return article;
  return articleText({ ...(JSON.parse(jsonString(article.text)) as Article), publicId });
}

/**
 * The rule that an update of a known article breaks; undefined where it breaks none. Once readers may have seen the
 * article, its date of first publication and its public id stay, and it cannot be withdrawn before that date.
 */
export function identityProblem(
  article: Pick<ArticleText, 'publicId' | 'publishedAt' | 'withdrawn'>,
  known: KnownDates & Pick<KnownArticle, 'public_id'>,
  at: Instant,
): Problem | undefined {
  if (!wasSeen(known, at)) return undefined;
  const { publicId, publishedAt, withdrawn } = article;
  if (publishedAt !== known.published) {
    const rule = `must stay ${rfc3339(known.published)}, the date of first publication (an embargo counts as its end)`;
    return { field: 'publishedAt', value: rfc3339(publishedAt), rule };
  }
  if (publicId !== known.public_id) return { field: 'publicId', value: publicId, rule: `must stay ${known.public_id}` };
  if (withdrawn === undefined || wasVisible(article)) return undefined;
  const rule = `must not be before ${rfc3339(known.published)}, the date of first publication`;
  return { field: 'withdrawn.at', value: rfc3339(withdrawn.at), rule };
}

/** The problem of a public id that another article has. */
export function takenPublicId(publicId: string, owner: Owner | undefined): Problem {
  const kind = owner?.erased === 1 ? 'erased article' : 'article';
  return { field: 'publicId', value: publicId, rule: `is the identity of the ${kind} ${owner?.id}` };
}

/** The problem of a record whose id an erased article has. */
export function erasedId(id: string): Problem {
  return { field: 'id', value: id, rule: 'is the id of an article that was erased for good: use another id' };
}

/** The problem of a tombstone from a store that has erased an article, where this store still has the article. */
export const NOT_ERASED_HERE: Problem = {
  field: 'erased',
  rule: 'names an article that is not erased here: erase it with the command erase',
};
