import type { Problem } from '../../errors.ts';
import { innerBase, MAX_ADDRESS } from '../../lib/url.ts';
import { UnreadableRecord } from './record.ts';
import { asWindows, strayByteIn, undoubled, withoutStrayBytes } from './utf8.ts';
import { isWestern } from './western.ts';
import { textContent, type XmlElement } from './xml.ts';
import type { DocumentText } from './xml-encoding.ts';
import {
  attributeName,
  elementName,
  elementNamespace,
  type Format,
  localName,
  type Scope,
  scopeOf,
} from './xml-names.ts';
import { impliedEnd, isHtmlVoid } from './xml-recovery.ts';
import type { XmlTag } from './xml-tag.ts';
import { type Position, XmlTokenizer } from './xml-tokens.ts';

/** A child of the root or the channel, such as an item. */
export interface XmlPart {
  readonly element: XmlElement;
  /** Rules of XML that it breaks. It was read nevertheless. */
  readonly faults: readonly Problem[];
  /** Why it cannot be used. */
  readonly problem: Problem | undefined;
  /** About what it takes in memory: its characters, and the elements in it. */
  readonly size: number;
}

interface XmlOptions {
  /** The address of the document: the base of a relative xml:base. */
  readonly url?: string | undefined;
  /** Names of children of a part to skip. They do not count towards the size of the part. */
  readonly ignored?: ReadonlySet<string>;
  /** Receives the rules of XML that the document breaks outside its parts, where it can still be read. */
  readonly onFault?: (fault: Problem) => void;
  /** Receives the name of each skipped child. */
  readonly onIgnored?: (tag: string) => void;
}

/** Most characters of a part, with its markup. Only a broken or hostile document has a longer story. */
const MAX_PART = 16 * 1024 * 1024;
const MAX_ELEMENTS = 100_000;
/** The memory that an element without text takes, in characters. */
const SIZE_OF_ELEMENT = 40;
const MAX_DEPTH = 500;
/** Most faults that are reported of a part, and of all between the parts. */
const MAX_FAULTS = 20;

/**
 * Reads the parts of a feed or an export one by one: the children of its root and of its channel. It holds one part in
 * memory. It reads documents that are not well-formed as well: a fault costs one part at most.
 *
 * @throws UnreadableRecord with line and column, if the document is no feed, or, after all parts, if it is cut off
 */
export async function* xmlParts(document: DocumentText, options: XmlOptions = {}): AsyncGenerator<XmlPart> {
  const reader = new PartReader(document, options);
  for await (const chunk of document.chunks) {
    reader.write(chunk);
    yield* reader.take();
  }
  const cutOff = reader.end();
  yield* reader.take();
  if (cutOff !== undefined) throw new UnreadableRecord([cutOff]);
}

interface OpenElement extends XmlElement {
  readonly children: (XmlElement | string)[];
  readonly scope: Scope | undefined;
}

class PartReader {
  readonly #document: DocumentText;
  readonly #options: XmlOptions;
  readonly #tokenizer: XmlTokenizer;
  readonly #open: OpenElement[] = [];
  /** The numbers of open elements by their names in lower case. */
  readonly #openTags = new Map<string, number>();
  #format: Format | undefined;
  #parts: XmlPart[] = [];
  #hasBegun = false;
  #hasEnded = false;
  /** The skipped child that is open. */
  #ignored: OpenElement | undefined;
  #ignoredFrom = 0;
  #partFrom = 0;
  #elements = 0;
  #faults: Problem[] = [];
  #outerFaults = 0;
  #problem: Problem | undefined;
  /** The language of the feed. */
  #language = '';
  /** Whether a text was UTF-8 that was encoded twice. */
  #isDoubled = false;
  /** Whether the rest of the part is left out, because it is too large. */
  #isDiscarding = false;

