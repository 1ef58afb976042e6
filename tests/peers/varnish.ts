import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { type Server, startServer, temporaryFolder } from './processes.ts';
import { requireProgram } from './programs.ts';

export type VarnishOptions = {
  /** Varnish's own handling of gzip, on by default as in Varnish. Off, Accept-Encoding reaches the origin as the client wrote it. */
  readonly gzip?: boolean;
  /** Requests with A-IM go to the origin as they are. */
  readonly deltas?: boolean;
  /** As caches do that keep one copy for all, whatever Vary says, and know an address by its path alone. */
  readonly isCareless?: boolean;
  /** Lines of docs/deploy.md. */
  readonly lines?: string;
  /** A whole configuration, in the place of all others. */
  readonly vcl?: string;
  /** By default, any free one. */
  readonly port?: number;
};

/**
 * A Varnish in front of the server on a port of 127.0.0.1. Every answer says in X-Cache what the cache did: MISS, HIT,
 * REVALIDATED (expired, and the origin answered 304), STALE (in grace: it is being fetched in the background).
 *
 * Seen with Varnish 7.1:
 * - With gzip on, Accept-Encoding becomes "gzip" before origin and cache see it, even for a client that sends none: br
 *   and zstd are never asked for, and there is one copy for all.
 * - A client that does not take gzip gets that copy unpacked, with its ETag made weak (W/), and gets its 304 by it.
 * - With gzip off it stores a variant for each spelling of Accept-Encoding, as nginx does.
 * - A client's If-None-Match is compared with the stored copy and never sent to the origin; an expired copy is
 *   revalidated with the copy's own ETag and Last-Modified. The client's other headers go along (see nginx, `A-IM`).
 * - On a 304 the origin's new headers replace the stored ones.
 * - stale-while-revalidate in Cache-Control sets the grace of that answer.
 * - It stores no 226.
 */
export async function startVarnish(originPort: number, options: VarnishOptions = {}): Promise<Server> {
  const program = await requireProgram('varnishd');
  const folder = await temporaryFolder('varnish');
  const port = options.port ?? (await freePort());
  const vcl = join(folder.path, 'feeds.vcl');
  const more = [options.deltas ? PASSING_DELTAS : '', options.isCareless ? CARELESS : '', `\n${options.lines ?? ''}`];
  await writeFile(vcl, options.vcl ?? configuration(originPort, more.join('')));
  const parameters = [
    `http_gzip_support=${options.gzip === false ? 'off' : 'on'}`,
    'default_grace=0',
    'default_keep=600',
  ];
  const args = [
    ...['-j', 'none'], // no change of user: it works for root and for anybody else
    ...['-F', '-n', join(folder.path, 'work')],
    ...['-a', `127.0.0.1:${port}`],
    ...['-f', vcl],
    ...['-s', 'malloc,32m'],
    ...parameters.flatMap((parameter) => ['-p', parameter]),
  ];
  return startServer(program, args, port, folder);
}

const PASSING_DELTAS = `
sub vcl_recv {
  if (req.http.A-IM) { return (pass); }
}`;

const CARELESS = `
sub vcl_hash {
  hash_data(regsub(req.url, "[?].*", ""));
  return (lookup);
}
sub vcl_backend_response { unset beresp.http.Vary; }`;

function configuration(originPort: number, more: string): string {
  return `
vcl 4.1;
backend origin { .host = "127.0.0.1"; .port = "${originPort}"; }${more}
sub vcl_backend_response {
  unset beresp.http.X-Revalidated;
  if (beresp.was_304) { set beresp.http.X-Revalidated = "1"; }
}
sub vcl_deliver {
  set resp.http.X-Cache = "MISS";
  if (resp.http.X-Revalidated) { set resp.http.X-Cache = "REVALIDATED"; }
  if (obj.hits > 0) { set resp.http.X-Cache = "HIT"; }
  if (obj.hits > 0 && obj.ttl <= 0s) { set resp.http.X-Cache = "STALE"; }
  unset resp.http.X-Revalidated;
}
`;
}
