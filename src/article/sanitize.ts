import sanitizeHtml from 'sanitize-html';
import { xmlText } from '../lib/text.ts';
import { isNestedTooDeep } from './html.ts';
import { sanitizeFast } from './sanitize-fast.ts';
import { ATTRIBUTES, absoluteAttribute, NEEDS_ADDRESS, type ResolveUrl, TAGS, VOID } from './sanitize-rules.ts';

/** Hosts of players and charts that newsrooms embed. Iframes of other hosts are removed: they could show anything. */
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
 * Sanitizes a body so that every feed reader can show it: only allowed elements and attributes, no scripts, every address
 * absolute, every element closed, no character that XML forbids.
 *
 * @param fastPath whether ordinary bodies skip sanitize-html; the result is the same (docs/decisions/0009)
 * @returns undefined where elements are nested deeper than `MAX_DEPTH`
 */
export function sanitizeBody(html: string, resolve: ResolveUrl, fastPath = true): string | undefined {
  const text = xmlText(html);
  const fast = fastPath ? sanitizeFast(text, resolve) : undefined;
  if (fast !== undefined) return fast;
  return isNestedTooDeep(text) ? undefined : sanitizeByLibrary(text, resolve);
}

/** Sanitizes HTML with sanitize-html. The text must not have characters that XML forbids. */
export function sanitizeByLibrary(html: string, resolve: ResolveUrl): string {
  const clean = sanitizeHtml(html, {
    ...RULES,
    transformTags: { '*': (tagName, attribs) => ({ tagName, attribs: absoluteAttributes(attribs, resolve) }) },
  });
  // The library decodes references such as &#1; to characters that XML forbids.
  return xmlText(clean).trim();
}

function absoluteAttributes(attributes: Record<string, string>, resolve: ResolveUrl): Record<string, string> {
  const absolute: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    const resolved = absoluteAttribute(name, value, resolve);
    if (resolved !== undefined) absolute[name] = resolved;
  }
  return absolute;
}
