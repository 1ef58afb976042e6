import { SaxesParser } from 'saxes';
import type { Format } from '../../feed/feeds.ts';

/** The address that a document gives as its own: `link rel="self"` of RSS and Atom, `feed_url` of JSON Feed. */
export function selfLinkIn(format: Format, text: string): string | undefined {
  return format === 'json' ? feedUrlIn(text) : linkIn(text);
}

function feedUrlIn(text: string): string | undefined {
  const feed: unknown = JSON.parse(text);
  const url: unknown = typeof feed === 'object' && feed !== null ? Reflect.get(feed, 'feed_url') : undefined;
  return typeof url === 'string' ? url : undefined;
}

function linkIn(text: string): string | undefined {
  const parser = new SaxesParser({ xmlns: true });
  let self: string | undefined;
  parser.on('opentag', ({ local, attributes }) => {
    if (local === 'link' && attributes.rel?.value === 'self') self ??= attributes.href?.value;
  });
  parser.write(text).close();
  return self;
}
