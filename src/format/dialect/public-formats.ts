import { type Format, MEDIA_TYPES } from '../../feed/feeds.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { EntryOptions, Head } from '../renderer.ts';
import { RENDERERS } from '../renderers.ts';
import type { DialectHead, DialectOptions, DialectRenderer } from './dialect.ts';

/** The formats of the publication's own feeds, as formats of a dialect: what does not differ has the same bytes. */
export const PUBLIC_FORMATS = {
  rss: publicFormat('rss'),
  atom: publicFormat('atom'),
  json: publicFormat('json'),
} as const satisfies Readonly<Record<Format, DialectRenderer>>;

function publicFormat(format: Format): DialectRenderer {
  const { entry, head, separator, tail } = RENDERERS[format];
  return {
    mediaType: MEDIA_TYPES[format],
    head: (own) => head(headOf(own)),
    entry: (item, options) => entry(item.article, entryOptions(options)),
    separator,
    tail,
  };
}

/** What an entry of a partner's feed depends on. The terms of a contract stand in the place of the publication's. */
export function entryOptions({ content, feedLanguage, feedsUrl, publisher, terms }: DialectOptions): EntryOptions {
  const { title, url } = publisher;
  const underContract = { title, url, feedsUrl: publisher.feedsUrl };
  return { content, feedLanguage, feedsUrl, publisher: terms === undefined ? publisher : underContract };
}

function headOf(head: DialectHead): Head {
  const { title, description, language, content, self, id, publication, updatedAt, publishedAt, tombstones, terms } =
    head;
  return omitUndefined({
    // The key and the size are for addresses and documents of readers' feeds.
    feed: { key: '', entries: 0, title, description, language, content },
    publication:
      terms === undefined ? publication : omitUndefined({ ...publication, license: undefined, terms: undefined }),
    updatedAt,
    publishedAt,
    tombstones,
    partner: omitUndefined({ self, id, terms }),
  });
}
