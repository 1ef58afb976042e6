import type { Publication } from '../config/publication.ts';

/** Which files a page may load, and by which address. */
export interface Hosts {
  /** The address by which a page loads a file; undefined where the page only links to it. */
  readonly load: (url: string | undefined, root: string) => string | undefined;
  /** The Content-Security-Policy of pages. */
  readonly policy: string;
}

/** Pages load files of the service itself, and of the hosts that the operator allows. */
export function hostsOf({ feedsUrl, pages }: Pick<Publication, 'feedsUrl' | 'pages'>): Hosts {
  const allowed = new Set(pages?.mediaHosts);
  const own = new URL('media/', feedsUrl).href;

  function load(url: string | undefined, root: string): string | undefined {
    if (url === undefined) return undefined;
    // Relative: the page may stand at another address than that of feedsUrl, such as localhost.
    if (url.startsWith(own)) return `${root}media/${url.slice(own.length)}`;
    const parsed = URL.parse(url);
    return parsed !== null && /^https?:$/.test(parsed.protocol) && allowed.has(parsed.host) ? url : undefined;
  }

  const others = [...allowed].map((host) => ` ${host}`).join('');
  const frames = allowed.size === 0 ? [] : [`frame-src${others}`];
  return {
    load,
    policy: [
      "default-src 'none'",
      "style-src 'self'",
      `img-src 'self'${others}`,
      `media-src 'self'${others}`,
      ...frames,
      "script-src 'self'",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  };
}

/** The host in an address, without `www.`. */
export function hostIn(url: string): string {
  return (URL.parse(url)?.host ?? url).replace(/^www\./, '');
}
