import type { RequestHandler } from 'express';
import type { Publication } from '../config/publication.ts';
import { CODINGS, type Coding, chooseCoding } from '../document/content-codings.ts';
import { createEncodedBody } from '../document/encoded-body.ts';
import { preconditions } from '../document/preconditions.ts';
import { type Asset, assetsOf } from '../pages/assets.ts';
import { FOR_ALL } from './headers.ts';
import { nothingAt, respondWithBytes } from './respond.ts';

/** A year, as long as any cache keeps something. */
const FOR_EVER = 'public, max-age=31536000, immutable';
/** For the address of another version: a page that a cache still has may name it. */
const BRIEFLY = 'public, max-age=60';

/** Serves the stylesheet and the script of the pages. */
export function assetHandler(publication: Publication): RequestHandler<{ path: string[] }> {
  const { style, script } = assetsOf(publication);
  const served = [style, script].map((asset) => ({ asset, body: createEncodedBody(asset.bytes) }));

  return async (request, response) => {
    const name = request.params.path.join('/');
    const known = served.find(({ asset }) => isVersionOf(asset, name));
    if (known === undefined) throw nothingAt(request.path);
    const { asset, body } = known;
    const coding = chooseCoding([request.headers['accept-encoding']].flat().join(', ') || undefined) ?? 'identity';
    const headers = {
      ...FOR_ALL,
      'Cache-Control': asset.path.endsWith(`/${name}`) ? FOR_EVER : BRIEFLY,
      ETag: etagOf(asset, coding),
      Vary: 'Accept-Encoding',
    };
    const etags = new Set(CODINGS.map((each) => etagOf(asset, each)));
    if (preconditions(request.headers, { etags, lastModified: 0 }) === 'not-modified') {
      respondWithBytes(request, response, { status: 304, headers });
      return;
    }
    respondWithBytes(request, response, {
      status: 200,
      headers: {
        ...headers,
        'Content-Type': asset.type,
        ...(coding === 'identity' ? {} : { 'Content-Encoding': coding }),
      },
      body: await body.bytes(coding),
      coding,
    });
  };
}

function etagOf({ path }: Asset, coding: Coding): string {
  return `"${path.slice(path.lastIndexOf('/') + 1)}-${coding}"`;
}

/** `style-0123456789ab.css` with any digest. */
function isVersionOf({ path }: Asset, name: string): boolean {
  const [, begin = '', end = ''] = /^.*\/(\w+-)[\w-]{12}(\.\w+)$/.exec(path) ?? [];
  return name.startsWith(begin) && name.endsWith(end) && /^[\w-]{12}$/.test(name.slice(begin.length, -end.length));
}
