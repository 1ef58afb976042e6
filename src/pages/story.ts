import { Parser } from 'htmlparser2';
import { VOID } from '../article/sanitize-rules.ts';
import { directionOf, escapeHtml } from '../lib/text.ts';
import type { Html } from './html.ts';
import { type Blocks, createBlocks } from './story-blocks.ts';
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
  const state: State = { options, blocks: createBlocks(options.limit), frames: [], links: 0, level: 2 };
  const parser = new Parser({
    onopentag: (name, given) => open(state, name, given),
    ontext: (text) => write(state, text),
    onclosetag: (name) => close(state, name),
  });
  const { list, isFull, end: endBlock } = state.blocks;
  const end = Math.min(source.length, MAX_PARSED);
  for (let offset = 0; offset < end && !isFull(); offset += PIECE) {
    parser.write(source.slice(offset, Math.min(end, offset + PIECE)));
  }
  const isWhole = end === source.length;
  if (isWhole && !isFull()) {
    parser.end();
    endBlock();
  }
  return { blocks: list, isCut: isFull() || !isWhole };
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

/** What is known of a story up to some point in it. */
interface State {
  readonly options: StoryOptions;
  readonly blocks: Blocks;
  readonly frames: Frame[];
  /** Links that are open. */
  links: number;
  /** Of the last heading. The headline has the second. */
  level: number;
  /** A player that has no source yet. */
  waiting?: { readonly name: 'audio' | 'video'; readonly given: Given } | undefined;
}

function isTop({ frames }: State): boolean {
  return frames.every(({ isBare, player }) => isBare === true || player !== undefined);
}

function languageOf({ frames, options }: State): string {
  return frames.at(-1)?.language ?? options.language;
}

function placeOf(state: State): Place {
  return { language: languageOf(state), isInLink: state.links > 0 };
}

function open(state: State, name: string, given: Given): void {
  const { blocks, frames, options } = state;
  if (blocks.isFull()) return;
  if (name === 'source') beginPlayer(state, given);
  if (frames.at(-1)?.player !== undefined || name === 'source' || name === 'track') {
    if (!VOID.includes(name)) push(state, '', given, { player: 'other' });
    return;
  }
  const isDivision = DIVISIONS.has(name);
  if (isTop(state) && (isDivision || BLOCKS.has(name) || HEADING.test(name))) blocks.end();
  if (name === 'picture') push(state, '', given, isTop(state) ? { isBare: true } : {});
  else if (isDivision && isTop(state) && isOfStory(state, given)) push(state, '', given, { isBare: true });
  else if (name === 'img') media(state, picture(given, placeOf(state), options));
  else if (name === 'audio' || name === 'video') {
    state.waiting = { name, given };
    beginPlayer(state, given);
    push(state, '', given, { player: name });
  } else if (name === 'iframe') {
    media(state, frame(given, placeOf(state), options));
    push(state, '', given, { player: 'other' });
  } else if (name === 'figure') {
    const figure = { before: blocks.suspend(), hasMedia: false, hasRemoved: false };
    blocks.add(`<figure${attributesOf(state, name, given)}>`);
    push(state, '</figure>', given, { figure });
  } else element(state, name, given);
}

/** Begins an element that is no file. */
function element(state: State, name: string, given: Given): void {
  const { blocks, options } = state;
  const attributes = attributesOf(state, name, given);
  const heading = HEADING.exec(name)?.[1];
  if (name === 'a') state.links += 1;
  if (heading !== undefined) {
    state.level = Math.min(6, state.level + 1, Math.max(3, Number(heading) + 1));
    blocks.add(`<h${state.level}${attributes}>`);
    push(state, `</h${state.level}>`, given);
  } else if (name === 'table') {
    const label = escapeHtml(options.texts.text('table'));
    blocks.add(`<div class="scroll" role="group" tabindex="0" aria-label="${label}"><table${attributes}>`);
    push(state, '</table></div>', given);
  } else if (name === 'th') {
    push(state, '', given, { cell: { before: blocks.suspend(), start: attributes } });
  } else if (VOID.includes(name)) {
    if (name === 'hr' || !isTop(state) || blocks.isInLoose()) blocks.add(`<${name}>`);
  } else {
    const isBlock = BLOCKS.has(name) || DIVISIONS.has(name);
    const tag = DIVISIONS.has(name) ? 'div' : name;
    if (isBlock || !isTop(state)) blocks.add(`<${tag}${attributes}>`);
    else blocks.addLoose(`<${tag}${attributes}>`);
    push(state, `</${tag}>`, given);
  }
}

function push(state: State, end: string, { lang }: Given, more: Omit<Frame, 'end' | 'language'> = {}): void {
  state.frames.push({ end, language: lang ?? languageOf(state), ...more });
}

function write(state: State, text: string): void {
  const { blocks, frames } = state;
  if (blocks.isFull() || frames.at(-1)?.player !== undefined) return;
  if (!isTop(state)) blocks.add(escapeHtml(text));
  else if (text.trim() !== '' || blocks.isInLoose()) blocks.addLoose(escapeHtml(text));
}

function close(state: State, name: string): void {
  const { blocks, frames } = state;
  if (blocks.isFull() || VOID.includes(name)) return;
  const closed = frames.pop();
  if (closed === undefined) return;
  const { end, player, cell, figure } = closed;
  if (name === 'a' && player === undefined) state.links -= 1;
  if (name === 'audio' || name === 'video') state.waiting = undefined;
  blocks.add(end);
  if (cell !== undefined) {
    const content = blocks.resume(cell.before);
    blocks.add(content.trim() === '' ? '<td></td>' : `<th${cell.start}>${content}</th>`);
  }
  if (figure !== undefined) {
    const content = blocks.resume(figure.before);
    if (figure.hasMedia || !figure.hasRemoved) blocks.add(content);
  }
  if (isTop(state) && (BLOCKS.has(name) || DIVISIONS.has(name) || HEADING.test(name))) blocks.end();
}

/** Writes the player that waits for this source, unless it stands above the story. */
function beginPlayer(state: State, { src }: Given): void {
  const { waiting, options, frames } = state;
  if (waiting === undefined || src === undefined) return;
  const { name, given } = waiting;
  state.waiting = undefined;
  if (!options.shown.has(src)) media(state, player(name, { ...given, src }, placeOf(state), options));
  else for (const { figure } of frames) if (figure !== undefined) figure.hasRemoved = true;
}

function media(state: State, file: Html): void {
  for (const { figure } of state.frames) if (figure !== undefined) figure.hasMedia = true;
  if (isTop(state)) state.blocks.addLoose(String(file));
  else state.blocks.add(String(file));
}

function isOfStory({ options: { language } }: State, { lang = language, dir = directionOf(language) }: Given): boolean {
  return lang.toLowerCase() === language.toLowerCase() && dir === directionOf(language);
}

function attributesOf(state: State, element: string, given: Given): string {
  const language = languageOf(state).toLowerCase();
  return Object.entries(given)
    .filter(([name, value]) => {
      if (name === 'lang') return value.toLowerCase() !== language;
      return ATTRIBUTES.has(name) || (name === 'type' && element === 'ol');
    })
    .map(([name, value]) => (value === '' ? ` ${name}` : ` ${name}="${escapeHtml(value)}"`))
    .join('');
}
