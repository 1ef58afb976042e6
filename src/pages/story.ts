import { Parser } from 'htmlparser2';
import { VOID } from '../article/sanitize-rules.ts';
import { directionOf, escapeHtml } from '../lib/text.ts';
import { createBlocks } from './story-blocks.ts';
import { frame, type Given, type MediaOptions, type Place, picture, player } from './story-media.ts';

interface StoryOptions extends MediaOptions {
  /** The language of the story. */
  readonly language: string;
  /** Addresses of sounds and films that stand above the story. */
  readonly shown: ReadonlySet<string>;
  /** Bytes of HTML at which the story ends, whatever comes then. */
  readonly limit: number;
}

/** A story for a page, in blocks: it can be cut between two of them. */
export interface Story {
  readonly blocks: readonly string[];
  /** Whether more of the story follows behind the last block. */
  readonly isCut: boolean;
}

/** Characters that are parsed together: the rest is not parsed once the limit is reached. */
const PIECE = 16 * 1024;
/** Characters of a body that are parsed at most. */
const MAX_PARSED = 512 * 1024;

/**
 * The sanitized HTML of a story as it stands on a page: headings below its headline, tables that scroll, and no file of
 * another host. Takes time up to a limit, whatever the story has.
 */
export function storyOf(source: string, options: StoryOptions): Story {
  const { isFull, finish, ...events } = createWriter(options);
  const parser = new Parser(events);
  const end = Math.min(source.length, MAX_PARSED);
  for (let offset = 0; offset < end && !isFull(); offset += PIECE) {
    parser.write(source.slice(offset, Math.min(end, offset + PIECE)));
  }
  const isWhole = end === source.length;
  if (isWhole && !isFull()) parser.end();
  return { blocks: finish(isWhole), isCut: isFull() || !isWhole };
}

/** Elements that end loose text. */
const BLOCKS = new Set('p ul ol dl figure blockquote pre hr table details audio video iframe address'.split(' '));
/** Elements that group others. On the top level, their contents are blocks of their own. */
const DIVISIONS = new Set(['div', 'section', 'article', 'aside', 'header', 'footer']);
const HEADING = /^h([1-6])$/;
/** Every other attribute is left out: the page needs none, or loads something by it. */
const ATTRIBUTES = new Set(
  'lang dir title href hreflang rel start reversed value colspan rowspan scope abbr span datetime open'.split(' '),
);

/** An open element. */
interface Frame {
  /** What closes it. */
  readonly end: string;
  /** The language of its content. */
  readonly language: string;
  /** A division whose content stands on the top level. */
  readonly isBare?: boolean;
  /** A player: its content is for browsers that have none. */
  readonly player?: 'audio' | 'video' | 'other';
  /** A figure is written when it is complete: without a sound that stands above the story, nothing of it may be left. */
  readonly figure?: Figure;
  /** The head of a row or column is written when it is complete: an empty one is no head. */
  readonly cell?: { readonly before: string; readonly start: string };
}

interface Figure {
  readonly before: string;
  hasMedia: boolean;
  hasRemoved: boolean;
}

