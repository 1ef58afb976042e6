import { webUrl } from '../lib/url.ts';
import { type MediaFacts, mediaFacts } from './media-facts.ts';

/** The context in which records are parsed. */
export interface Newsroom {
  /** The site, e.g. `https://example.com/`: the base of relative addresses, and the host in public ids. */
  readonly url: string;
  /** The public address of the feed service, ending in a slash; media is served below it. */
  readonly feedsUrl: string;
  readonly language: string;
  /** The folder with the files that are served below `media/`. */
  readonly mediaFolder: string;
  /** Whether ordinary bodies take the fast path of the sanitizer (default true). The result is the same. */
  readonly sanitizeFastPath?: boolean;
}

/** `/media/…` is a file of this service if the file exists; otherwise it is a path of the newsroom's site. */
export function mediaUrl(reference: string, newsroom: Newsroom): string | undefined {
  if (!reference.startsWith('/media/')) return undefined;
  const url = webUrl(reference.slice(1), newsroom.feedsUrl);
  return url !== undefined && localFacts(url, newsroom) !== undefined ? url : undefined;
}

/** Whether an address is that of a file in the media folder. */
export function isLocalFile(url: string, newsroom: Newsroom): boolean {
  return localFacts(url, newsroom) !== undefined;
}

/** The facts of a file in the media folder, by its address; undefined for any other address. */
export function localFacts(url: string, newsroom: Newsroom): MediaFacts | undefined {
  const folder = `${newsroom.feedsUrl}media/`;
  if (!url.startsWith(folder)) return undefined;
  try {
    return mediaFacts(newsroom.mediaFolder, decodeURIComponent(url.slice(folder.length)));
  } catch {
    return undefined; // an invalid percent-encoding
  }
}
