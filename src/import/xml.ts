import { Parser } from 'htmlparser2';
import { SaxesParser, type SaxesTagNS } from 'saxes';
import { escapeHtml } from '../text.ts';
import { isUri } from '../url.ts';
import { UnreadableRecord } from './record.ts';

/** An element of a feed or an export from elsewhere, with everything below it. */
export interface XmlElement {
  /** The namespace's usual prefix and the local name in lower case, as `dc:creator`; RSS's own elements have none. */
  readonly name: string;
  /** The local name as it is written. */
  readonly local: string;
  /** By names in the same form. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Empty for the root and the channel, whose children are handed over one by one. */
  readonly children: readonly (XmlElement | string)[];
  readonly parent: XmlElement | undefined;
  /** From 1. */
  readonly line: number;
  /** The xml:base in force, absolute; undefined where there is none. */
  readonly base: string | undefined;
  /** The xml:lang in force. */
  readonly language: string | undefined;
}

export interface Reading {
  /** Where the document stands, for an xml:base that is relative. */
  readonly url?: string | undefined;
  /** Children of a part that nobody asks for: they are passed over and do not count towards the part's size. */
  readonly ignored?: ReadonlySet<string>;
}

/** In characters of markup. A story is never as long; what is comes from a broken or a hostile writer. */
const MAX_PART = 16 * 1024 * 1024;
const MAX_ELEMENTS = 100_000;
const MAX_DEPTH = 500;

/** Namespaces without scheme and the sign at their ends, which feeds write either way. */
const PREFIXES: Readonly<Record<string, string>> = {
  'www.w3.org/xml/1998/namespace': 'xml',
  'www.w3.org/2005/atom': 'atom',
  'purl.org/atom/ns': 'atom',
  'purl.org/rss/1.0': '',
  'my.netscape.com/rdf/simple/0.9': '',
  'channel.netscape.com/rdf/simple/0.9': '',
  'my.netscape.com/publish/formats/rss-0.91.dtd': '',
  'backend.userland.com/rss': '',
  'backend.userland.com/rss2': '',
  'backend.userland.com/rss091': '',
  'blogs.law.harvard.edu/tech/rss': '',
  'cyber.law.harvard.edu/rss': '',
  'www.w3.org/1999/02/22-rdf-syntax-ns': 'rdf',
  'purl.org/dc/elements/1.1': 'dc',
  'purl.org/dc/elements/1.0': 'dc',
  'purl.org/dc/terms': 'dcterms',
  'purl.org/rss/1.0/modules/dcterms': 'dcterms',
  'purl.org/rss/1.0/modules/content': 'content',
  'search.yahoo.com/mrss': 'media',
  'www.itunes.com/dtds/podcast-1.0.dtd': 'itunes',
  'backend.userland.com/creativecommonsrssmodule': 'creativecommons',
  'cyber.law.harvard.edu/rss/creativecommonsrssmodule.html': 'creativecommons',
  'web.resource.org/cc': 'cc',
  'creativecommons.org/ns': 'cc',
  'www.w3.org/1999/xhtml': 'xhtml',
  'rssnamespace.org/feedburner/ext/1.0': 'feedburner',
};

/** What a document means that uses a prefix without declaring it. */
const UNDECLARED: Readonly<Record<string, string>> = {
  atom: 'http://www.w3.org/2005/Atom',
  rdf: 'http://www.w3.org/1999/02/22-rdf-syntax-ns#',
  dc: 'http://purl.org/dc/elements/1.1/',
  dcterms: 'http://purl.org/dc/terms/',
  content: 'http://purl.org/rss/1.0/modules/content/',
  media: 'http://search.yahoo.com/mrss/',
  itunes: 'http://www.itunes.com/dtds/podcast-1.0.dtd',
  feedburner: 'http://rssnamespace.org/feedburner/ext/1.0',
  creativeCommons: 'http://backend.userland.com/creativeCommonsRssModule',
  wp: 'http://wordpress.org/export/1.2/',
  excerpt: 'http://wordpress.org/export/1.2/excerpt/',
};

const WORDPRESS_NAMESPACE = /^wordpress\.org\/export\/[\d.]+(\/excerpt)?$/;

/** Bytes that are decoded at a time, so that all before one that is wrong is read. */
const DECODED_AT_ONCE = 1024;

/**
 * The text of an XML or JSON document: in the encoding its byte order mark or its XML declaration says, else UTF-8.
 *
 * @throws UnreadableRecord where the bytes are not what they are said to be
 */
export async function* documentText(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let head = Buffer.alloc(0);
  let decode: Decode | undefined;
  for await (const chunk of chunks) {
    if (decode === undefined) {
      head = Buffer.concat([head, chunk]);
      if (head.length < DECODED_AT_ONCE) continue;
    }
    const bytes = decode === undefined ? head : chunk;
    decode ??= decoderFor(encodingOf(head));
    yield* decode(bytes);
  }
  const last = decode === undefined ? head : new Uint8Array();
  decode ??= decoderFor(encodingOf(head));
  yield* decode(last);
  yield* decode(undefined);
}

