import { Parser } from 'htmlparser2';
import MarkdownIt from 'markdown-it';
import sanitizeHtml from 'sanitize-html';
import { parseSrcset, stringifySrcset } from 'srcset';
import { type Direction, escapeHtml, oneSpaced, xmlText } from './text.ts';
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

/** Deeper nesting comes from machines, and overflows the stack of some reader. */
export const MAX_DEPTH = 100;

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

/** Whether elements stand in one another deeper than `MAX_DEPTH`. Cleaning such a body could take minutes. */
export function isNestedTooDeep(html: string): boolean {
  if (!hasMoreTags(html, MAX_DEPTH)) return false;
  let depth = 0;
  let tooDeep = false;
  const parser = new Parser({
    onopentagname() {
      depth += 1;
      if (depth <= MAX_DEPTH) return;
      tooDeep = true;
      parser.pause();
    },
    onclosetag() {
      depth -= 1;
    },
  });
  parser.write(html);
  return tooDeep;
}

/** Whether there are more signs that could begin a tag. */
function hasMoreTags(html: string, count: number): boolean {
  let place = -1;
  for (let found = 0; found <= count; found += 1) {
    place = html.indexOf('<', place + 1);
    if (place < 0) return false;
  }
  return true;
}

// Nested deeper than this its parser drops text without a word; such a body is refused for its depth.
const commonMark = new MarkdownIt({ html: true, maxNesting: 2 * MAX_DEPTH });

/** Markdown (CommonMark with tables and strikethrough) as HTML, still to be cleaned. */
export function markdownToHtml(markdown: string): string {
  return commonMark.render(markdown);
}

/** Plain text as HTML: a paragraph for each block between blank lines, or for each line where there are none. */
export function plainTextToHtml(text: string): string {
  const trimmed = xmlText(text).trim();
  const separator = /\n[ \t]*\n/.test(trimmed) ? /\n(?:[ \t]*\n)+/ : /\n/;
  return trimmed
    .split(separator)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => `<p>${escapeHtml(paragraph).replaceAll('\n', '<br />\n')}</p>`)
    .join('\n');
}

/** The body within an element that says how it is written, which a reader of another direction must be told. */
export function withDirection(html: string, language: string, direction: Direction): string {
  return direction === 'rtl' ? `<div dir="rtl" lang="${escapeHtml(language)}">${html}</div>` : html;
}

/** Elements within a line: their edges do not part words. */
const INLINE = new Set(
  'a abbr b bdi bdo cite code del em i ins kbd mark q rp rt ruby s samp small span strong sub sup time u var wbr'.split(
    ' ',
  ),
);
/** What stands beside the story rather than in it. */
const ASIDE = new Set(['figcaption', 'table', 'aside', 'rt', 'rp', 'script', 'style']);

/** The words of an HTML text on one line, without captions and tables, up to about `limit` characters. */
export function htmlToText(html: string, limit: number): string {
  let text = '';
  let aside = 0;
  const parser = new Parser({
    ontext(data) {
      if (aside === 0) text += data;
      if (text.length > limit * 4) {
        text = oneSpaced(text);
        if (text.length > limit * 2) parser.pause();
      }
    },
    onopentagname(name) {
      if (ASIDE.has(name)) aside += 1;
      if (!INLINE.has(name)) text += ' ';
    },
    onclosetag(name) {
      if (ASIDE.has(name)) aside -= 1;
      if (!INLINE.has(name)) text += ' ';
    },
  });
  parser.write(html);
  return oneSpaced(text).trim();
}
