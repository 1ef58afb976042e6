import { type Story, withoutShortcodes } from './shortcodes.ts';

/**
 * Renders the content of a post as WordPress does: it removes the comments of blocks, replaces shortcodes, and makes a
 * paragraph of each text between blank lines, if the post was written in the classic editor.
 */
export function storyHtml(content: string, story: Story): string {
  const isBlocks = /<!--\s*wp:/.test(content);
  const html = withoutComments(content.replaceAll('\r\n', '\n')).replace(EMBED_BLOCK, (url) => linkTo(url));
  const expanded = withoutShortcodes(html, story);
  return (isBlocks ? expanded : paragraphs(expanded)).trim();
}

/** Blocks keep their settings in comments. `<!--more-->` and similar comments separate paragraphs. */
function withoutComments(html: string): string {
  const [first = '', ...rest] = html.split('<!--');
  const pieces = rest.map((piece) => {
    const end = piece.indexOf('-->');
    const breaks = /^(?:more|nextpage|noteaser)\b/.test(piece) ? '\n\n' : '';
    return end === -1 ? `<!--${piece}` : `${breaks}${piece.slice(end + 3)}`;
  });
  return [first, ...pieces].join('');
}

/** The only text of a block that embeds the page at this address. */
const EMBED_BLOCK = /(?<=<div class="wp-block-embed__wrapper">\s*)(https?:\/\/[^\s<]+)(?=\s*<\/div>)/g;

/** A link to an address that is HTML already. */
function linkTo(url: string): string {
  return `<a href="${url.replaceAll('"', '%22')}">${url}</a>`;
}

const BLOCKS =
  'address article aside blockquote canvas center dd details div dl dt fieldset figcaption figure footer form h[1-6] ' +
  'header hgroup hr legend li main map math menu nav object ol p pre script section style summary svg table tbody td ' +
  'textarea tfoot th thead tr ul';
const BLOCK_TAG = new RegExp(String.raw`(<\/?(?:${BLOCKS.split(' ').join('|')})(?=[\s/>])[^<>]*>)`, 'i');
/** Blocks that may hold paragraphs. The text of other blocks, such as headings and lists, stays as it is. */
const FLOW = /^(?:article|aside|blockquote|center|details|div|footer|header|main|section)$/;

/** WordPress's rule for text without paragraphs (wpautop): blank lines separate them, and line breaks stay. */
function paragraphs(html: string): string {
  const open: string[] = [];
  return html
    .split(BLOCK_TAG)
    .map((piece, index) => {
      if (index % 2 === 0) return textPiece(piece, open);
      const [, slash, name = ''] = /^<(\/?)([a-z][a-z0-9]*)/i.exec(piece.toLowerCase()) ?? [];
      if (slash === '/') open.splice(Math.max(0, open.lastIndexOf(name)), open.includes(name) ? open.length : 0);
      else if (name !== 'hr' && !piece.endsWith('/>')) open.push(name);
      return piece;
    })
    .join('');
}

function textPiece(text: string, open: readonly string[]): string {
  const blank = /\n[ \t\u00A0]*(?:\n[ \t\u00A0]*)+/;
  const innermost = open.at(-1);
  const hasParagraphs = innermost === undefined || innermost === 'blockquote' || blank.test(text.trim());
  if (!hasParagraphs || !open.every((name) => FLOW.test(name))) return text;
  return text
    .split(blank)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => (/^https?:\/\/[^\s<]+$/.test(paragraph) ? linkTo(paragraph) : paragraph))
    .map((paragraph) => `<p>${withLineBreaks(paragraph)}</p>\n`)
    .join('');
}

function withLineBreaks(paragraph: string): string {
  const lines = paragraph.split('\n').map((line) => line.trim());
  return lines
    .map((line, index) => (index < lines.length - 1 && !/<br\s?\/?>$/.test(line) ? `${line}<br />` : line))
    .join('\n');
}
