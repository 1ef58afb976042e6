import type { Request } from 'express';
import type { Publication } from '../config/publication.ts';
import type { ErrorCode, PublisherError } from '../errors.ts';
import { errorPage } from '../pages/error-page.ts';
import { siteOf } from '../pages/site.ts';
import { isApi } from './target.ts';

/** The errors that a person meets who follows an old link or mistypes an address. */
const KINDS: Partial<Record<ErrorCode, Parameters<typeof errorPage>[0]>> = {
  not_found: 'notFound',
  feed_not_found: 'notFound',
  feed_gone: 'gone',
};

interface ErrorPage {
  readonly text: string;
  readonly policy: string;
}

/** Returns a function that makes the page of an error, where the client is a browser and the publication has pages. */
export function errorPages(
  publication: Publication,
): (request: Request, error: PublisherError) => ErrorPage | undefined {
  if (publication.pages === undefined) return () => undefined;
  const site = siteOf(publication);
  return (request, { code }) => {
    const kind = KINDS[code];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (kind === undefined || !isRead || isApi(request.url) || !acceptsHtml(request.headers.accept)) return undefined;
    const root = '../'.repeat(Math.max(0, request.path.split('/').length - 2));
    return { text: errorPage(kind, root, site), policy: site.hosts.policy };
  };
}

/** Whether a client names HTML: feed readers that accept anything do not. */
function acceptsHtml(accept = ''): boolean {
  return accept
    .split(',')
    .some((part) => /^\s*(?:text\/html|application\/xhtml\+xml)\s*(?:;|$)(?!\s*q=0(?:\.0*)?\s*$)/i.test(part));
}