/** Decodes bytes that follow each other; undefined says that there are no more. */
type Decode = (bytes: Uint8Array | undefined) => Generator<string>;

function decoderFor(encoding: string): Decode {
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(encoding, { fatal: true });
  } catch {
    const rule = 'must be in an encoding of the web, as UTF-8';
    throw new UnreadableRecord([{ field: '', value: encoding, rule, line: 1 }]);
  }
  let line = 1;
  return function* (bytes) {
    let text = '';
    let isText = true;
    try {
      if (bytes === undefined) text = decoder.decode();
      for (let start = 0; bytes !== undefined && start < bytes.length; start += DECODED_AT_ONCE) {
        text += decoder.decode(bytes.subarray(start, start + DECODED_AT_ONCE), { stream: true });
      }
    } catch {
      isText = false;
    }
    line += text.split('\n').length - 1;
    yield text;
    if (!isText) throw new UnreadableRecord([{ field: '', rule: `must be ${encoding} text, as it says`, line }]);
  };
}

function encodingOf(head: Buffer): string {
  const [first, second] = head;
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0 && second !== 0) return 'utf-16be';
  if (first !== 0 && second === 0) return 'utf-16le';
  if (first === 0xef && second === 0xbb) return 'utf-8';
  const declared = /^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"'>]+)/
    .exec(head.toString('latin1', 0, DECODED_AT_ONCE))?.[1]
    ?.trim();
  // A declaration that can be read byte by byte is not in the UTF-16 it may claim.
  return declared === undefined || /^(utf-?16|utf-?32|ucs-?[24]|iso-10646)/i.test(declared) ? 'utf-8' : declared;
}

/**
 * The parts of a feed or an export, one after the other: the children of its root and of its channel. Memory is that
 * of one part. No entity of a document's own is expanded and none is fetched; HTML's names are known.
 *
 * @throws UnreadableRecord with the place, after all parts that were complete, where the XML is not well-formed (XML
 *   1.0 §2.1) or is no feed, or a part is longer than 16 MB
 */
export async function* xmlParts(text: AsyncIterable<string>, reading: Reading = {}): AsyncGenerator<XmlElement> {
  const reader = partReader(reading);
  try {
    for await (const chunk of text) {
      reader.write(chunk);
      yield* reader.take();
    }
    reader.end();
  } catch (error) {
    yield* reader.take();
    throw error;
  }
  yield* reader.take();
}

interface OpenElement extends XmlElement {
  readonly children: (XmlElement | string)[];
}

interface PartReader {
  readonly write: (chunk: string) => void;
  readonly end: () => void;
  /** The parts that became complete since it was asked last. */
  readonly take: () => XmlElement[];
}

function partReader({ url, ignored }: Reading): PartReader {
  const parser = new SaxesParser({
    xmlns: true,
    resolvePrefix: (prefix: string) => UNDECLARED[prefix] ?? `undeclared:${prefix}`,
  });
  parser.ENTITIES = HTML_ENTITIES;
  const open: OpenElement[] = [];
  let parts: XmlElement[] = [];
  let root: Root | undefined;
  let linesBefore = 0;
  let begun = false;
  /** How many elements are open within an ignored one, itself included. */
  let ignoring = 0;
  let ignoredFrom = 0;
  let partFrom = 0;
  let partElements = 0;

  const line = () => parser.line + linesBefore;
  const refuse = (rule: string) => {
    throw new UnreadableRecord([{ field: '', rule, line: line(), column: Math.max(1, parser.columnIndex) }]);
  };
  const checkSize = () => {
    if (parser.position - (ignoring > 0 ? ignoredFrom : partFrom) > MAX_PART) refuse('must not have parts above 16 MB');
  };

  parser.on('error', ({ message }) => {
    const rule = message.replace(/^\d+:\d+: |\.$/g, '');
    if (rule === 'undefined entity')
      refuse("must not use entities besides XML's and HTML's: a document's own are not read");
    const element = open.at(-1);
    // What is left open swallows what follows, so that the place alone says little.
    const since =
      element === undefined || element.line === line() ? '' : `, within <${element.local}> of line ${element.line}`;
    refuse(`must be well-formed XML: ${rule}${since}`);
  });

  parser.on('opentag', (tag) => {
    if (ignoring > 0) {
      ignoring += 1;
      return;
    }
    const parent = open.at(-1);
    root ??= rootOf(tag);
    if (root === undefined) return refuse(`must be RSS, Atom or JSON Feed, which does not begin with <${tag.name}>`);
    const element = elementOf(tag, { parent, root, url, line: line() });
    if (parent !== undefined && isPart(parent) && ignored?.has(element.name)) {
      ignoring = 1;
      ignoredFrom = parser.position;
      return;
    }
    partElements = isPart(element) ? 1 : partElements + 1;
    if (partElements > MAX_ELEMENTS) refuse(`must not have more than ${MAX_ELEMENTS} elements in a part`);
    if (open.push(element) > MAX_DEPTH) refuse(`must not have elements nested deeper than ${MAX_DEPTH}`);
  });

  const addText = (data: string) => {
    const parent = open.at(-1);
    if (parent !== undefined && ignoring === 0 && !isContainer(parent)) parent.children.push(data);
  };
  parser.on('text', addText);
  parser.on('cdata', addText);

  parser.on('closetag', () => {
    if (ignoring > 0) {
      ignoring -= 1;
      if (ignoring === 0) partFrom += parser.position - ignoredFrom;
      return;
    }
    const element = open.pop();
    if (element === undefined || isContainer(element)) return;
    if (!isPart(element)) {
      open.at(-1)?.children.push(element);
      return;
    }
    checkSize();
    parts.push(element);
    partFrom = parser.position;
  });

  return {
    write: (chunk) => {
      const legal = chunk.replace(NOT_XML, '');
      // Some writers put blank lines before the XML declaration, where XML has no place for them.
      const text = begun ? legal : legal.trimStart();
      if (!begun) linesBefore += legal.slice(0, legal.length - text.length).split('\n').length - 1;
      if (text === '') return;
      begun = true;
      parser.write(text);
      checkSize();
    },
    end: () => {
      parser.close();
    },
    take: () => {
      const taken = parts;
      parts = [];
      return taken;
    },
  };
}

