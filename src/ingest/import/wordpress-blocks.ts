import type { Insert } from './wordpress-inserted.ts';

/** Texts of a story that a WordPress export keeps outside the story's own content. */
export interface BlockSources {
  /** The contents of shared blocks by id. */
  readonly blocks: ReadonlyMap<string, string>;
  /** HTML of the footnotes, in their order. */
  readonly footnotes: readonly string[];
  /** Receives the name of each block that only the site could render: `wp:latest-posts`. */
  readonly onLeftOut: (name: string) => void;
  /** Receives what the story lacks because the export does not have it. */
  readonly onMissing: (rule: string) => void;
}

/** Blocks that are empty by themselves. */
const EMPTY_BLOCKS = new Set(['more', 'nextpage', 'separator', 'spacer']);

/**
 * The HTML of a content without the comments in which blocks keep their settings. It has the texts that the site shows in
 * their place: shared blocks and footnotes. Without a block for them, footnotes with marks stand at the end.
 * `<!--more-->` and similar comments separate paragraphs.
 */
export function withoutBlockComments(content: string, sources: BlockSources, insert: Insert): string {
  let hasFootnotes = false;

  function render(html: string, within: readonly string[]): string {
    const [first = '', ...rest] = html.split('<!--');
    const pieces = rest.map((piece) => {
      const end = piece.indexOf('-->');
      return end === -1 ? `<!--${piece}` : `${inPlaceOf(piece.slice(0, end), within)}${piece.slice(end + 3)}`;
    });
    return [first, ...pieces].join('');
  }

  function inPlaceOf(comment: string, within: readonly string[]): string {
    if (/^(?:more|nextpage|noteaser)\b/.test(comment)) return '\n\n';
    const [, name = ''] = /^\s*wp:(?:core\/)?([a-z][a-z0-9/-]*)\s/.exec(comment) ?? [];
    if (name === 'footnotes') return footnotes();
    if (name === 'block') return sharedBlock(comment, within);
    if (name === '' || !comment.endsWith('/')) return '';
    if (!EMPTY_BLOCKS.has(name)) sources.onLeftOut(`wp:${name}`);
    return '';
  }

  function footnotes(): string {
    hasFootnotes = true;
    return insert(() => footnoteList(sources.footnotes));
  }

  function sharedBlock(comment: string, within: readonly string[]): string {
    const id = /"ref"\s*:\s*"?(\d+)/.exec(comment)?.[1] ?? '';
    const block = sources.blocks.get(id);
    if (block === undefined)
      sources.onMissing(`shows the shared block ${id}, which is not in the export or not published: it is left out`);
    else if (within.includes(id)) sources.onMissing(`shows the shared block ${id} within itself: it is left out`);
    else
      return render(
        insert(() => block),
        [...within, id],
      );
    return '';
  }

  const html = render(content, []);
  return hasFootnotes || !/\bdata-fn=/.test(content) ? html : html + footnotes();
}

function footnoteList(footnotes: readonly string[]): string {
  if (footnotes.length === 0) return '';
  return `<ol>\n${footnotes.map((note) => `<li>${note}</li>\n`).join('')}</ol>`;
}

/** Reads the footnotes that WordPress keeps beside a story: a JSON list of objects with `content`. */
export function readFootnotes(json: string, onMissing: (rule: string) => void): string[] {
  if (json === '') return [];
  try {
    const notes: unknown = JSON.parse(json);
    if (!Array.isArray(notes)) throw new TypeError('no list');
    return notes.map((note: unknown) => {
      const content: unknown = typeof note === 'object' && note !== null ? Reflect.get(note, 'content') : undefined;
      return typeof content === 'string' ? content : '';
    });
  } catch {
    onMissing('has footnotes that are not a list in JSON: they are left out');
    return [];
  }
}
