import { archivePath, type Format, feedPath, MEDIA_TYPES } from '../feed/feeds.ts';
import { webUrl } from '../lib/url.ts';
import type { Head } from './renderer.ts';
import { element } from './xml.ts';

const DC_TERMS = 'http://purl.org/dc/terms/';
const HISTORY = 'http://purl.org/syndication/history/1.0';

/** The address of the document itself, in a format. */
export function selfAddress({ feed, publication, history, partner }: Head, format: Format): string {
  if (partner !== undefined) return partner.self;
  const path = history?.page === undefined ? feedPath(feed.key, format) : archivePath(feed.key, history.page, format);
  return `${publication.feedsUrl}${path}`;
}

/**
 * What the document is in the history of its feed, and the links to its neighbours (RFC 5005). A complete feed has no such
 * links. The newest page of an archive also has a link to the next one, which does not exist yet: its address leads to the
 * current document until then. So a page stays as it is when the next one is made.
 *
 * @param link the name of Atom's element for a link
 */
export function historyElements(head: Head, format: Format, link: 'link' | 'atom:link'): string[] {
  const { feed, publication, history } = head;
  if (history === undefined) return [];
  if (history.isComplete === true) return [element('fh:complete', { 'xmlns:fh': HISTORY })];
  const linkTo = (rel: string, path: string) =>
    element(link, { rel, type: MEDIA_TYPES[format], href: `${publication.feedsUrl}${path}` });
  const linkToPage = (rel: string, page: number | undefined) =>
    page === undefined ? [] : [linkTo(rel, archivePath(feed.key, page, format))];
  const isArchive = history.page !== undefined;
  return [
    ...(isArchive
      ? [element('fh:archive', { 'xmlns:fh': HISTORY }), linkTo('current', feedPath(feed.key, format))]
      : []),
    ...linkToPage('prev-archive', history.older),
    ...linkToPage('next-archive', history.newer),
  ];
}

/**
 * The terms of a partner's contract: a link to them, or a sentence. Not `rights`, which is the copyright line.
 *
 * @param link the name of Atom's element for a link
 */
export function contractElements({ partner }: Head, link: 'link' | 'atom:link'): string[] {
  const terms = partner?.terms;
  if (terms === undefined) return [];
  if (webUrl(terms) === terms) return [element(link, { rel: 'license', href: terms })];
  return [element('dcterms:license', { 'xmlns:dcterms': DC_TERMS }, terms)];
}
