import sanitizeHtml from 'sanitize-html';
import { parseSrcset, stringifySrcset } from 'srcset';
import { xmlText } from './text.ts';
import { isWebUrl } from './url.ts';

/** Players and charts newsrooms embed. Anything else in an iframe is left out: a feed reader shows what it is given. */
const IFRAME_HOSTS = [
  'www.youtube.com',
  'www.youtube-nocookie.com',
  'player.vimeo.com',
  'www.dailymotion.com',
  'geo.dailymotion.com',
  'w.soundcloud.com',
  'open.spotify.com',
  'embed.podcasts.apple.com',
  'datawrapper.dwcdn.net',
  'flo.uri.sh',
  'www.openstreetmap.org',
];

/** The frequent ones first: the list is gone through from its beginning for every tag. */
const TAGS =
  'p a li strong em b i br img ul h2 h3 figure figcaption blockquote div span ol ' +
  'hr h1 h4 h5 h6 section article aside header footer address q cite pre code kbd samp var u s del ins mark ' +
  'small sub sup abbr time bdi bdo wbr ruby rt rp dl dt dd picture source audio video track iframe table ' +
  'caption colgroup col thead tbody tfoot tr td th details summary';

const ATTRIBUTES: Record<string, string[]> = {
  '*': ['lang', 'dir', 'title'],
  a: ['href', 'hreflang', 'rel'],
  img: ['src', 'srcset', 'sizes', 'alt', 'width', 'height'],
  source: ['src', 'srcset', 'sizes', 'type', 'media', 'width', 'height'],
  audio: ['src', 'controls', 'loop', 'muted', 'preload'],
  video: ['src', 'poster', 'controls', 'loop', 'muted', 'preload', 'width', 'height', 'playsinline'],
  track: ['src', 'kind', 'srclang', 'label', 'default'],
  iframe: ['src', 'width', 'height', 'allowfullscreen'],
  ol: ['start', 'reversed', 'type'],
  li: ['value'],
  td: ['colspan', 'rowspan', 'headers'],
  th: ['colspan', 'rowspan', 'headers', 'scope', 'abbr'],
  col: ['span'],
  colgroup: ['span'],
  blockquote: ['cite'],
  q: ['cite'],
  del: ['cite', 'datetime'],
  ins: ['cite', 'datetime'],
  time: ['datetime'],
  details: ['open'],
};

/** Elements that are nothing without their address, so they go where it was no good. */
const NEEDS_ADDRESS = new Set(['img', 'iframe', 'source', 'track']);

const WEB_ADDRESSES = ['src', 'poster', 'cite'];

/** The absolute address a reference in a body means; undefined where it means none. */
export type Resolve = (reference: string) => string | undefined;

const RULES: sanitizeHtml.IOptions = {
  allowedTags: TAGS.split(' '),
  allowedAttributes: ATTRIBUTES,
  allowedSchemes: ['http', 'https'],
  allowedSchemesByTag: { a: ['http', 'https', 'mailto', 'tel'] },
  allowedIframeHostnames: IFRAME_HOSTS,
  nonTextTags: ['script', 'style', 'textarea', 'option', 'button', 'select', 'noscript', 'template', 'object', 'title'],
  selfClosing: ['br', 'hr', 'img', 'source', 'track', 'col', 'wbr'],
  exclusiveFilter: ({ tag, attribs }) => NEEDS_ADDRESS.has(tag) && !attribs.src && !attribs.srcset,
};

/**
 * A body as HTML that every reader can be handed: only known elements and attributes, nothing that runs, every
 * address absolute, every element closed, no character that XML forbids.
 */
export function cleanHtml(html: string, resolve: Resolve): string {
  const clean = sanitizeHtml(xmlText(html), {
    ...RULES,
    transformTags: { '*': (tagName, attribs) => ({ tagName, attribs: absoluteAttributes(attribs, resolve) }) },
  });
  // References such as &#1; become characters only while the HTML is read.
  return xmlText(clean).trim();
}

function absoluteAttributes(attributes: Record<string, string>, resolve: Resolve): Record<string, string> {
  const absolute: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    const resolved = absoluteAttribute(name, value, resolve);
    if (resolved !== undefined) absolute[name] = resolved;
  }
  return absolute;
}

function absoluteAttribute(name: string, value: string, resolve: Resolve): string | undefined {
  if (name === 'href') return resolve(value);
  if (name === 'srcset') return absoluteSrcset(value, resolve);
  if (!WEB_ADDRESSES.includes(name)) return value;
  const url = resolve(value);
  return url !== undefined && isWebUrl(url) ? url : undefined;
}

function absoluteSrcset(value: string, resolve: Resolve): string | undefined {
  try {
    const candidates = parseSrcset(value, { strict: true }).flatMap((candidate) => {
      const url = resolve(candidate.url);
      return url !== undefined && isWebUrl(url) ? [{ ...candidate, url: url.replaceAll(',', '%2C') }] : [];
    });
    return candidates.length === 0 ? undefined : stringifySrcset(candidates);
  } catch {
    return undefined; // contradictory descriptors: `src` is what is left to show
  }
}