/** What XML 1.0 §2.2 forbids. Content systems let it through in the text of stories, where it means nothing. */
const NOT_XML = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g;

/** The format's own namespace, whatever the document calls it. */
interface Root {
  readonly uri: string;
  readonly prefix: string;
}

const ROOTS: Readonly<Record<string, string>> = { rss: '', rdf: 'rdf', feed: 'atom', entry: 'atom' };

function rootOf(tag: SaxesTagNS): Root | undefined {
  const prefix = ROOTS[tag.local.toLowerCase()];
  return prefix === undefined ? undefined : { uri: tag.uri, prefix };
}

/** The root and the channel. A lone Atom entry is a root and not a container. */
function isContainer(element: XmlElement): boolean {
  if (element.parent === undefined) return element.name !== 'atom:entry';
  return element.parent.parent === undefined && element.name === 'channel' && isContainer(element.parent);
}

function isPart(element: XmlElement): boolean {
  return !isContainer(element) && (element.parent === undefined || isContainer(element.parent));
}

interface Place {
  readonly parent: OpenElement | undefined;
  readonly root: Root;
  readonly url: string | undefined;
  readonly line: number;
}

function elementOf(tag: SaxesTagNS, { parent, root, url, line }: Place): OpenElement {
  const attributes = new Map<string, string>();
  for (const { uri, local, value, prefix } of Object.values(tag.attributes)) {
    if (prefix !== 'xmlns' && local !== 'xmlns') attributes.set(qualified(prefixOf(uri), local), value);
  }
  const base = attributes.get('xml:base');
  return {
    name: qualified(tag.uri === root.uri ? root.prefix : prefixOf(tag.uri), tag.local),
    local: tag.local,
    attributes,
    children: [],
    parent,
    line,
    base: base === undefined ? parent?.base : (URL.parse(base.trim(), parent?.base ?? url)?.href ?? parent?.base),
    language: attributes.get('xml:lang') ?? parent?.language,
  };
}

function qualified(prefix: string, local: string): string {
  return prefix === '' ? local.toLowerCase() : `${prefix}:${local.toLowerCase()}`;
}

