import type { Representations } from '../../document/representation.ts';
import { archivePath, type DocumentFormat, type FeedKey, feedPath, MEDIA_TYPES } from '../../feed/feeds.ts';
import { archiveAddress, feedAddress } from '../../pages/addresses.ts';
import type { MadeDocument } from './part-writer.ts';
import { documentCaching, type SiteRun } from './site-run.ts';

type Run = Pick<SiteRun, 'publication' | 'target'>;

/** The file of a feed's document, or of a page of its archive: its address without percent-encoding. */
export function fileOf({ target }: Pick<Run, 'target'>, key: FeedKey, format: DocumentFormat, page?: number): string {
  if (format !== 'html')
    return decodeURIComponent(page === undefined ? feedPath(key, format) : archivePath(key, page, format));
  return decodeURIComponent(page === undefined ? feedAddress(key) : archiveAddress(key, page)) + target.pageEnding;
}

/** A document of a feed for its file. */
export function feedDocument(run: Run, { document, body, etag }: Representations): MadeDocument {
  const { feed, format, page, changedAt } = document;
  const type = `${format === 'html' ? 'text/html' : MEDIA_TYPES[format]}; charset=utf-8`;
  const caching = documentCaching(run.publication);
  return { path: fileOf(run, feed.key, format, page), type, caching, body, etag: etag('identity'), changedAt };
}
