import { SaxesParser, type SaxesTagNS } from 'saxes';
import { HTML_ENTITIES } from './html-entities.ts';
import { UnreadableRecord } from './record.ts';

/** An element of a feed or an export, with its content. */
export interface XmlElement {
  /** The usual prefix of the namespace and the local name in lower case: `dc:creator`. Elements of RSS have no prefix. */
  readonly name: string;
  /** The local name as the document writes it. */
  readonly local: string;
  /** By names in the form of `name`. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Empty for the root and the channel: their children are the parts that `xmlParts` yields. */
  readonly children: readonly (XmlElement | string)[];
  readonly parent: XmlElement | undefined;
  /** The line of the start tag, from 1. */
  readonly line: number;
  /** The inherited xml:base, absolute; undefined without one. */
  readonly base: string | undefined;
  /** The inherited xml:lang. */
  readonly language: string | undefined;
}

interface XmlOptions {
  /** The address of the document: the base of a relative xml:base. */
  readonly url?: string | undefined;
  /** Names of children of a part to skip. They do not count towards the size of the part. */
  readonly ignored?: ReadonlySet<string>;
}

/** Most characters of a part, with its markup. Only a broken or hostile document has a longer story. */
const MAX_PART = 16 * 1024 * 1024;
const MAX_ELEMENTS = 100_000;
const MAX_DEPTH = 500;

/** Prefixes by namespace, without its scheme and a `/` or `#` at its end: feeds write both forms. */
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

/** Namespaces of prefixes that documents use without a declaration. */
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
 * Reads the parts of a feed or an export one by one: the children of its root and of its channel. It holds one part in
 * memory. It knows the entities of HTML, and neither expands nor fetches entities that the document declares.
 *
 * @throws UnreadableRecord with line and column, after all complete parts, if the XML is not well-formed (XML 1.0 §2.1) or
 *   no feed, or a part is longer than 16 MB
 */
export async function* xmlParts(text: AsyncIterable<string>, options: XmlOptions = {}): AsyncGenerator<XmlElement> {
  const reader = partReader(options);
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
  /** Removes and returns the parts that are complete. */
  readonly take: () => XmlElement[];
}

function partReader({ url, ignored }: XmlOptions): PartReader {
  const parser = new SaxesParser({
    xmlns: true,
    resolvePrefix: (prefix: string) => UNDECLARED[prefix] ?? `undeclared:${prefix}`,
  });
  parser.ENTITIES = HTML_ENTITIES;
  const open: OpenElement[] = [];
  let parts: XmlElement[] = [];
  let root: Root | undefined;
  let linesBefore = 0;
  let hasBegun = false;
  /** The number of open elements from an ignored one on, itself included. */
  let ignoredDepth = 0;
  let ignoredFrom = 0;
  let partFrom = 0;
  let partElements = 0;

  const currentLine = () => parser.line + linesBefore;
  const refuse = (rule: string) => {
    throw new UnreadableRecord([{ field: '', rule, line: currentLine(), column: Math.max(1, parser.columnIndex) }]);
  };
  const checkSize = () => {
    if (parser.position - (ignoredDepth > 0 ? ignoredFrom : partFrom) > MAX_PART)
      refuse('must not have an item longer than 16 MB');
  };

  parser.on('error', ({ message }) => {
    const rule = message.replace(/^\d+:\d+: |\.$/g, '');
    if (rule === 'undefined entity')
      refuse('must use no entities except those of XML and HTML: entities that the document declares are not read');
    // saxes reports the end of an element before it notices that the end tag has another name.
    const unfinished = rule === 'unexpected close tag' && partFrom === parser.position ? parts.pop() : undefined;
    const element = unfinished ?? open.at(-1);
    // The error may be far behind its cause, an element that is not closed: the message names that element as well.
    const since =
      element === undefined || element.line === currentLine()
        ? ''
        : `, inside <${element.local}> of line ${element.line}`;
    refuse(`must be well-formed XML: ${rule}${since}`);
  });

  parser.on('opentag', (tag) => {
    if (ignoredDepth > 0) {
      ignoredDepth += 1;
      return;
    }
    const parent = open.at(-1);
    root ??= rootOf(tag);
    if (root === undefined) return refuse(`must be RSS, Atom or JSON Feed: none of them begins with <${tag.name}>`);
    const element = elementOf(tag, { parent, root, url, line: currentLine() });
    if (parent !== undefined && isPart(parent) && ignored?.has(element.name)) {
      ignoredDepth = 1;
      ignoredFrom = parser.position;
      return;
    }
    partElements = isPart(element) ? 1 : partElements + 1;
    if (partElements > MAX_ELEMENTS) refuse(`must not have more than ${MAX_ELEMENTS} elements in an item`);
    if (open.push(element) > MAX_DEPTH) refuse(`must not have elements nested deeper than ${MAX_DEPTH}`);
  });

  const addText = (data: string) => {
    const parent = open.at(-1);
    if (parent !== undefined && ignoredDepth === 0 && !isContainer(parent)) parent.children.push(data);
  };
  parser.on('text', addText);
  parser.on('cdata', addText);

  parser.on('closetag', () => {
    if (ignoredDepth > 0) {
      ignoredDepth -= 1;
      if (ignoredDepth === 0) partFrom += parser.position - ignoredFrom;
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
      // Some documents begin with blank lines before the XML declaration, which XML forbids.
      const text = hasBegun ? legal : legal.trimStart();
      if (!hasBegun) linesBefore += legal.slice(0, legal.length - text.length).split('\n').length - 1;
      if (text === '') return;
      hasBegun = true;
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

/** Characters that XML 1.0 §2.2 forbids. Content systems leave them in stories, where they have no meaning. */
const NOT_XML = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g;

/** The namespace of the root, which is that of the format, whatever its URI. */
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

interface ElementContext {
  readonly parent: OpenElement | undefined;
  readonly root: Root;
  readonly url: string | undefined;
  readonly line: number;
}

function elementOf(tag: SaxesTagNS, { parent, root, url, line }: ElementContext): OpenElement {
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

/** The children with one of these names, in the order of the document; none for a missing element. */
export function childElements(element: XmlElement | undefined, ...names: readonly string[]): XmlElement[] {
  return (
    element?.children.filter((child) => typeof child !== 'string').filter(({ name }) => names.includes(name)) ?? []
  );
}

/** The first child with one of these names that has content or attributes, else the first. */
export function firstElement(element: XmlElement | undefined, ...names: readonly string[]): XmlElement | undefined {
  const found = childElements(element, ...names);
  return found.find((candidate) => candidate.children.length > 0 || candidate.attributes.size > 0) ?? found[0];
}

/** The text of an element and its descendants, without white space at both ends; empty for a missing element. */
export function textContent(element: XmlElement | undefined): string {
  return element === undefined ? '' : allText(element).trim();
}

function allText({ children }: XmlElement): string {
  return children.map((child) => (typeof child === 'string' ? child : allText(child))).join('');
}

export function hasChildElements({ children }: XmlElement): boolean {
  return children.some((child) => typeof child !== 'string');
}