function prefixOf(uri: string): string {
  if (uri === '') return '';
  const name = uri
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/[/#]+$/, '');
  const wordpress = WORDPRESS_NAMESPACE.exec(name);
  if (wordpress !== null) return wordpress[1] === undefined ? 'wp' : 'excerpt';
  return PREFIXES[name] ?? `{${uri}}`;
}

export function elementsOf(element: XmlElement | undefined, ...names: readonly string[]): XmlElement[] {
  return (
    element?.children.filter((child) => typeof child !== 'string').filter(({ name }) => names.includes(name)) ?? []
  );
}

/** All text below the element, without white space at its ends. */
export function textOf(element: XmlElement | undefined): string {
  return element === undefined ? '' : allText(element).trim();
}

function allText({ children }: XmlElement): string {
  return children.map((child) => (typeof child === 'string' ? child : allText(child))).join('');
}

export function hasElements({ children }: XmlElement): boolean {
  return children.some((child) => typeof child !== 'string');
}

/** What stands within the element, as HTML; XHTML's wrapping div (RFC 4287 §3.1.1.3) is no part of it. */
export function markupOf(element: XmlElement): string {
  const [only, ...others] = element.children.filter((child) => typeof child !== 'string' || child.trim() !== '');
  const wrapped = others.length === 0 && typeof only === 'object' && only.local.toLowerCase() === 'div';
  return (wrapped ? only : element).children.map(htmlOf).join('');
}

const VOID = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '));
const ADDRESSES = ['href', 'src', 'cite', 'poster'];

function htmlOf(node: XmlElement | string): string {
  if (typeof node === 'string') return escapeHtml(node);
  const name = node.local.toLowerCase();
  const attributes = [...node.attributes]
    .map(([key, value]) => [key === 'xml:lang' ? 'lang' : key, value] as const)
    .filter(([key]) => /^[a-z-]+$/.test(key))
    .map(([key, value]) => ` ${key}="${escapeHtml(ADDRESSES.includes(key) ? resolved(value, node.base) : value)}"`);
  const start = `<${name}${attributes.join('')}>`;
  return VOID.has(name) ? start : `${start}${node.children.map(htmlOf).join('')}</${name}>`;
}

/** The address against an xml:base; as it is where there is none. */
export function resolved(address: string, base: string | undefined): string {
  return base === undefined || isUri(address) ? address : (URL.parse(address, base)?.href ?? address);
}

/** Elements a title is set in. Others, and those that are not closed, are what the title is about: “List<String>”. */
const TITLE_MARKUP = new Set(
  (
    'a abbr acronym b bdi bdo big blink blockquote center cite code del dfn div em font h1 h2 h3 h4 h5 h6 i ins kbd ' +
    'li mark marquee ol p pre q rp rt ruby s samp script small span strike strong style sub sup table tbody td th ' +
    'tr tt u ul var'
  ).split(' '),
);
const NO_END_TAG = new Set(['br', 'hr', 'img', 'wbr']);
const BREAKS = /^(?:br|hr|p|div|li|ol|ul|h[1-6]|blockquote|center|pre|table|tr|td|th)$/;
const UNSEEN = new Set(['script', 'style']);

/**
 * The plain text of what RSS leaves open to be text or HTML: markup goes, named and numbered characters are decoded,
 * and what is neither stays, as in `a < b` or `AT&T`.
 */
export function looseText(source: string): string {
  const lower = source.toLowerCase();
  const closed = new Map<string, boolean>();
  const pieces: string[] = [];
  let kept = 0;
  let unseen = 0;
  const drop = (from: number, to: number, replacement: string) => {
    if (unseen === 0) pieces.push(source.slice(kept, from));
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
        if (UNSEEN.has(name) && isMarkup(name)) unseen += 1;
      },
      onclosetag(name, implied) {
        if (implied) return;
        tag(name);
        if (UNSEEN.has(name) && isMarkup(name)) unseen -= 1;
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

/** The plain text of HTML, on one line. */
export function htmlText(html: string): string {
  let text = '';
  let unseen = 0;
  const edge = (name: string, step: number) => {
    if (UNSEEN.has(name)) unseen += step;
    if (BREAKS.test(name)) text += ' ';
  };
  const parser = new Parser({
    ontext(data) {
      if (unseen === 0) text += data;
    },
    onopentagname: (name) => edge(name, 1),
    onclosetag: (name) => edge(name, -1),
  });
  parser.end(html);
  return text.replace(/\s+/gu, ' ').trim();
}

function decodeReferences(text: string): string {
  return text.replace(
    /&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,31});/gi,
    (reference) => decoded(reference) ?? reference,
  );
}

/** The characters a reference of HTML means; undefined where it means none. */
function decoded(reference: string): string | undefined {
  let text = '';
  const parser = new Parser({
    ontext(data) {
      text += data;
    },
  });
  parser.end(reference);
  // HTML also decodes the beginning of a name, as `&not` of `&notice;`.
  const whole = text !== reference && (!text.endsWith(';') || reference === '&semi;');
  return whole ? text : undefined;
}

const knownNames = new Map<string, string>();

/**
 * HTML's named characters for documents that use them without declaring them. What a document declares itself is
 * never asked for, so that a few lines cannot stand for gigabytes, nor for a file.
 */
const HTML_ENTITIES = new Proxy<Record<string, string>>(
  {},
  {
    get(_, name) {
      if (typeof name !== 'string' || !/^[a-z][a-z\d]{1,31}$/i.test(name)) return undefined;
      if (!knownNames.has(name)) {
        const text = decoded(`&${name};`);
        if (text === undefined) return undefined;
        knownNames.set(name, text);
      }
      return knownNames.get(name);
    },
  },
);
