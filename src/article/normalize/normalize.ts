import { Parser } from 'htmlparser2';
import { escapeHtml, lineText, xmlText } from '../../lib/text.ts';
import { checkAttributes, checkElements } from '../body-limits.ts';
import { countAdjustment, countComment, countForbidden, createCounts } from '../change-counts.ts';
import { MAX_DEPTH } from '../html.ts';
import { absoluteAttribute, type ResolveUrl, TAGS, VOID } from '../sanitize-rules.ts';
import type { Attributes } from './addresses.ts';
import { countRemoved, countRenamed, countTag } from './changed-tags.ts';
import { openEmbed, openIframe, openObject, openParam } from './embeds.ts';
import { FORMULA_FENCES, formulaPart } from './formulas.ts';
import { openImage, openMedia, openNoscript, openPicture, openSource } from './pictures.ts';
import { createSource } from './raw-elements.ts';
import {
  askForEdge,
  countElement,
  createState,
  dropContent,
  type Frame,
  LINES,
  type State,
  startTag,
  writeContent,
  writeTag,
} from './state.ts';
import { edgeOf, isHidden, isStruckOut } from './styles.ts';
import { watchTags } from './unfinished-tags.ts';

/** Elements of the same meaning as ours, and blocks: a block's words must not run into those before and after it. */
const RENAMED = new Map(
  [
    ['strike', 's'],
    ['tt', 'code'],
    ['acronym', 'abbr'],
    ['dir menu', 'ul'],
    ['listing xmp plaintext', 'pre'],
    ['center main nav form fieldset legend hgroup search dialog marquee', 'div'],
  ].flatMap(([names = '', name = '']) => names.split(' ').map((old) => [old, name] as const)),
);

/** Elements that go with all that is in them: no program shows it, or it needs a script or a form. */
const DROPPED = new Set(
  (
    'script style template title textarea button select option datalist noembed noframes ' +
    'svg annotation annotation-xml mphantom'
  ).split(' '),
);

const HANDLERS: ReadonlyMap<string, (state: State, frame: Frame, attributes: Attributes) => void> = new Map([
  ['iframe', openIframe],
  ['embed', openEmbed],
  ['object', openObject],
  ['param', openParam],
  ['picture', openPicture],
  ['img', openImage],
  ['source', openSource],
  ['video', openMedia],
  ['audio', openMedia],
  ['noscript', openNoscript],
  ['math', openFormula],
  // The elements of AMP pages
  ['amp-img', openImage],
  ['amp-anim', openImage],
  ['amp-iframe', openIframe],
]);

const ALLOWED = new Set(TAGS);

/**
 * Replaces what no feed reader shows as its page does: elements without a place in a story, late and hidden content, and
 * pages of other hosts. Nothing here makes a body safe: the sanitizer follows.
 *
 * @param counts counts what is removed and changed
 * @returns undefined where elements are nested deeper than `MAX_DEPTH`
 * @throws BodyLimitError
 */
export function normalizeHtml(html: string, resolve: ResolveUrl, counts = createCounts()): string | undefined {
  const source = createSource(html, () => parser);
  const state = createState(html, resolve, source, counts);
  let isTooDeep = false;
  let elements = 0;
  let attributes = 0;
  const tags = watchTags(state);
  const parser: Parser = new Parser({
    onopentagname: tags.onTagName,
    onattribute() {
      attributes += 1;
      checkAttributes(attributes);
    },
    onopentag(name, given) {
      elements += 1;
      checkElements(elements);
      tags.onTag();
      source.onStartTag(name);
      openElement(state, name, given);
      if (state.open.length <= MAX_DEPTH) return;
      isTooDeep = true;
      parser.pause();
    },
    ontext(text) {
      tags.onText(text);
      if (state.dropped < 0) state.text += text;
      else {
        addHidden(state, text);
        countFallback(state, text);
      }
    },
    oncomment(text) {
      if (state.dropped < 0) countComment(counts, text, 0, text.length);
    },
    onprocessinginstruction(_, text) {
      if (state.dropped < 0) countAdjustment(counts, 'declaration_removed', { noun: 'declaration' }, () => `<${text}>`);
    },
    onclosetag() {
      closeElement(state);
    },
    onend: tags.onEnd,
  });
  source.feed(() => isTooDeep);
  if (isTooDeep) return undefined;
  writeText(state);
  return state.pieces.join('');
}

