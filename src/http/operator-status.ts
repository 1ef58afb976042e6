import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import mime from 'mime';
import type { Publication } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { openContained } from '../lib/contained-file.ts';
import { assetsOf } from '../pages/assets.ts';
import { hostsOf } from '../pages/hosts.ts';
import { defaultIcon } from '../pages/icon.ts';
import type { PartnersStatus } from '../pages/partner-status.ts';
import { partnersPage } from '../pages/partners-page.ts';
import type { ServiceStatus } from '../pages/service-status.ts';
import type { Site } from '../pages/site.ts';
import { OPERATOR_POLICY, operatorErrorPage } from '../pages/status/frame.ts';
import { statusPage } from '../pages/status-page.ts';
import { FOR_NEWSROOM } from './headers.ts';
import { respondWithBytes } from './respond.ts';

/** Bytes of an icon. Larger ones are left to the service's own port. */
const MAX_ICON = 4 * 1024 * 1024;
const FAVICON = '/favicon.ico';
const FOR_EVER = 'public, max-age=31536000, immutable';

/**
 * Answers with the page of the service's status, or with the reason why it cannot be read. No cache may keep it, and no
 * search engine may list it.
 */
export function respondWithStatus(
  request: IncomingMessage,
  response: ServerResponse,
  { publication, status }: { publication: Publication; status: ServiceStatus | PublisherError },
): void {
  const site = siteFor(publication);
  const where = { current: 'Status', root: '' } as const;
  if (status instanceof PublisherError)
    respondWithPage(request, response, operatorErrorPage(status, where, site), status.status);
  else respondWithPage(request, response, statusPage(status, site));
}

/**
 * The same for a page of partners.
 *
 * @param root the way to the root of the port
 */
export function respondWithPartners(
  request: IncomingMessage,
  response: ServerResponse,
  {
    publication,
    partners,
    root,
  }: { publication: Publication; partners: PartnersStatus | PublisherError; root: string },
): void {
  const site = siteFor(publication);
  const where = { current: 'Partners', root } as const;
  if (partners instanceof PublisherError)
    respondWithPage(request, response, operatorErrorPage(partners, where, site), partners.status);
  else respondWithPage(request, response, partnersPage(partners, site));
}

function respondWithPage(request: IncomingMessage, response: ServerResponse, text: string, status = 200): void {
  respondWithBytes(request, response, {
    status,
    headers: {
      ...FOR_NEWSROOM,
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': OPERATOR_POLICY,
      'Referrer-Policy': 'no-referrer',
      'X-Robots-Tag': 'noindex',
    },
    body: Buffer.from(text),
  });
}

interface PageFile {
  readonly type: string;
  readonly cacheControl: string;
  readonly bytes: Buffer;
}

/** A file that the page loads, by its path: the stylesheet, and the publication's icons in its media folder. */
export async function statusFile(
  path: string,
  { publication, mediaFolder }: { publication: Publication; mediaFolder: string },
): Promise<PageFile | undefined> {
  const { assets, hosts } = siteFor(publication);
  const { style } = assets;
  if (path === `/${style.path}`) return { type: style.type, cacheControl: FOR_EVER, bytes: style.bytes };
  const { icon, favicon = icon } = publication;
  const icons = [icon, favicon].map((url) => hosts.load(url, '/'));
  if (icons.includes(path)) return iconFile(path, mediaFolder);
  if (path !== FAVICON) return undefined;
  // Browsers ask for it, whatever the page names.
  const own = hosts.load(favicon, '/');
  const file = own === undefined ? undefined : await iconFile(own, mediaFolder);
  return file ?? { type: 'image/vnd.microsoft.icon', cacheControl: 'no-cache', bytes: defaultIcon(publication) };
}

async function iconFile(path: string, mediaFolder: string): Promise<PageFile | undefined> {
  const bytes = await readIcon(mediaFolder, path.slice('/media/'.length));
  const type = mime.getType(extname(path)) ?? 'application/octet-stream';
  return bytes && { type, cacheControl: 'no-cache', bytes };
}

export function respondWithFile(
  request: IncomingMessage,
  response: ServerResponse,
  { type, cacheControl, bytes }: PageFile,
): void {
  respondWithBytes(request, response, {
    status: 200,
    headers: {
      'Cache-Control': cacheControl,
      'Content-Type': type,
      // Scripts in SVG files do not run.
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
      'X-Content-Type-Options': 'nosniff',
    },
    body: bytes,
  });
}

/** The page loads nothing from other hosts, not even from those that pages for readers may use. */
function siteFor(publication: Publication): Site {
  const { feedsUrl } = publication;
  return { publication, assets: assetsOf(publication), hosts: hostsOf({ feedsUrl }) };
}

async function readIcon(folder: string, address: string): Promise<Buffer | undefined> {
  const name = decoded(address);
  if (name === undefined || name.includes('\0')) return undefined;
  const file = await openContained(folder, name).catch(() => undefined); // the page does without
  if (file === undefined) return undefined;
  try {
    const { size } = await file.handle.stat();
    return size > MAX_ICON ? undefined : await file.handle.readFile();
  } finally {
    await file.handle.close();
  }
}

function decoded(address: string): string | undefined {
  try {
    return decodeURIComponent(address);
  } catch {
    return undefined;
  }
}
