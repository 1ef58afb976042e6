import sanitizeHtml from 'sanitize-html';
import { xmlText } from '../lib/text.ts';
import { LINK_SCHEMES } from '../lib/url.ts';
import type { OnAdjustment } from './adjustments.ts';
import { checkCleanLength } from './body-limits.ts';
import { addCounts, type ChangeCounts, countForbidden, createCounts, reportCounts } from './change-counts.ts';
import { countLostAttribute, countLostCandidate } from './lost-attributes.ts';
import { nestElements } from './nesting.ts';
import { normalizeHtml } from './normalize/normalize.ts';
import { PLAYER_HOSTS, playerAddress, sandboxOf } from './normalize/players.ts';
import { sanitizeFast } from './sanitize-fast.ts';
import { ATTRIBUTES, absoluteAttribute, type ResolveUrl, TAGS, TEXTLESS, VOID } from './sanitize-rules.ts';

const RULES = {
  allowedTags: [...TAGS],
  allowedAttributes: ATTRIBUTES,
  allowedSchemes: ['http', 'https'],
  allowedSchemesByTag: { a: [...LINK_SCHEMES] },
  allowedIframeHostnames: [...PLAYER_HOSTS],
  nonTextTags: [...TEXTLESS],
  selfClosing: [...VOID],
} satisfies sanitizeHtml.IOptions;

/**
 * Sanitizes a body so that every feed reader can show it: only allowed elements and attributes, no scripts, every address
 * absolute, every element closed, no character that XML forbids. What cannot stay leaves its words, or a link.
 *
 * @param fastPath whether ordinary bodies skip the parser and sanitize-html; the result is the same (docs/decisions/0009)
 * @param onAdjustment receives each change to the body
 * @returns undefined where elements are nested deeper than `MAX_DEPTH`
 * @throws BodyLimitError
 */
export function sanitizeBody(
  html: string,
  resolve: ResolveUrl,
  fastPath = true,
  onAdjustment?: OnAdjustment,
): string | undefined {
  const text = xmlText(html);
  let counts = createCounts();
  let clean = fastPath ? sanitizeFast(text, resolve, onAdjustment && counts) : undefined;
  if (clean === undefined) {
    counts = createCounts();
    const normal = normalizeHtml(text, resolve, counts);
    if (normal === undefined) return undefined;
    clean =
      (fastPath ? sanitizeNormalFast(normal, resolve, counts) : undefined) ??
      sanitizeByLibrary(normal, resolve, counts);
    if (clean === undefined) return undefined;
  }
  checkCleanLength(clean.length);
  if (onAdjustment === undefined) return clean;
  if (text !== html) countForbidden(counts, html, 'character');
  reportCounts(counts, onAdjustment);
  return clean;
}

function sanitizeNormalFast(html: string, resolve: ResolveUrl, counts: ChangeCounts): string | undefined {
  const own = createCounts();
  const clean = sanitizeFast(html, resolve, own);
  if (clean !== undefined) addCounts(counts, own);
  return clean;
}

/**
 * Sanitizes normalized HTML with sanitize-html. The text must not have characters that XML forbids.
 *
 * @returns undefined where elements are nested deeper than `MAX_DEPTH`: what takes the place of a page or a style has some
 */
function sanitizeByLibrary(html: string, resolve: ResolveUrl, counts: ChangeCounts): string | undefined {
  let countLast = () => {};
  const clean = sanitizeHtml(html, {
    ...RULES,
    transformTags: {
      '*': (tagName, before) => {
        countLast();
        const absolute = absoluteAttributes(before, resolve, counts);
        const attribs = tagName === 'iframe' ? playersOwn(absolute) : absolute;
        countLast = () => countLostAttributes(counts, before, attribs);
        return { tagName, attribs };
      },
    },
  });
  countLast();
  // The library decodes references such as &#1; to characters that XML forbids.
  return nestElements(xmlText(clean), counts)?.trim();
}

function absoluteAttributes(
  attributes: Record<string, string>,
  resolve: ResolveUrl,
  counts: ChangeCounts,
): Record<string, string> {
  const absolute: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    const resolved = absoluteAttribute(name, value, resolve, (address) => countLostCandidate(counts, address));
    if (resolved !== undefined) absolute[name] = resolved;
  }
  return absolute;
}

/** The attributes of a player's iframe. An iframe with any other address gets none. */
function playersOwn(attributes: Record<string, string>): Record<string, string> {
  const { src } = attributes;
  if (src === undefined || playerAddress(src) !== src) return {};
  return { ...attributes, sandbox: sandboxOf(src) };
}

/** Counts the attributes that are removed from a tag: the library has deleted them from its own. */
function countLostAttributes(
  counts: ChangeCounts,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): void {
  for (const [name, value] of Object.entries(before)) {
    if (!Object.hasOwn(after, name)) countLostAttribute(counts, name, value);
  }
}