/** The attributes without characters that XML forbids: references may stand for them. */
function xmlValues(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, xmlText(value)]));
}

function openElement(state: State, name: string, raw: Attributes): void {
  if (state.dropped >= 0 && !endsDrawing(state, name)) {
    state.open.push(createFrame(state, name));
    if (LINES.has(name)) addHidden(state, ' ');
    countFallback(state, `<${name}>`);
    return;
  }
  writeText(state);
  const attributes = xmlValues(raw);
  const parent = state.open.at(-1);
  const part = formulaPart(parent?.name ?? '', parent?.children ?? 0);
  if (parent !== undefined) parent.children += 1;
  if (part.before !== '') state.pieces.push(part.before);
  const frame = createFrame(state, name);
  state.open.push(frame);
  if (isDropped(state, name, attributes)) {
    const isHiding = !DROPPED.has(name) && isUnseen(name, attributes);
    if (DROPPED.has(name)) countRemoved(state, frame);
    else if (!isHiding) countElement(state, frame, 'repeated_content_removed', 'repeated formula');
    if (!state.endsInItsTag(name)) {
      dropContent(state);
      if (isHiding) state.hiding = '';
    } else if (isHiding) countHidden(state, frame, '');
  } else {
    const open = HANDLERS.get(name) ?? openOther;
    if (part.isOperand) putInBrackets(state, frame);
    const edge = edgeOf(attributes);
    frame.edge = VOID.includes(name) && edge === 'space' ? undefined : edge;
    askForEdge(state, frame.edge);
    state.written = undefined;
    state.isCounted = false;
    open(state, frame, attributes);
    countTag(state, frame, raw, attributes);
    frame.isStruckOut = isStruckOut(attributes);
  }
  frame.end += part.after;
  countStrikes(state, frame, 1);
}

function createFrame(state: State, name: string): Frame {
  return {
    name,
    tagStart: state.eventStart(),
    tagEnd: state.eventEnd(),
    start: state.pieces.length,
    shown: state.shown,
    targets: state.targets,
    kept: '',
    end: '',
    children: 0,
    isStruckOut: false,
    isFallback: false,
    edge: undefined,
    address: '',
    atEnd: [],
  };
}

function closeElement(state: State): void {
  if (state.dropped < 0) writeText(state);
  const frame = state.open.pop();
  if (frame === undefined) return;
  const isWithin = state.dropped >= 0 && state.dropped < state.open.length;
  if (isWithin) return;
  state.dropped = -1;
  if (state.hiding !== undefined) countHidden(state, frame, state.hiding);
  state.hiding = undefined;
  for (const atEnd of frame.atEnd) atEnd();
  if (frame.end !== '') writeTag(state, frame.kept, frame.end);
  askForEdge(state, frame.edge);
  countStrikes(state, frame, -1);
}

/** Characters of hidden text that are kept until the element ends. */
const MAX_HIDING = 1000;

/** Adds text of a hidden element, unless no page would show it anyway, such as that of a script. */
function addHidden(state: State, text: string): void {
  const { hiding, open, dropped } = state;
  if (hiding === undefined || hiding.length >= MAX_HIDING) return;
  if (open.slice(dropped).some(({ name }) => DROPPED.has(name))) return;
  state.hiding = (hiding + text).trimStart().slice(0, MAX_HIDING);
}

/** Counts the hidden element that ends, by its text if it contains any. An element within another counts with it. */
function countHidden(state: State, frame: Frame, text: string): void {
  if (lineText(text) === '') countElement(state, frame, 'hidden_element_removed', `hidden ${frame.name} element`);
  else countAdjustment(state.counts, 'hidden_text_removed', { noun: 'text' }, () => text);
}

