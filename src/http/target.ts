/** Request targets (RFC 9112 §3.2), compared as Express compares them with its routes: without host, query and case. */

/** The host before the path of an absolute target. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;
const FEEDS = '/feeds/';
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** The path of a target; empty if an absolute target has none. */
export function pathOf(target = ''): string {
  const local = target.startsWith('/') ? target : target.replace(ORIGIN, '');
  const end = local.search(/[?#]/);
  return end < 0 ? local : local.slice(0, end);
}

/** The path of a target below `/feeds/`, in one spelling for each feed address; undefined for any other target. */
export function feedPathOf(target: string | undefined): string | undefined {
  const path = pathOf(target);
  if (path.startsWith(FEEDS)) return path;
  const start = path.slice(0, FEEDS.length);
  return start.toLowerCase() === FEEDS ? FEEDS + path.slice(FEEDS.length) : undefined;
}

/** Whether a target is a health check, which must get an answer above all while the service is overloaded. */
export function isProbe(target: string | undefined): boolean {
  return PROBES.has(pathOf(target).toLowerCase());
}

/** Whether a target is the server as a whole: `*`, or an absolute target without a path (RFC 9112 §3.2.4). */
export function isWholeServer(target: string): boolean {
  return target === '*' || target.replace(ORIGIN, '') === '';
}

/** Whether a target is a file of an article. */
export function isMedia(target: string | undefined): boolean {
  return pathOf(target).slice(0, '/media/'.length).toLowerCase() === '/media/';
}

/** Whether a target is the page of all feeds. */
export function isIndex(target: string | undefined): boolean {
  return pathOf(target) === '/';
}

/** Whether a target is a list of what can be seen: of feeds, or a sitemap. */
export function isList(target: string | undefined): boolean {
  const path = pathOf(target).slice(1, LONGEST_LIST).toLowerCase();
  return path === 'feeds.opml' || /^(?:news-)?sitemap\b[^/]*\.xml$/.test(path);
}

/** Characters of the longest path of a list. */
const LONGEST_LIST = 100;

/** A parameter of a query, in this spelling alone. */
const RAW = /(?:^|&)format=raw(?:&|$)/;

/** Whether a target requests a feed as plain text. */
export function isRaw(target = ''): boolean {
  const query = target.indexOf('?');
  return query >= 0 && RAW.test(target.slice(query + 1));
}

/** Whether a target belongs to the newsroom's API. */
export function isApi(target: string | undefined): boolean {
  return pathOf(target).slice(0, '/api/'.length).toLowerCase() === '/api/';
}
