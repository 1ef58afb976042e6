import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { type Server, startServer, temporaryFolder } from './processes.ts';
import { requireProgram } from './programs.ts';

export type NginxOptions = {
  /** Requests with A-IM go to the origin, with the client's own condition. */
  readonly deltas?: boolean;
  /** As caches do that keep one copy for all, whatever Vary says. */
  readonly ignoresVary?: boolean;
  /** The path below which the server is, as `/news`; at the top of the host by default. */
  readonly path?: string;
  /** As caches do that store every status, and know an address by its path alone. */
  readonly isCareless?: boolean;
  /** Lines of docs/deploy.md: for outside of `server`, and for inside of `location`. */
  readonly lines?: { readonly outside: string; readonly inside: string };
  /** Lines of docs/move-from-wordpress.md, in `server`. */
  readonly serverLines?: string;
  /** Lines of docs/deploy.md that are a whole configuration of `http`, in the place of all others. */
  readonly site?: (port: number, originPort: number) => string;
  /** Modules to load, by their paths. */
  readonly modules?: readonly string[];
  /** By default, any free one. */
  readonly port?: number;
};

/**
 * An nginx with a cache of its own in front of the server on a port of 127.0.0.1. Every answer says in X-Cache-Status
 * what the cache did: MISS, HIT, EXPIRED (fetched anew), REVALIDATED (the origin answered 304), STALE, UPDATING.
 *
 * Seen with nginx 1.22:
 * - It stores a variant for each spelling of Accept-Encoding: "gzip, br" and "br, gzip" are two misses.
 * - A client's If-None-Match is compared with the stored copy of its variant and never sent to the origin; an expired
 *   copy is revalidated with the copy's own ETag and Last-Modified, both at once. The client's other headers go along:
 *   an origin that sees `A-IM: feed` beside If-None-Match may be looking at the cache's ETag, not at the reader's.
 * - After a 304 of the origin it goes on serving the headers it stored with the 200; the 304's only renew the lifetime.
 * - It stores any status that has a max-age, and replays a 226 (RFC 3229) to clients that never asked for one.
 * - Where stale-while-revalidate allows it, a copy that is being fetched anew is served to those who ask meanwhile.
 * - It adds no Age.
 */
export async function startNginx(originPort: number, options: NginxOptions = {}): Promise<Server> {
  const program = await requireProgram('nginx');
  const folder = await temporaryFolder('nginx');
  const port = options.port ?? (await freePort());
  // Started by root, nginx hands its workers to an unprivileged user, who must be able to reach the cache below this folder.
  await chmod(folder.path, 0o755);
  await mkdir(join(folder.path, 'logs'));
  const config = join(folder.path, 'nginx.conf');
  const { deltas, ignoresVary, isCareless, lines = { outside: '', inside: '' } } = options;
  const more = [
    deltas ? PASSING_DELTAS : '',
    ignoresVary ? IGNORING_VARY : '',
    isCareless ? CARELESS : '',
    `\n${lines.inside}`,
  ];
  const around = { outside: lines.outside, inside: more.join(''), server: options.serverLines ?? '' };
  const site =
    options.site?.(port, originPort) ?? siteWithCache(port, originPort, { ...around, path: options.path ?? '' });
  await writeFile(config, configuration(site, options.modules ?? []));
  return startServer(program, ['-p', `${folder.path}/`, '-c', config, '-e', 'logs/error.log'], port, folder);
}

/** What is passed on may be stored all the same: that is the origin's to forbid. */
const PASSING_DELTAS = `
      proxy_cache_bypass $http_a_im;
      proxy_set_header If-None-Match $condition;`;

const IGNORING_VARY = `
      proxy_ignore_headers Vary;`;

const CARELESS = `
      proxy_cache_key $uri;
      proxy_cache_valid any 10m;`;

interface Around {
  readonly outside: string;
  readonly inside: string;
  readonly server: string;
  readonly path: string;
}

/** Every path is relative to the prefix: nothing of the system's nginx is read or written. */
function configuration(site: string, modules: readonly string[]): string {
  return `
${modules.map((module) => `load_module ${module};`).join('\n')}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log logs/error.log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path temp_body;
  proxy_temp_path temp_proxy;
  fastcgi_temp_path temp_fastcgi;
  uwsgi_temp_path temp_uwsgi;
  scgi_temp_path temp_scgi;
  ${site}
}
`;
}

function siteWithCache(port: number, originPort: number, { outside, inside, server, path }: Around): string {
  return `
  proxy_cache_path cache keys_zone=feeds:1m max_size=64m inactive=10m use_temp_path=off;
  map $http_a_im $condition {
    default $http_if_none_match;
    "" $upstream_cache_etag;
  }
  ${outside}
  server {
    listen 127.0.0.1:${port};
    ${server}
    location ${path}/ {
      proxy_pass http://127.0.0.1:${originPort}${path === '' ? '' : '/'};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
      proxy_cache feeds;
      proxy_cache_revalidate on;
      proxy_cache_use_stale updating;${inside}
      add_header X-Cache-Status $upstream_cache_status always;
    }
  }
`;
}
