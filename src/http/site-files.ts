import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import type { Publication } from '../config/publication.ts';
import { chooseCoding } from '../document/content-codings.ts';
import { preconditions } from '../document/preconditions.ts';
import { cacheControl, lastModifiedHeader } from '../document/representation.ts';
import { SITE_FILE_PATTERNS, SITE_FILES, type SiteFile, siteFileNamed } from '../document/site-file.ts';
import type { SiteFiles } from '../document/site-files.ts';
import { PublisherError } from '../errors.ts';
import type { Instant } from '../lib/instant.ts';
import type { CdnParts } from './cdn-headers.ts';
import { FOR_ALL } from './headers.ts';
import { nothingAt, respondWithBytes, respondWithRedirect } from './respond.ts';

export interface SiteFileParts extends CdnParts {
  readonly publication: Publication;
  readonly siteFiles: Pick<SiteFiles, 'get'>;
  readonly now: () => Instant;
  /** @throws PublisherError `too_many_requests` for a request that may have nothing but a 304 */
  readonly refuseOverdrawn: (request: IncomingMessage) => void;
  readonly keepSlot: (request: IncomingMessage) => void;
}

type Handler = RequestHandler<{ path: string[] }>;

/** The addresses of sitemaps in WordPress (since 5.5) and in its plugins. Crawlers ask for them for years. */
const WORDPRESS = ['sitemap_index.xml', 'wp-sitemap.xml', 'wp-sitemap-:part.xml', ':part-sitemap{:number}.xml'];

/** The list of feeds and the sitemaps, by their addresses, with those of an earlier system. */
export function siteFileRoutes(parts: SiteFileParts): [path: string, get: Handler][] {
  const handler = siteFileHandler(parts);
  const old: Handler = (_request, response) => respondWithRedirect(response, 'sitemap.xml');
  const oldPaths = parts.publication.builtInRedirects.includes('wordpress') ? WORDPRESS : [];
  return [
    ...[...SITE_FILES, ...SITE_FILE_PATTERNS].map((path): [string, Handler] => [`/${path}`, handler]),
    ...oldPaths.map((path): [string, Handler] => [`/${path}`, old]),
  ];
}

function siteFileHandler({ publication, siteFiles, now, cdn, refuseOverdrawn, keepSlot }: SiteFileParts): Handler {
  return async (request, response) => {
    keepSlot(request); // a compression that has begun goes on
    const name = siteFileNamed(request.path.slice(1).toLowerCase());
    const file = name && (await siteFiles.get(name));
    if (file === undefined) {
      refuseOverdrawn(request);
      throw nothingAt(request.path);
    }
    const { maxAge } = publication;
    const onContent = () => refuseOverdrawn(request);
    await respondWithFile(request, response, file, { maxAge, now: now(), onContent, headers: cdn?.ofList ?? {} });
  };
}

interface FileContext {
  /** Seconds. */
  readonly maxAge: number;
  readonly now: Instant;
  /** Called before an answer with content. */
  readonly onContent?: () => void;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Answers with a file that is the same for everybody. Without a date, If-Modified-Since and If-Unmodified-Since do not count
 * (RFC 9110 §13.1.3, §13.1.4).
 *
 * @throws PublisherError `precondition_failed`
 */
export async function respondWithFile(
  request: IncomingMessage,
  response: ServerResponse,
  { type, body, etag, etags, changedAt }: SiteFile,
  { maxAge, now, onContent = () => {}, headers: more = {} }: FileContext,
): Promise<void> {
  const coding = chooseCoding([request.headers['accept-encoding']].flat().join(', ') || undefined) ?? 'identity';
  const lastModified = changedAt === undefined ? 0 : Math.ceil(changedAt / 1000) * 1000;
  const headers = {
    ...FOR_ALL,
    'Cache-Control': cacheControl(maxAge, now),
    ETag: etag(coding),
    ...(changedAt === undefined ? {} : { 'Last-Modified': lastModifiedHeader({ etags, lastModified }, now) }),
    Vary: 'Accept-Encoding',
    ...more,
  };
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers;
  const conditions = changedAt === undefined ? { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } : request.headers;
  const decision = preconditions(conditions, { etags, lastModified });
  if (decision === 'not-modified') return respondWithBytes(request, response, { status: 304, headers });
  if (decision === 'failed') {
    const message = 'The file has changed: the request expects another version of it.';
    throw new PublisherError('precondition_failed', message);
  }
  onContent();
  const encoding = coding === 'identity' ? {} : { 'Content-Encoding': coding };
  respondWithBytes(request, response, {
    status: 200,
    headers: { ...headers, 'Content-Type': type.startsWith('image/') ? type : `${type}; charset=utf-8`, ...encoding },
    body: await body.bytes(coding),
    coding,
  });
}