function createWriter(options: StoryOptions) {
  const { language, shown, limit } = options;
  const blocks = createBlocks(limit);
  const frames: Frame[] = [];
  let links = 0;
  /** Of the last heading. The headline has the second. */
  let level = 2;
  /** A player that has no source yet. */
  let waiting: { readonly name: 'audio' | 'video'; readonly given: Given } | undefined;
  const isTop = () => frames.every(({ isBare, player }) => isBare === true || player !== undefined);
  const languageNow = () => frames.at(-1)?.language ?? language;
  const place = (): Place => ({ language: languageNow(), isInLink: links > 0 });
  const add = (text: string) => (isTop() ? blocks.addLoose(text) : blocks.add(text));

  function open(name: string, given: Given): void {
    if (blocks.isFull()) return;
    if (name === 'source') beginPlayer(given);
    if (frames.at(-1)?.player !== undefined || name === 'source' || name === 'track') {
      if (!VOID.includes(name)) push('', given, { player: 'other' });
      return;
    }
    const isDivision = DIVISIONS.has(name);
    if (isTop() && (isDivision || BLOCKS.has(name) || HEADING.test(name))) blocks.end();
    if (name === 'picture') push('', given, isTop() ? { isBare: true } : {});
    else if (isDivision && isTop() && isOfStory(given)) push('', given, { isBare: true });
    else if (name === 'img') media(String(picture(given, place(), options)));
    else if (name === 'audio' || name === 'video') {
      waiting = { name, given };
      beginPlayer(given);
      push('', given, { player: name });
    } else if (name === 'iframe') {
      media(String(frame(given, place(), options)));
      push('', given, { player: 'other' });
    } else if (name === 'figure') {
      const figure = { before: blocks.suspend(), hasMedia: false, hasRemoved: false };
      blocks.add(`<figure${attributesOf(name, given)}>`);
      push('</figure>', given, { figure });
    } else element(name, given);
  }

  function element(name: string, given: Given): void {
    const attributes = attributesOf(name, given);
    const heading = HEADING.exec(name)?.[1];
    if (name === 'a') links += 1;
    if (heading !== undefined) {
      level = Math.min(6, level + 1, Math.max(3, Number(heading) + 1));
      blocks.add(`<h${level}${attributes}>`);
      push(`</h${level}>`, given);
    } else if (name === 'table') {
      const label = escapeHtml(options.texts.text('table'));
      blocks.add(`<div class="scroll" role="group" tabindex="0" aria-label="${label}"><table${attributes}>`);
      push('</table></div>', given);
    } else if (name === 'th') {
      push('', given, { cell: { before: blocks.suspend(), start: attributes } });
    } else if (VOID.includes(name)) {
      if (name === 'hr' || !isTop() || blocks.isInLoose()) blocks.add(`<${name}>`);
    } else {
      const tag = DIVISIONS.has(name) ? 'div' : name;
      if (BLOCKS.has(name) || DIVISIONS.has(name)) blocks.add(`<${tag}${attributes}>`);
      else add(`<${tag}${attributes}>`);
      push(`</${tag}>`, given);
    }
  }

  function push(end: string, { lang }: Given, more: Omit<Frame, 'end' | 'language'> = {}): void {
    frames.push({ end, language: lang ?? languageNow(), ...more });
  }

  function text(value: string): void {
    if (blocks.isFull() || frames.at(-1)?.player !== undefined) return;
    if (!isTop()) blocks.add(escapeHtml(value));
    else if (value.trim() !== '' || blocks.isInLoose()) blocks.addLoose(escapeHtml(value));
  }

  function close(name: string): void {
    if (blocks.isFull() || VOID.includes(name)) return;
    const frame = frames.pop();
    if (frame === undefined) return;
    if (name === 'a' && frame.player === undefined) links -= 1;
    if (name === 'audio' || name === 'video') waiting = undefined;
    blocks.add(frame.end);
    if (frame.cell !== undefined) {
      const { before, start } = frame.cell;
      const content = blocks.resume(before);
      blocks.add(content.trim() === '' ? '<td></td>' : `<th${start}>${content}</th>`);
    }
    if (frame.figure !== undefined) {
      const { before, hasMedia, hasRemoved } = frame.figure;
      const figure = blocks.resume(before);
      if (hasMedia || !hasRemoved) blocks.add(figure);
    }
    if (isTop() && (BLOCKS.has(name) || DIVISIONS.has(name) || HEADING.test(name))) blocks.end();
  }

  /** Writes the player that waits for this source, unless it stands above the story. */
  function beginPlayer({ src }: Given): void {
    if (waiting === undefined || src === undefined) return;
    const { name, given } = waiting;
    waiting = undefined;
    if (!shown.has(src)) media(String(player(name, { ...given, src }, place(), options)));
    else for (const { figure } of frames) if (figure !== undefined) figure.hasRemoved = true;
  }

  function media(text: string): void {
    for (const { figure } of frames) if (figure !== undefined) figure.hasMedia = true;
    add(text);
  }

  function isOfStory({ lang = language, dir = directionOf(language) }: Given): boolean {
    return lang.toLowerCase() === language.toLowerCase() && dir === directionOf(language);
  }

  function attributesOf(element: string, given: Given): string {
    return Object.entries(given)
      .filter(([name, value]) => {
        if (name === 'lang') return value.toLowerCase() !== languageNow().toLowerCase();
        return ATTRIBUTES.has(name) || (name === 'type' && element === 'ol');
      })
      .map(([name, value]) => (value === '' ? ` ${name}` : ` ${name}="${escapeHtml(value)}"`))
      .join('');
  }

  return {
    onopentag: open,
    ontext: text,
    onclosetag: close,
    isFull: blocks.isFull,
    /** @param isWhole whether the story has ended: what stands in an open block belongs to it */
    finish(isWhole: boolean): readonly string[] {
      if (isWhole) blocks.end();
      return blocks.list;
    },
  };
}
