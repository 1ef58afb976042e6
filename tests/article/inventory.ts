/** What HTML contains, counted by a parser, and what other HTML lacks of it. */
import { Parser } from 'htmlparser2';
import { parseSrcset } from 'srcset';
import { xmlText } from '../../src/lib/text.ts';

type Counts = Map<string, number>;

export interface Inventory {
  readonly elements: Counts;
  /** By name and value, an address as the absolute one. */
  readonly attributes: Counts;
  /** Characters of text without white space. */
  readonly characters: Counts;
  text: string;
  comments: number;
  declarations: number;
  /** Whether the HTML ends within a tag. */
  isUnfinished: boolean;
  /** The HTML from its last `<` on. */
  tail: string;
  /** Whether it has characters that XML forbids. */
  hasForbidden: boolean;
}

type Resolve = (reference: string) => string | undefined;

const RAW = new Set(['iframe', 'xmp', 'title', 'textarea', 'noembed', 'noframes']);
/** Text that only a tag without an end can swallow. */
const MARKER = ' \u2603x';

export function inventoryOf(html: string, resolve: Resolve): Inventory {
  const text = xmlText(html);
  const inventory = contentOf(text, resolve);
  const marked = contentOf(text + MARKER, resolve, MARKER);
  inventory.isUnfinished = marked.isUnfinished;
  inventory.tail = text.slice(text.lastIndexOf('<'));
  inventory.hasForbidden = text !== html.replace(/\r\n?|\u0085/g, '\n');
  return inventory;
}

function contentOf(html: string, resolve: Resolve, marker = MARKER): Inventory {
  const inventory: Inventory = {
    elements: new Map(),
    attributes: new Map(),
    characters: new Map(),
    text: '',
    comments: 0,
    declarations: 0,
    isUnfinished: true,
    tail: '',
    hasForbidden: false,
  };
  const see = (text: string) => {
    if (text.includes(marker.trim())) inventory.isUnfinished = false;
  };
  let raw = ''; // the text of the element of raw text that is open
  let isSelfClosing = false;
  const parser = new Parser({
    onopentag(name, attributes) {
      add(inventory.elements, name);
      for (const [attribute, value] of Object.entries(attributes))
        add(inventory.attributes, `${attribute} ${meaningOf(attribute, value, resolve)}`);
      if (!RAW.has(name)) return;
      raw = '';
      isSelfClosing = html[parser.endIndex - 1] === '/';
    },
    ontext(part) {
      inventory.text += part;
      see(inventory.text);
      raw += part;
      for (const character of part.replace(/\s/g, '')) add(inventory.characters, character);
    },
    onclosetag(name, isImplied) {
      // Without an end tag, such an element hides the rest of the body. Cleaning ends it at once.
      if (RAW.has(name) && (isImplied || isSelfClosing))
        for (const character of raw.replace(/\s/g, '')) add(inventory.characters, character, -1);
      raw = '';
    },
    oncomment(data) {
      see(data);
      inventory.comments += 1;
    },
    onprocessinginstruction(_, data) {
      see(data);
      inventory.declarations += 1;
    },
  });
  parser.end(html);
  return inventory;
}

function add(counts: Counts, name: string, count = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}

function meaningOf(name: string, value: string, resolve: Resolve): string {
  const lines = value.replace(/\r\n?|\u0085/g, '\n');
  if (xmlText(lines) !== lines) return lines; // an address can lose such characters
  if (['href', 'src', 'poster', 'cite'].includes(name)) return resolve(value) ?? value;
  if (name !== 'srcset') return lines;
  const candidates = parseSrcset(value).map(({ url, width, density }) => {
    const address = (resolve(url) ?? url).replace(/,+$/, encodeURIComponent);
    return `${address} ${width ?? ''}w ${density ?? ''}x`;
  });
  return candidates.join(', ');
}

export interface Lack {
  readonly elements: string[];
  /** Names. */
  readonly attributes: string[];
  readonly characters: string[];
}

/** What the result lacks of the source. */
export function lackOf(source: Inventory, result: Inventory): Lack {
  const lacking = (all: Counts, left: Counts) =>
    [...all].filter(([name, count]) => count > (left.get(name) ?? 0)).map(([name]) => name);
  return {
    elements: lacking(source.elements, result.elements),
    attributes: [
      ...new Set(lacking(source.attributes, result.attributes).map((each) => each.slice(0, each.indexOf(' ')))),
    ],
    characters: lacking(source.characters, result.characters),
  };
}
