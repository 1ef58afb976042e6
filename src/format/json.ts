import type { Article, Author } from '../article/article.ts';
import { feedPath } from '../feed/feeds.ts';
import { rfc3339 } from '../lib/instant.ts';
import type { Tombstone } from '../store/store.ts';
import type { EntryOptions, Head, Renderer } from './renderer.ts';

/** JSON Feed 1.1 (jsonfeed.org/version/1.1). `feed` knows only version 1, so none of it goes through `feed`. */
export const json: Renderer = { entry, entries, head, separator: ',\n', tail };

function entries(articles: readonly Article[], options: EntryOptions): string[] {
  return articles.map((article) => entry(article, options));
}

function entry(article: Article, { content }: EntryOptions): string {
  const { image, media, source } = article;
  return JSON.stringify({
    id: article.publicId,
    url: article.url,
    external_url: source?.url,
    title: article.title,
    ...(content === 'full' ? { content_html: article.html } : { content_text: article.summary }),
    summary: article.summary,
    image: image?.url,
    date_published: rfc3339(article.publishedAt),
    date_modified: article.updatedAt === undefined ? undefined : rfc3339(article.updatedAt),
    authors: some(article.authors.map(({ name, url, avatar }: Author) => ({ name, url, avatar }))),
    tags: some([...article.sections, ...article.tags].map(({ name }) => name)),
    language: article.language,
    attachments: some(
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

function head({ feed, publication }: Head): string {
  const { contact } = publication;
  const members = JSON.stringify({
    version: 'https://jsonfeed.org/version/1.1',
    title: feed.title,
    home_page_url: publication.url,
    feed_url: `${publication.feedsUrl}${feedPath(feed.key, 'json')}`,
    description: feed.description,
    icon: publication.icon,
    favicon: publication.favicon,
    authors: [{ name: contact?.name ?? publication.title, url: publication.url }],
    language: feed.language,
  });
  return `${members.slice(0, -1)},\n"items":[\n`;
}

/** Withdrawals, in an object of our own as the format allows them: with an underscore (JSON Feed 1.1, Extensions). */
function tail(tombstones: readonly Tombstone[]): string {
  if (tombstones.length === 0) return '\n]}\n';
  const list = tombstones.map(({ publicId, at, reason }) => ({ id: publicId, date_withdrawn: rfc3339(at), reason }));
  return `\n],\n"_tombstones":${JSON.stringify({ items: list })}}\n`;
}

/** JSON Feed leaves out what is empty. */
function some<Item>(list: readonly Item[]): readonly Item[] | undefined {
  return list.length === 0 ? undefined : list;
}
