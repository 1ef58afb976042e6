import { hash } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Publication } from '../config/publication.ts';
import { siteFile } from '../document/site-file.ts';
import type { Instant } from '../lib/instant.ts';
import { robotsFile } from '../terms/robots.ts';
import { type TermsFile, termsFiles } from '../terms/statements.ts';
import { respondWithFile } from './site-files.ts';

interface TermsParts {
  readonly publication: Publication;
  readonly now: () => Instant;
}

type Handler = RequestHandler<{ path: string[] }>;

/** robots.txt, and the files that state the terms of the publication, by their addresses. A publication may have no terms. */
export function termsRoutes(parts: TermsParts): [path: string, get: Handler][] {
  const files = [...termsFiles(parts.publication), robotsFile(parts.publication)];
  return files.map((file) => [`/${file.path}`, fileHandler(file, parts)]);
}

function fileHandler({ type, text }: TermsFile, { publication, now }: TermsParts): Handler {
  const bytes = Buffer.from(text);
  const file = siteFile({ type, bytes }, hash('sha256', bytes, 'base64url'));
  return (request, response) => respondWithFile(request, response, file, { maxAge: publication.maxAge, now: now() });
}
