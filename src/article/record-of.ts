import { rfc3339 } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { Article, Author } from './article.ts';

/**
 * Writes a record for an article whose own record is lost. `parseArticle` makes the same article of it. A withdrawal is not in
 * it, as it is not in the records of articles that are withdrawn through the API.
 */
export function recordOf(article: Article): object {
  const { direction: _, html, withdrawn: __, authors, sections, tags, ...fields } = article;
  const { publishedAt, updatedAt, embargoUntil, expiresAt, correction, rights } = article;
  return omitUndefined({
    ...fields,
    body: html,
    authors: authors.map(authorOf),
    sections: sections.map(({ name }) => name),
    tags: tags.map(({ name }) => name),
    publishedAt: rfc3339(publishedAt),
    updatedAt: updatedAt === undefined ? undefined : rfc3339(updatedAt),
    embargoUntil: embargoUntil === undefined ? undefined : rfc3339(embargoUntil),
    expiresAt: expiresAt === undefined ? undefined : rfc3339(expiresAt),
    correction: correction && { ...correction, at: rfc3339(correction.at) },
    rights: rights && (rights.endsAt === undefined ? rights : { ...rights, endsAt: rfc3339(rights.endsAt) }),
  });
}

function authorOf({ slug: _, ...author }: Author): Omit<Author, 'slug'> {
  return author;
}
