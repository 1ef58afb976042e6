import { omitUndefined } from '../lib/omit-undefined.ts';
import type { Article, Media } from './article.ts';

/** The service's address with which articles were parsed, and the one at which it serves. Both end in a slash. */
export interface MovedAddress {
  readonly from: string;
  readonly to: string;
}

/** The address, if it is below `media/` of the service, at the place where the service is now. */
export function movedMediaUrl(url: string, { from, to }: MovedAddress): string {
  return url.startsWith(`${from}media/`) ? `${to}${url.slice(from.length)}` : url;
}

/**
 * The article with every file of the service at the place where the service is now. Its ids and links stay, also where they
 * have the same host.
 */
export function withMovedMedia(article: Article, moved: MovedAddress): Article {
  const url = (address: string) => movedMediaUrl(address, moved);
  const { html, authors, image, media } = article;
  return omitUndefined({
    ...article,
    html: html.replaceAll(`${moved.from}media/`, () => `${moved.to}media/`),
    authors: authors.map((author) =>
      author.avatar === undefined ? author : { ...author, avatar: url(author.avatar) },
    ),
    image: image && { ...image, url: url(image.url) },
    media: media.map((item) => movedItem(item, url)),
  });
}

function movedItem(item: Media, url: (address: string) => string): Media {
  const { transcript, chapters, persons } = item;
  return omitUndefined({
    ...item,
    url: url(item.url),
    transcript: transcript && { ...transcript, url: url(transcript.url) },
    chapters: chapters && { ...chapters, url: url(chapters.url) },
    persons: persons?.map((person) => (person.image === undefined ? person : { ...person, image: url(person.image) })),
  });
}
