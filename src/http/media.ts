import { basename, dirname, extname } from 'node:path';
import type { Request, RequestHandler, Response } from 'express';
import { mediaName } from '../article/media-names.ts';
import { namedMedia } from '../config/named-media.ts';
import type { Publication } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { type ContainedFile, openContained } from '../lib/contained-file.ts';
import { httpDate, type Instant } from '../lib/instant.ts';
import { otherForm } from '../lib/name-forms.ts';
import type { Store } from '../store/store.ts';
import { nothingAt } from './respond.ts';

type MediaRequest = Request<{ path: string[] }>;

interface MediaParts {
  readonly mediaFolder: string;
  readonly publication: Publication;
  readonly store: Pick<Store, 'isMediaVisible'>;
  readonly now: () => Instant;
  /** Called when a request only waits for its turn or its client, which may take minutes: others must not wait for it. */
  readonly releaseSlot: (request: MediaRequest) => void;
}

/**
 * Serves the media files of visible articles and of the publication, by any form of their names. For other names, the answer
 * is the same whether the file exists or not: the folder is not read. The policy keeps scripts in SVG files from running.
 */
export function mediaHandler(parts: MediaParts): RequestHandler<{ path: string[] }> {
  const { mediaFolder: folder, publication, store, now, releaseSlot } = parts;
  const own = namedMedia(publication);
  const headers = {
    'Access-Control-Allow-Origin': '*',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  };

  async function isPublic(path: string): Promise<boolean> {
    if (publication.media === 'public') return true;
    const name = mediaName(path);
    return name !== undefined && (own.has(name) || (await store.isMediaVisible(name, now())));
  }

  return async (request, response, next) => {
    const { path } = request.params;
    if (response.socket === null && !response.destroyed) {
      releaseSlot(request); // the request that is on its turn may wait for this slot
      await turnOf(response);
    }
    if (response.destroyed) return; // its client has left
    if (!(await isPublic(path.join('/')))) throw nothingAt(request.path);
    // Node's own Date may be a second old, and Last-Modified must not be later (RFC 9110 §8.8.2.1).
    response.setHeader('Date', httpDate(Date.now()));
    const file = await openMedia(folder, path.join('/'));
    releaseSlot(request);
    if (file === undefined) return next(nothingAt(request.path));
    try {
      response.type(extname(path.at(-1) ?? ''));
      await sendOpenFile(response, file, headers);
    } catch (error) {
      // After the head there is nothing to answer: the client left.
      if (!response.headersSent) next(mediaError(error, request.path));
    } finally {
      await file.handle.close();
    }
  };
}

/**
 * Resolves when the answers before this one are sent, or the client has left. Of a file that is open meanwhile, `sendFile`
 * would not tell that its client left.
 */
function turnOf(response: Response): Promise<void> {
  return new Promise((resolve) => {
    response.once('socket', () => resolve()).once('close', () => resolve());
  });
}

/** Returns undefined if the folder has no such file. */
async function openMedia(folder: string, path: string): Promise<ContainedFile | undefined> {
  if (path.includes('\0') || path.split('/').some((name) => name.startsWith('.') && name !== '.')) return undefined;
  const file = await openContained(folder, path).catch(ifAbsent);
  if (file !== undefined) return file;
  const other = await otherForm(folder, path);
  return other === undefined ? undefined : openContained(folder, other).catch(ifAbsent);
}

/** Codes of the system for a path at which there is no file to serve. */
const ABSENT: ReadonlySet<string> = new Set('ENOENT ENOTDIR ELOOP ENAMETOOLONG EACCES ENXIO EINVAL'.split(' '));

/** A service that may open no more files must not say that they are not there. */
function ifAbsent(error: NodeJS.ErrnoException): undefined {
  if (!ABSENT.has(error.code ?? '')) throw error;
}

/** Resolves when the answer is sent. */
function sendOpenFile(
  response: Response,
  { path }: ContainedFile,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const options = { root: dirname(path), maxAge: '1 day', dotfiles: 'allow', headers } as const;
  return new Promise((sent, failed) => {
    response.sendFile(basename(path), options, (error: Error | undefined) => {
      if (error === undefined) sent();
      else failed(error);
    });
  });
}

function mediaError(error: unknown, path: string): unknown {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  if (status === 412)
    return new PublisherError(
      'precondition_failed',
      'The file has changed: the request expects another version of it.',
    );
  if (status === 416) return new PublisherError('range_not_satisfiable', 'The file does not have the requested range.');
  return status === 404 || status === 403 ? nothingAt(path) : error;
}
