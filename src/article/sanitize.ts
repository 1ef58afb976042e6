import sanitizeHtml from 'sanitize-html';
import { xmlText } from '../lib/text.ts';
import { isNestedTooDeep } from './html.ts';
import { sanitizeFast } from './sanitize-fast.ts';
import { ATTRIBUTES, absoluteAttribute, NEEDS_ADDRESS, type Resolve, TAGS, VOID } from './sanitize-rules.ts';

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

const RULES = {
  allowedTags: [...TAGS],
  allowedAttributes: ATTRIBUTES,
  allowedSchemes: ['http', 'https'],
  allowedSchemesByTag: { a: ['http', 'https', 'mailto', 'tel'] },
  allowedIframeHostnames: IFRAME_HOSTS,
  nonTextTags: ['script', 'style', 'textarea', 'option', 'button', 'select', 'noscript', 'template', 'object', 'title'],
  selfClosing: [...VOID],
  exclusiveFilter: ({ tag, attribs }) => NEEDS_ADDRESS.has(tag) && !attribs.src && !attribs.srcset,
} satisfies sanitizeHtml.IOptions;

/**
 * A body as HTML that every reader can be handed: only known elements and attributes, nothing that runs, every
 * address absolute, every element closed, no character that XML forbids. Undefined where elements are nested deeper
 * than `MAX_DEPTH`.
 */
export function sanitizeBody(html: string, resolve: Resolve): string | undefined {
  const text = xmlText(html);
  const ordinary = sanitizeFast(text, resolve);
  if (ordinary !== undefined) return ordinary;
  return isNestedTooDeep(text) ? undefined : sanitizeByLibrary(text, resolve);
}

/** Any HTML without characters that XML forbids, cleaned by sanitize-html: what it gives is right. */
export function sanitizeByLibrary(html: string, resolve: Resolve): string {
  const clean = sanitizeHtml(html, {
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
