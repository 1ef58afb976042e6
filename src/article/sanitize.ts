import sanitizeHtml from 'sanitize-html';
import { xmlText } from '../lib/text.ts';
import { LINK_SCHEMES } from '../lib/url.ts';
import type { OnAdjustment } from './adjustments.ts';
import { normalizeHtml } from './normalize/normalize.ts';
import { PLAYER_HOSTS } from './normalize/players.ts';
import { sanitizeFast } from './sanitize-fast.ts';
import { ATTRIBUTES, absoluteAttribute, type ResolveUrl, TAGS, VOID } from './sanitize-rules.ts';

const RULES = {
  allowedTags: [...TAGS],
  allowedAttributes: ATTRIBUTES,
  allowedSchemes: ['http', 'https'],
  allowedSchemesByTag: { a: [...LINK_SCHEMES] },
  allowedIframeHostnames: [...PLAYER_HOSTS],
  nonTextTags: [
    ...['script', 'style', 'textarea', 'option', 'button', 'select', 'noscript', 'template', 'object', 'title', 'xmp'],
  ],
  selfClosing: [...VOID],
} satisfies sanitizeHtml.IOptions;

/**
 * Sanitizes a body so that every feed reader can show it: only allowed elements and attributes, no scripts, every address
 * absolute, every element closed, no character that XML forbids. What cannot stay leaves its words, or a link.
 *
 * @param fastPath whether ordinary bodies skip the parser and sanitize-html; the result is the same (docs/decisions/0009)
 * @param onAdjustment receives each change to the body
 * @returns undefined where elements are nested deeper than `MAX_DEPTH`
 */
export function sanitizeBody(
  html: string,
  resolve: ResolveUrl,
  fastPath = true,
  onAdjustment?: OnAdjustment,
): string | undefined {
  const text = xmlText(html);
  const fast = fastPath ? sanitizeFast(text, resolve) : undefined;
  if (fast !== undefined) return fast;
  const normal = normalizeHtml(text, resolve, onAdjustment);
  if (normal === undefined) return undefined;
  return (fastPath ? sanitizeFast(normal, resolve) : undefined) ?? sanitizeByLibrary(normal, resolve);
}

/** Sanitizes normalized HTML with sanitize-html. The text must not have characters that XML forbids. */
function sanitizeByLibrary(html: string, resolve: ResolveUrl): string {
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
