import { type AtomFeed, type JsonFeed, parseFeed, type RssFeed } from 'feedsmith';
import { instant, type Reading } from './reading.ts';

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
    ...dates(item.pubDate, item.dcterms?.modified?.[0] ?? item.atom?.updated),
    authors: item.dc?.creators ?? names(item.authors),
    ...texts(item.content?.encoded, item.description),
  };
}

function fromAtom(entry: AtomFeed.Entry<string>): Reading {
  return {
    id: entry.id ?? '',
    title: entry.title?.value ?? '',
    link: entry.links?.find(({ rel }) => rel === undefined || rel === 'alternate')?.href ?? '',
    ...dates(entry.published, entry.updated),
    authors: names(entry.authors),
    ...texts(entry.content?.value, entry.summary?.value),
  };
}

function fromJson(item: JsonFeed.Item<string>): Reading {
  return {
    id: item.id ?? '',
    title: item.title ?? '',
    link: item.url ?? '',
    ...dates(item.date_published, item.date_modified),
    authors: names(item.authors),
    ...texts(item.content_html ?? item.content_text, item.summary),
  };
}

function names(people: readonly { readonly name?: string }[] | undefined): readonly string[] {
  return (people ?? []).flatMap(({ name }) => name ?? []);
}

function dates(published: string | undefined, updated: string | undefined): Pick<Reading, 'published' | 'updated'> {
  return {
    ...(published === undefined ? {} : { published: instant(published) }),
    ...(updated === undefined ? {} : { updated: instant(updated) }),
  };
}

/** An entry without a body of its own shows its summary as the body. */
function texts(content: string | undefined, summary: string | undefined): Pick<Reading, 'body' | 'summary'> {
  if (content === undefined) return { body: summary ?? '' };
  return { body: content, ...(summary === undefined ? {} : { summary }) };
}