/** Counts the content of an element that is only for programs which cannot show the element. */
function countFallback(state: State, content: string): void {
  const frame = state.open[state.dropped];
  if (frame?.isFallback !== true || content.trim() === '') return;
  frame.isFallback = false;
  countAdjustment(state.counts, 'fallback_removed', { noun: `${frame.name} element` }, () => content);
}

function countStrikes(state: State, frame: Frame, step: 1 | -1): void {
  if (frame.isStruckOut) state.struckOut += step;
  if (frame.kept === 's' || frame.kept === 'del') state.strikes += step;
}

function writeText(state: State): void {
  if (state.text === '') return;
  const text = xmlText(state.text); // a reference may stand for a character that XML forbids
  if (text !== state.text) countForbidden(state.counts, state.text, 'character reference');
  state.text = '';
  const html = escapeHtml(text);
  if (text.trim() === '') state.pieces.push(html);
  else writeContent(state, state.struckOut > 0 && state.strikes === 0 ? `<s>${html}</s>` : html);
}

function openOther(state: State, frame: Frame, attributes: Attributes): void {
  const name = RENAMED.get(frame.name) ?? frame.name;
  const [before, after] = FORMULA_FENCES.get(name) ?? ['', ''];
  if (before !== '') state.pieces.push(before);
  frame.end = after;
  if (!ALLOWED.has(name)) return;
  if (name === 'track' && absoluteAttribute('src', attributes.src ?? '', state.resolve) === undefined) {
    countElement(state, frame, 'picture_removed', 'track');
    return;
  }
  if (name === 'a' && attributes.href !== undefined && state.resolve(attributes.href) !== undefined) state.targets += 1;
  frame.kept = name;
  const index = state.pieces.length;
  writeTag(state, name, startTag(state, name, attributes));
  if (!VOID.includes(name)) frame.end = `</${name}>`;
  if (name !== 'div' || frame.name === 'div') return;
  frame.atEnd.push(() => {
    if (state.shown > frame.shown) {
      countRenamed(state, frame, 'div');
      return;
    }
    state.pieces[index] = ''; // a form without words
    frame.end = '';
    countElement(state, frame, 'element_removed', `empty ${frame.name} element`);
  });
}

/** A formula stays as text. */
function openFormula(state: State, frame: Frame): void {
  frame.atEnd.push(() => {
    state.formulaAt = state.shown;
  });
}

/** Puts the operand of a fraction, root or power in brackets, if it has several parts. */
function putInBrackets(state: State, frame: Frame): void {
  state.pieces.push('');
  const { shown } = state;
  frame.atEnd.push(() => {
    if (state.shown - shown < 2) return;
    state.pieces[frame.start] = '(';
    state.pieces.push(')');
  });
}

function isDropped({ formulaAt, shown }: State, name: string, attributes: Attributes): boolean {
  if (DROPPED.has(name) || isUnseen(name, attributes)) return true;
  // KaTeX writes each formula twice: in MathML, and in elements that only its stylesheet makes a formula of.
  return formulaAt === shown && /(?:^|\s)katex-html(?:\s|$)/.test(attributes.class ?? '');
}

/** Whether a page hides the element until a reader or a script shows it. */
function isUnseen(name: string, attributes: Attributes): boolean {
  return isHidden(attributes) || (name === 'dialog' && attributes.open === undefined);
}

/** Elements of HTML that end a drawing which nobody closed (HTML §13.2.6.5). */
const ENDS_DRAWING = new Set(
  (
    'b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta ' +
    'nobr ol p pre ruby s small span strong strike sub sup table tt u ul var'
  ).split(' '),
);
/** Elements of a drawing that contain HTML. */
const HTML_IN_DRAWING = new Set(['foreignObject', 'desc', 'title']);

/** Ends the drawing that is dropped if this element of HTML cannot be in it. */
function endsDrawing(state: State, name: string): boolean {
  if (state.open[state.dropped]?.name !== 'svg' || !ENDS_DRAWING.has(name)) return false;
  for (let index = state.dropped + 1; index < state.open.length; index += 1) {
    if (HTML_IN_DRAWING.has(state.open[index]?.name ?? '')) return false;
  }
  state.dropped = -1;
  return true;
}
