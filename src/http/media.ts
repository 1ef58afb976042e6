import { basename, dirname, extname } from 'node:path';
import type { RequestHandler, Response } from 'express';
import { mediaName, mediaNamesIn } from '../article/media-names.ts';
import type { Publication } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { type ContainedFile, openContained } from '../lib/contained-file.ts';
import { httpDate, type Instant } from '../lib/instant.ts';
import { otherForm } from '../lib/name-forms.ts';
import type { Store } from '../store/store.ts';
import { nothingAt } from './respond.ts';

interface MediaParts {
  readonly mediaFolder: string;
  readonly publication: Publication;
  readonly store: Pick<Store, 'isMediaVisible'>;
  readonly now: () => Instant;
}

/**
 * Serves the media files of visible articles and of the publication, by any form of their names. Nobody learns whether
 * there is another file: the folder is not even asked. The policy keeps scripts in SVG files from running.
 */
export function mediaHandler({ mediaFolder: folder, publication, store, now }: MediaParts): RequestHandler<{
  path: string[];
}> {
  const own = new Set(mediaNamesIn(JSON.stringify(publication)));
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
    if (!(await isPublic(path.join('/')))) throw nothingAt(request.path);
    // Node's own Date may be a second old, and Last-Modified must not be later (RFC 9110 §8.8.2.1).
    response.setHeader('Date', httpDate(Date.now()));
    const file = await openMedia(folder, path.join('/'));
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

/** Returns undefined if the folder has no such file. */
async function openMedia(folder: string, path: string): Promise<ContainedFile | undefined> {
  if (path.includes('\0') || path.split('/').some((name) => name.startsWith('.') && name !== '.')) return undefined;
  const file = await openContained(folder, path).catch(() => undefined);
  if (file !== undefined) return file;
  const other = await otherForm(folder, path);
  return other === undefined ? undefined : openContained(folder, other).catch(() => undefined);
}

/** Resolves when the answer is sent, or its client has left. */
function sendOpenFile(
  response: Response,
  { path }: ContainedFile,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const options = { root: dirname(path), maxAge: '1 day', dotfiles: 'allow', headers } as const;
  const { socket } = response.req;
  if (socket.destroyed) return Promise.resolve();
  socket.setMaxListeners(0); // each request of a pipeline adds one
  return new Promise((sent, failed) => {
    socket.once('close', sent); // an answer that waited behind others does not learn that its client left
    response.sendFile(basename(path), options, (error: Error | undefined) => {
      socket.off('close', sent);
      if (error === undefined) sent();
      else failed(error);
    });
  });
}

function mediaError(error: unknown, path: string): PublisherError {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  if (status === 412)
    return new PublisherError(
      'precondition_failed',
      'The file has changed: the request expects another version of it.',
    );
  if (status === 416) return new PublisherError('range_not_satisfiable', 'The file does not have the requested range.');
  return nothingAt(path);
}
