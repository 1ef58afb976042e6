import RssParser from 'rss-parser';
import { datesOf, type Reading, textOfHtml, textsOf } from './reading.ts';

/** The members of an item that rss-parser's types do not describe. */
interface More {
  readonly id?: string;
  readonly author?: string;
  readonly 'content:encoded'?: string;
}

/** The document as rss-parser (RSS and Atom) understood it. It has no date of update, and only the first author. */
export async function rssParser(text: string): Promise<readonly Reading[]> {
  const { items } = await new RssParser<object, More>().parseString(text);
  const isRss = text.includes('<rss ');
  return items.map((item) => ({
    id: (isRss ? item.guid : item.id) ?? '',
    title: item.title ?? '',
    link: item.link ?? '',
    ...datesOf(item.isoDate, undefined),
    authors: [item.creator ?? item.author ?? ''],
    ...(isRss
      ? textsOf(item['content:encoded'], item.content && textOfHtml(item.content))
      : textsOf(item.content, item.summary)),
  }));
}
