import { isDeepStrictEqual } from 'node:util';
import type { Article } from '../../article/article.ts';
import { type ArticleText, articleText, withdrawnArticle } from '../../article/stored.ts';
import { type JsonText, jsonString } from '../../lib/json.ts';
import type { Put } from '../store.ts';
import type { KnownArticle } from './article-rows.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Whether a put only repeats an article that is withdrawn. It does where the record is the same, or where it makes the
 * same article. If the stored record itself withdrew the article, a record that does not is a different record.
 *
 * @param storedRecord the JSON of the record that the store has
 */
export function repeatsWithdrawn(
  { article, record }: Pick<Put, 'article' | 'record'>,
  known: Pick<KnownArticle, 'public_id' | 'article'>,
  storedRecord: string,
): boolean {
  const before = JSON.parse(storedRecord) as Fields;
  if (before.withdrawn != null) return false;
  const publicId = known.public_id; // an export adds it to the record
  const now = JSON.parse(jsonString(record)) as Fields;
  if (isDeepStrictEqual({ publicId, ...before }, { publicId, ...now })) return true;
  return textAfterWithdrawal(article, known) === known.article;
}

/** The article's text, had the article been withdrawn as the known one was. */
function textAfterWithdrawal({ text }: ArticleText, known: Pick<KnownArticle, 'article'>): JsonText {
  const article = JSON.parse(jsonString(text)) as Article;
  const withdrawal = article.withdrawn ?? (JSON.parse(known.article) as Article).withdrawn;
  return withdrawal === undefined ? text : articleText(withdrawnArticle(article, withdrawal)).text;
}