  constructor(document: DocumentText, options: XmlOptions) {
    this.#document = document;
    this.#options = options;
    this.#tokenizer = new XmlTokenizer({
      open: (tag, position) => this.#openElement(tag, position),
      close: (name, position) => this.#closeElement(name, position),
      text: (text, position) => this.#addText(text, position),
      fault: (rule, position) => this.#fault(rule, position),
      tooLong: (position) => this.#leaveOut(position),
      innermost: () => this.#open.at(-1)?.tag,
    });
  }

  write(chunk: string): void {
    this.#tokenizer.write(chunk);
  }

  /** @returns the problem of a document that ends before its root does */
  end(): Problem | undefined {
    this.#tokenizer.end();
    const { position } = this.#tokenizer;
    if (!this.#hasBegun) return { field: '', rule: NO_FEED, ...position };
    const part = this.#open.find(isPart);
    const root = this.#open[0];
    if (root === undefined) return undefined;
    if (part === undefined) {
      const rule = `must end with </${root.tag}>: the document is cut off here, and items may be missing`;
      return { field: '', rule, ...position };
    }
    this.#problem ??= {
      field: '',
      rule: `must end with </${part.tag}>: the document is cut off here, and further items may be missing`,
      ...position,
    };
    this.#finish(part);
    return undefined;
  }

  /** Removes and returns the parts that are complete. */
  take(): XmlPart[] {
    const taken = this.#parts;
    this.#parts = [];
    return taken;
  }

  #openElement(tag: XmlTag, position: Position): void {
    if (this.#hasEnded) {
      this.#fault(`<${tag.name}> stands behind the end of the feed: it is left out`, position);
      return;
    }
    if (this.#isDiscarding && tag.name !== this.#open.find(isPart)?.tag) return;
    const scope = scopeOf(tag.attributes, this.#open.at(-1)?.scope);
    this.#format ??= this.#formatOf(tag, scope, position);
    const name = elementName(tag.name, scope, this.#format);
    const ended = this.#isDiscarding ? this.#open.findIndex(isPart) : impliedEnd(name, this.#open, isPart);
    if (ended >= 0) this.#closeFrom(ended, position, `<${tag.name}>`);
    const element = this.#elementOf(tag, name, { scope, position });
    const isVoid = tag.isEmpty || (isHtmlVoid(name) && this.#open.some(isPart));
    this.#push(element);
    this.#begin(element, position);
    if (isVoid) this.#finish(this.#pop() ?? element);
  }

  #push(element: OpenElement): void {
    const name = element.tag.toLowerCase();
    this.#openTags.set(name, (this.#openTags.get(name) ?? 0) + 1);
    this.#open.push(element);
  }

  #pop(): OpenElement | undefined {
    const element = this.#open.pop();
    if (element === undefined) return undefined;
    const name = element.tag.toLowerCase();
    const count = this.#openTags.get(name) ?? 1;
    if (count > 1) this.#openTags.set(name, count - 1);
    else this.#openTags.delete(name);
    return element;
  }

  /** Adds an element that was opened to the one around it. */
  #begin(element: OpenElement, position: Position): void {
    const parent = this.#open.at(-2);
    if (isContainer(element)) return;
    if (isPart(element)) {
      this.#partFrom = this.#tokenizer.offset;
      this.#elements = 0;
    } else if (this.#ignored === undefined && parent !== undefined) {
      if (isPart(parent) && this.#options.ignored?.has(element.name)) {
        this.#ignored = element;
        this.#ignoredFrom = this.#tokenizer.offset;
        this.#options.onIgnored?.(element.tag);
        return;
      }
      parent.children.push(element);
    }
    if (this.#ignored === undefined) this.#elements += 1;
    if (this.#elements > MAX_ELEMENTS) this.#discard(`must not have more than ${MAX_ELEMENTS} elements`, position);
    if (this.#open.length > MAX_DEPTH)
      this.#discard(`must not have elements nested deeper than ${MAX_DEPTH}`, position);
    this.#checkSize(position);
  }

  #addText(text: string, position: Position): void {
    const parent = this.#open.at(-1);
    if (parent === undefined || isContainer(parent)) return;
    this.#checkSize(position);
    if (this.#isDiscarding || this.#ignored !== undefined) return;
    parent.children.push(this.#repaired(text, position));
  }

  #closeElement(name: string, position: Position): void {
    if (this.#isDiscarding && !this.#open.slice(0, this.#open.findIndex(isPart) + 1).some(({ tag }) => tag === name))
      return;
    const lower = name.toLowerCase();
    const index = this.#openTags.has(lower) ? this.#open.findLastIndex(({ tag }) => tag.toLowerCase() === lower) : -1;
    if (index >= 0) this.#closeFrom(index, position, `</${name}>`, true);
    else if (!isHtmlVoid(lower)) this.#fault(`</${name}> ends no element: it is left out`, position);
  }

  /** Closes the elements from an index on. Those that have no end tag are a fault. */
  #closeFrom(index: number, position: Position, cause: string, hasEndTag = false): void {
    while (this.#open.length > index) {
      const element = this.#open.at(-1);
      if (element === undefined) return;
      if ((this.#open.length > index + 1 || !hasEndTag) && !this.#isDiscarding)
        this.#fault(`<${element.tag}> of line ${element.line} is not closed: it ends at ${cause}`, position);
      this.#pop();
      this.#finish(element);
    }
  }

  #finish(element: OpenElement): void {
    if (element.parent === undefined) this.#hasEnded = true;
    if (element === this.#ignored) {
      this.#ignored = undefined;
      this.#partFrom += this.#tokenizer.offset - this.#ignoredFrom;
    }
    if (!isPart(element)) return;
    if (element.name === 'language') this.#language = textContent(element);
    const size = this.#tokenizer.offset - this.#partFrom + this.#elements * SIZE_OF_ELEMENT;
    this.#parts.push({ element, faults: this.#faults, problem: this.#problem, size });
    this.#faults = [];
    this.#problem = undefined;
    this.#isDiscarding = false;
  }

  #checkSize(position: Position): void {
    const from = this.#ignored === undefined ? this.#partFrom : this.#ignoredFrom;
    if (this.#tokenizer.offset - from > MAX_PART) this.#discard(TOO_LONG, position);
  }

  /** Markup that is too long costs the part that it stands in. */
  #leaveOut(position: Position): void {
    if (this.#open.some(isPart)) this.#discard(TOO_LONG, position);
    else this.#fault('markup must not be longer than 16 MB: it is left out', position);
  }

  #discard(rule: string, position: Position): void {
    if (this.#isDiscarding) return;
    this.#isDiscarding = true;
    this.#problem = { field: '', rule, ...position };
  }

  /** The text without bytes that are not in the document's encoding, and without UTF-8 that was encoded twice. */
  #repaired(text: string, position: Position): string {
    const { encoding } = this.#document;
    const known = encoding.isBroken ? this.#withoutStrayBytes(text, position) : text;
    const meant = undoubled(known);
    if (meant === undefined) return known;
    if (!this.#isDoubled) this.#options.onFault?.({ field: '', rule: DOUBLED, ...position });
    this.#isDoubled = true;
    return meant;
  }

  #withoutStrayBytes(text: string, position: Position): string {
    const { encoding } = this.#document;
    const index = encoding.name === 'utf-8' ? strayByteIn(text) : text.indexOf('\uFFFD');
    if (index < 0) return text;
    const place = positionIn(text, index, position);
    if (encoding.isDeclared) {
      this.#encodingFault(`must be ${encoding.name}, as it says: other bytes are read as �`, place);
      return withoutStrayBytes(text, () => '\uFFFD');
    }
    const western = asWindows(text);
    if (isWestern(western, this.#language || (this.#open.at(-1)?.language ?? ''))) {
      this.#encodingFault(READ_AS_WINDOWS, place);
      return western;
    }
    if (this.#open.some(isPart)) this.#problem ??= { field: '', rule: NO_ENCODING, ...place };
    else this.#encodingFault(NO_ENCODING, place);
    return withoutStrayBytes(text, () => '\uFFFD');
  }

  /** A story has the fault in each of its texts, and is reported once. */
  #encodingFault(rule: string, position: Position): void {
    if (!this.#faults.some((fault) => fault.rule === rule)) this.#fault(rule, position);
  }

  #fault(rule: string, position: Position): void {
    const fault: Problem = { field: '', rule, ...position };
    if (this.#open.some(isPart)) {
      if (this.#faults.length < MAX_FAULTS) this.#faults.push(fault);
      return;
    }
    this.#outerFaults += 1;
    if (this.#outerFaults <= MAX_FAULTS) this.#options.onFault?.(fault);
  }

  #formatOf(tag: XmlTag, scope: Scope | undefined, position: Position): Format {
    this.#hasBegun = true;
    const prefix = ROOTS.get(localName(tag.name).toLowerCase());
    const uri = elementNamespace(tag.name, scope);
    // Without a namespace the items of RSS 1.0 have none either.
    if (prefix !== undefined) return { uri, prefix: prefix === 'rdf' && uri === '' ? '' : prefix };
    throw new UnreadableRecord([
      { field: '', rule: `${NO_FEED}: none of them begins with <${tag.name}>`, ...position },
    ]);
  }

  #elementOf(
    tag: XmlTag,
    name: string,
    { scope, position }: { scope: Scope | undefined; position: Position },
  ): OpenElement {
    const parent = this.#open.at(-1);
    const attributes = new Map<string, string>();
    for (const [key, value] of tag.attributes) {
      if (key !== 'xmlns' && !key.startsWith('xmlns:'))
        attributes.set(attributeName(key, scope), this.#repaired(value, position));
    }
    const base = attributes.get('xml:base');
    if (base !== undefined && base.length > MAX_ADDRESS)
      this.#fault(`xml:base must not be longer than ${MAX_ADDRESS} characters: it is left out`, position);
    return {
      name,
      tag: tag.name,
      attributes,
      children: [],
      parent,
      line: position.line,
      base: (base === undefined ? undefined : innerBase(base, parent?.base ?? this.#options.url)) ?? parent?.base,
      language: attributes.get('xml:lang') ?? parent?.language,
      scope,
    };
  }
}

const NOT_NAMED = 'is not UTF-8, and the document names no encoding';
const HOW_TO_NAME = 'name the encoding in its first line, such as <?xml version="1.0" encoding="iso-8859-9"?>';
const NO_ENCODING = `${NOT_NAMED}: ${HOW_TO_NAME}`;
const READ_AS_WINDOWS = `${NOT_NAMED}: it is read as Windows-1252. If its letters are wrong, ${HOW_TO_NAME}`;
const TOO_LONG = 'must not be longer than 16 MB';
const DOUBLED = 'has UTF-8 that was encoded twice, such as “Ã©” for “é”: it is read as it was meant';
const NO_FEED = 'must be RSS, Atom or JSON Feed';
/** The prefixes of the formats' elements, by the local name of their root. */
const ROOTS: ReadonlyMap<string, string> = new Map([
  ['rss', ''],
  ['rdf', 'rdf'],
  ['feed', 'atom'],
  ['entry', 'atom'],
]);

/** The root and the channel. A lone Atom entry is a root and not a container. */
function isContainer(element: XmlElement): boolean {
  if (element.parent === undefined) return element.name !== 'atom:entry';
  return element.parent.parent === undefined && element.name === 'channel' && isContainer(element.parent);
}

function isPart(element: XmlElement): boolean {
  return !isContainer(element) && (element.parent === undefined || isContainer(element.parent));
}

function positionIn(text: string, index: number, { line, column }: Position): Position {
  const lines = text.slice(0, index).split('\n');
  const last = lines.at(-1)?.length ?? 0;
  return { line: line + lines.length - 1, column: lines.length === 1 ? column + last : last + 1 };
}
