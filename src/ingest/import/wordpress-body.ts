import { type Story, withoutShortcodes } from './shortcodes.ts';
import { type BlockSources, withoutBlockComments } from './wordpress-blocks.ts';
import { createInsert } from './wordpress-inserted.ts';

/**
 * Renders the content of a post as WordPress does: it replaces blocks and shortcodes, and makes a paragraph of each text
 * between blank lines, if the post was written in the classic editor.
 */
export function storyHtml(content: string, story: Omit<Story, 'insert'> & BlockSources): string {
  const isBlocks = /<!--\s*wp:/.test(content);
  const insert = createInsert(story.onMissing);
  const html = withoutBlockComments(content, story, insert).replace(EMBED_BLOCK, (url) => linkTo(url));
  const expanded = withoutShortcodes(html, { ...story, insert });
  return (isBlocks ? expanded : paragraphs(expanded)).trim();
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

/** The blocks around a text. */
class OpenBlocks {
  readonly #names: string[] = [];
  readonly #counts = new Map<string, number>();
  #withoutParagraphs = 0;

  get innermost(): string | undefined {
    return this.#names.at(-1);
  }

  /** Whether a text here may have paragraphs. */
  get isFlow(): boolean {
    return this.#withoutParagraphs === 0;
  }

  open(name: string): void {
    this.#names.push(name);
    this.#add(name, 1);
  }

  /** Closes the innermost block of this name, with the blocks in it; nothing if none is open. */
  close(name: string): void {
    if ((this.#counts.get(name) ?? 0) === 0) return;
    for (let last = this.#names.pop(); last !== undefined; last = this.#names.pop()) {
      this.#add(last, -1);
      if (last === name) return;
    }
  }

  #add(name: string, step: number): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + step);
    if (!FLOW.test(name)) this.#withoutParagraphs += step;
  }
}

/** WordPress's rule for text without paragraphs (wpautop): blank lines separate them, and line breaks stay. */
function paragraphs(html: string): string {
  const open = new OpenBlocks();
  return html
    .split(BLOCK_TAG)
    .map((piece, index) => {
      if (index % 2 === 0) return textPiece(piece, open);
      const [, slash, name = ''] = /^<(\/?)([a-z][a-z0-9]*)/i.exec(piece.toLowerCase()) ?? [];
      if (slash === '/') open.close(name);
      else if (name !== 'hr' && !piece.endsWith('/>')) open.open(name);
      return piece;
    })
    .join('');
}

const BLANK_LINES = /\n[ \t\u00A0]*\n[\n \t\u00A0]*/;

function textPiece(text: string, open: OpenBlocks): string {
  if (!open.isFlow) return text;
  const { innermost } = open;
  const hasParagraphs = innermost === undefined || innermost === 'blockquote' || BLANK_LINES.test(text.trim());
  if (!hasParagraphs) return text;
  return text
    .split(BLANK_LINES)
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
