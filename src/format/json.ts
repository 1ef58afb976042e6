import type { Article } from '../article/article.ts';
import { archivePath, feedPath } from '../feed/feeds.ts';
import { rfc3339 } from '../lib/instant.ts';
import type { Tombstone } from '../store/store.ts';
import { jsonTerms } from '../terms/json-feed.ts';
import { authorsOf, type EntryOptions, type Head, type Renderer } from './renderer.ts';

/** JSON Feed 1.1 (jsonfeed.org/version/1.1). Made without `feed`, which knows only version 1. */
export const json: Renderer = { entry, entries, head, separator: ',\n', tail: '\n]}\n' };

function entries(articles: readonly Article[], options: EntryOptions): string[] {
  return articles.map((article) => entry(article, options));
}

function entry(article: Article, options: EntryOptions): string {
  const { image, media, source } = article;
  return JSON.stringify({
    id: article.publicId,
    url: article.url,
    external_url: source?.url,
    title: article.title,
    ...(options.content === 'full' ? { content_html: article.html } : { content_text: article.summary }),
    summary: article.summary,
    image: image?.url,
    date_published: rfc3339(article.publishedAt),
    date_modified: article.updatedAt === undefined ? undefined : rfc3339(article.updatedAt),
    authors: authorsOf(article, options).map(({ name, url, avatar }) => ({ name, url, avatar })),
    tags: nonEmpty([...article.sections, ...article.tags].map(({ name }) => name)),
    language: article.language,
    attachments: nonEmpty(
      media.map(({ url, type, title, length, duration }) => ({
        url,
        mime_type: type,
        title: title || undefined,
        size_in_bytes: length,
        duration_in_seconds: duration,
      })),
    ),
  });
}

function head(head: Head): string {
  const { feed, publication, tombstones, history, partner } = head;
  const { contact } = publication;
  const members = JSON.stringify({
    version: 'https://jsonfeed.org/version/1.1',
    title: feed.title,
    home_page_url: publication.url,
    feed_url: partner?.self ?? `${publication.feedsUrl}${feedPath(feed.key, 'json')}`,
    next_url:
      history?.older === undefined
        ? undefined
        : `${publication.feedsUrl}${archivePath(feed.key, history.older, 'json')}`,
    description: feed.description,
    icon: publication.icon,
    favicon: publication.favicon,
    authors: [{ name: contact?.name ?? publication.title, url: publication.url }],
    language: feed.language,
    _tombstones: withdrawals(tombstones),
    _terms: partner?.terms === undefined ? jsonTerms(publication) : { contract: partner.terms },
  });
  return `${members.slice(0, -1)},\n"items":[\n`;
}

/** Withdrawals in an object of our own, whose name needs an underscore (JSON Feed 1.1, "Extensions"). */
function withdrawals(tombstones: readonly Tombstone[]): object | undefined {
  if (tombstones.length === 0) return undefined;
  return {
    items: tombstones.map(({ publicId, at, reason }) => ({ id: publicId, date_withdrawn: rfc3339(at), reason })),
  };
}

/** The list, or undefined if it is empty, so that JSON leaves it out. */
function nonEmpty<Item>(list: readonly Item[]): readonly Item[] | undefined {
  return list.length === 0 ? undefined : list;
}
