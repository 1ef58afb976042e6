import { type AtomFeed, type JsonFeed, parseFeed, type RssFeed } from 'feedsmith';
import { datesOf, type Reading, textOfHtml, textsOf } from './reading.ts';

/** The document as feedsmith (RSS, Atom and JSON Feed) understood it. Throws when it does not recognise it. */
export function feedsmith(text: string): readonly Reading[] {
  const { format, feed } = parseFeed(text);
  if (format === 'rss') return (feed.items ?? []).map(fromRss);
  if (format === 'atom') return (feed.entries ?? []).map(fromAtom);
  if (format === 'json') return (feed.items ?? []).map(fromJson);
  throw new Error(`feedsmith took the feed for ${format}`);
}

function fromRss(item: RssFeed.Item<string>): Reading {
  return {
    id: item.guid?.value ?? '',
    title: item.title ?? '',
    link: item.link ?? '',
    ...datesOf(item.pubDate, item.dcterms?.modified?.[0] ?? item.atom?.updated),
    authors: item.dc?.creators ?? names(item.authors),
    ...textsOf(item.content?.encoded, item.description && textOfHtml(item.description)),
  };
}

function fromAtom(entry: AtomFeed.Entry<string>): Reading {
  return {
    id: entry.id ?? '',
    title: plainText(entry.title) ?? '',
    link: entry.links?.find(({ rel }) => rel === undefined || rel === 'alternate')?.href ?? '',
    ...datesOf(entry.published, entry.updated),
    authors: names(entry.authors),
    ...textsOf(entry.content?.value, plainText(entry.summary)),
  };
}

function fromJson(item: JsonFeed.Item<string>): Reading {
  return {
    id: item.id ?? '',
    title: item.title ?? '',
    link: item.url ?? '',
    ...datesOf(item.date_published, item.date_modified),
    authors: names(item.authors),
    ...textsOf(item.content_html ?? item.content_text, item.summary),
  };
}

/** What a text construct says (RFC 4287 §3.1). */
function plainText(construct: AtomFeed.Entry<string>['title']): string | undefined {
  return construct?.type === 'html' ? textOfHtml(construct.value) : construct?.value;
}

function names(people: readonly { readonly name?: string }[] | undefined): readonly string[] {
  return (people ?? []).flatMap(({ name }) => name ?? []);
}
