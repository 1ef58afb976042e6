import { SaxesParser, type SaxesTagNS } from 'saxes';
import { HTML_ENTITIES } from './html-entities.ts';
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

interface Reading {
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
    // saxes tells of an element's end before it finds that the end is another's.
    const unfinished = rule === 'unexpected close tag' && partFrom === parser.position ? parts.pop() : undefined;
    const element = unfinished ?? open.at(-1);
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

export function childElements(element: XmlElement | undefined, ...names: readonly string[]): XmlElement[] {
  return (
    element?.children.filter((child) => typeof child !== 'string').filter(({ name }) => names.includes(name)) ?? []
  );
}

/** The first of these elements that says anything, else the first. */
export function firstElement(element: XmlElement | undefined, ...names: readonly string[]): XmlElement | undefined {
  const found = childElements(element, ...names);
  return found.find((candidate) => candidate.children.length > 0 || candidate.attributes.size > 0) ?? found[0];
}

/** All text below the element, without white space at its ends. */
export function textContent(element: XmlElement | undefined): string {
  return element === undefined ? '' : allText(element).trim();
}

function allText({ children }: XmlElement): string {
  return children.map((child) => (typeof child === 'string' ? child : allText(child))).join('');
}

export function hasChildElements({ children }: XmlElement): boolean {
  return children.some((child) => typeof child !== 'string');
}
