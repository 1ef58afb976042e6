import { parseFeed } from '@rowanmanning/feed-parser';
import { datesOf, type Reading, textOfHtml, textsOf } from './reading.ts';

/** The document as @rowanmanning/feed-parser (RSS and Atom) understood it. */
export function feedParser(text: string): readonly Reading[] {
  const { items, meta } = parseFeed(text);
  const isRss = meta.type === 'rss';
  return items.map((item) => ({
    id: item.id ?? '',
    title: item.title ?? '',
    link: item.url ?? '',
    ...datesOf(item.published?.toISOString(), item.updated?.toISOString()),
    authors: item.authors.flatMap(({ name }) => name ?? []),
    ...textsOf(
      item.content ?? undefined,
      (isRss ? item.description && textOfHtml(item.description) : item.description) ?? undefined,
    ),
  }));
}
