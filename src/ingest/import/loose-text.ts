import { Parser } from 'htmlparser2';
import { isNestedTooDeep } from '../../article/html.ts';
import { decodeReferences } from './references.ts';

/** Elements that format a title. Other tags, and tags without an end tag, are text of the title: “List<String>”. */
const TITLE_MARKUP = new Set(
  (
    'a abbr acronym b bdi bdo big blink blockquote center cite code del dfn div em font h1 h2 h3 h4 h5 h6 i ins kbd ' +
    'li mark marquee ol p pre q rp rt ruby s samp script small span strike strong style sub sup table tbody td th ' +
    'tr tt u ul var'
  ).split(' '),
);
const NO_END_TAG = new Set(['br', 'hr', 'img', 'wbr']);
const BREAKS = /^(?:br|hr|p|div|li|ol|ul|h[1-6]|blockquote|center|pre|table|tr|td|th)$/;
const INVISIBLE = new Set(['script', 'style']);

/**
 * The plain text of an element that may be text or HTML, which RSS leaves open. It removes markup and decodes character
 * references, and keeps everything else, such as `a < b` or `AT&T`. For HTML that nests too deep it returns an empty
 * string: to parse that could take minutes.
 */
export function looseText(source: string): string {
  if (isNestedTooDeep(source)) return '';
  const lower = source.toLowerCase();
  const closed = new Map<string, boolean>();
  const pieces: string[] = [];
  let kept = 0;
  let invisible = 0;
  const drop = (from: number, to: number, replacement: string) => {
    if (invisible === 0) pieces.push(source.slice(kept, from));
    pieces.push(replacement);
    kept = to;
  };
  const isMarkup = (name: string) => {
    if (NO_END_TAG.has(name)) return true;
    if (!closed.has(name)) closed.set(name, TITLE_MARKUP.has(name) && lower.includes(`</${name}`));
    return closed.get(name) === true;
  };
  const tag = (name: string) => {
    if (isMarkup(name)) drop(parser.startIndex, parser.endIndex + 1, BREAKS.test(name) ? ' ' : '');
  };
  const parser = new Parser(
    {
      onopentag(name) {
        tag(name);
        if (INVISIBLE.has(name) && isMarkup(name)) invisible += 1;
      },
      onclosetag(name, implied) {
        if (implied) return;
        tag(name);
        if (INVISIBLE.has(name) && isMarkup(name)) invisible -= 1;
      },
      oncomment() {
        if (source.startsWith('<!--', parser.startIndex)) drop(parser.startIndex, parser.endIndex + 1, '');
      },
    },
    { decodeEntities: false },
  );
  parser.end(source);
  pieces.push(source.slice(kept));
  return decodeReferences(pieces.join('')).replace(/\s+/gu, ' ').trim();
}

/** The plain text of HTML on one line; empty for HTML that nests too deep. */
export function htmlText(html: string): string {
  if (isNestedTooDeep(html)) return '';
  let text = '';
  let invisible = 0;
  const edge = (name: string, step: number) => {
    if (INVISIBLE.has(name)) invisible += step;
    if (BREAKS.test(name)) text += ' ';
  };
  const parser = new Parser({
    ontext(data) {
      if (invisible === 0) text += data;
    },
    onopentagname: (name) => edge(name, 1),
    onclosetag: (name) => edge(name, -1),
  });
  parser.end(html);
  return text.replace(/\s+/gu, ' ').trim();
}
