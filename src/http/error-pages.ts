import type { Request } from 'express';
import type { Publication } from '../config/publication.ts';
import type { ErrorCode, PublisherError } from '../errors.ts';
import type { errorPage } from '../pages/error-page.ts';
import { isPartner } from './partner-target.ts';
import { isApi } from './target.ts';

type Kind = Parameters<typeof errorPage>[0];

/** The errors that a person meets who follows an old link or mistypes an address. */
const KINDS: Partial<Record<ErrorCode, Kind>> = {
  not_found: 'notFound',
  feed_not_found: 'notFound',
  feed_gone: 'gone',
};

interface ErrorPage {
  readonly text: string;
  readonly policy: string;
}

/** The form of an error whose answer depends on Accept: a page, or undefined where the client is no browser. */
interface Choice {
  readonly page: Promise<ErrorPage> | undefined;
}

/**
 * Returns a function that chooses the form of an error. It returns undefined for an error that has one form for all clients.
 * The templates are loaded with the first page.
 */
export function errorPages(publication: Publication): (request: Request, error: PublisherError) => Choice | undefined {
  if (publication.pages === undefined) return () => undefined;
  return (request, { code }) => {
    const kind = KINDS[code];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (kind === undefined || !isRead || isApi(request.url) || isPartner(request.url)) return undefined;
    if (!acceptsHtml(request.headers.accept)) return { page: undefined };
    return { page: makePage(kind, '../'.repeat(Math.max(0, request.path.split('/').length - 2))) };
  };

  async function makePage(kind: Kind, root: string): Promise<ErrorPage> {
    const [{ errorPage }, { siteOf }] = await Promise.all([
      import('../pages/error-page.ts'),
      import('../pages/site.ts'),
    ]);
    const site = siteOf(publication);
    return { text: errorPage(kind, root, site), policy: site.hosts.policy };
  }
}

/** Whether a client names HTML: feed readers that accept anything do not. */
function acceptsHtml(accept = ''): boolean {
  return accept
    .split(',')
    .some((part) => /^\s*(?:text\/html|application\/xhtml\+xml)\s*(?:;|$)(?!\s*q=0(?:\.0*)?\s*$)/i.test(part));
}
