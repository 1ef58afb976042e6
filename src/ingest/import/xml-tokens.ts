import { decodeXml, withoutForbidden } from './references.ts';
import { readTag, type XmlTag } from './xml-tag.ts';

/** A position in a document, from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Receives the tags and texts of a document in their order. */
export interface XmlHandler {
  readonly open: (tag: XmlTag, position: Position) => void;
  readonly close: (name: string, position: Position) => void;
  readonly text: (text: string, position: Position) => void;
  /** A rule of XML that the document breaks, where it can still be read. */
  readonly fault: (rule: string, position: Position) => void;
  /** Markup that is left out, because it is too long. A start tag of this kind is opened before, without its attributes. */
  readonly tooLong: (position: Position) => void;
  /** The name of the innermost open element: a CDATA section that is not closed ends with it. */
  readonly innermost: () => string | undefined;
}

/** Most characters that wait for the end of a comment, a CDATA section or a tag. */
const MAX_TOKEN = 16 * 1024 * 1024;
/** Characters of text that are passed on before its end is known. */
const MAX_WAITING_TEXT = 65_536;
/** More characters than a reference has. */
const LONGEST_REFERENCE = 40;

const CDATA = '<![CDATA[';
const END_TAG = /<\/([^\s<>/="']+)\s*>/y;
const LOOSE_END_TAG = /<\/([^\s<>/="']+)[^<>]*>?/y;
const BEGINNING_OF_TAG = /<([A-Za-z_:\u0080-\uFFFF][^\s<>/="'&]*)[\s/]/y;
const OTHER_MARKUP = /<[!?/][^<>]*>/y;
const DOCTYPE = /<!doctype\s/iy;
const DECLARED_NAMES = /\[[^\]]*\]\s*>/y;

/**
 * Splits a document into tags and texts. It reads XML that is not well-formed as browsers and feed readers do, and reports
 * each fault. Its time grows with the length of the document, whatever is in it.
 */
export class XmlTokenizer {
  readonly #handler: XmlHandler;
  #source = '';
  #index = 0;
  #waiting: string[] = [];
  #waitingLength = 0;
  #isEnd = false;
  /** What ends the comment or section whose content is too long to be kept. */
  #skippedTo: string | undefined;
  /** Characters before `#source`. */
  #before = 0;
  #line = 1;
  #lineStart = 0;
  #nextLine = -1;
  /** The next occurrence of each mark in `#source`; -1 if it has none. */
  readonly #found = new Map<string, number>();
  #endsInReturn = false;
  /** The index in `#source` up to which a “<” was read as a tag that it does not begin. */
  #failedTo = 0;
  #hasDoctype = false;

  constructor(handler: XmlHandler) {
    this.#handler = handler;
  }

  /** The number of characters read. */
  get offset(): number {
    return this.#before + this.#index;
  }

  /** The position up to which the document was read. */
  get position(): Position {
    return this.#position(this.#index);
  }

  write(chunk: string): void {
    const text = this.#withLineFeeds(chunk);
    this.#waiting.push(text);
    this.#waitingLength += text.length;
    // An unfinished token is read again only after as much text as it has.
    if (this.#waitingLength >= this.#source.length - this.#index) this.#read();
  }

  end(): void {
    this.#isEnd = true;
    this.#read();
  }

  /** Every line end as a line feed (XML 1.0 §2.11). */
  #withLineFeeds(chunk: string): string {
    const text = this.#endsInReturn && chunk.startsWith('\n') ? chunk.slice(1) : chunk;
    this.#endsInReturn = chunk.endsWith('\r');
    return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
  }

  #read(): void {
    this.#position(this.#index);
    this.#before += this.#index;
    this.#failedTo -= this.#index;
    this.#source = this.#source.slice(this.#index) + this.#waiting.join('');
    this.#index = 0;
    this.#waiting = [];
    this.#waitingLength = 0;
    this.#nextLine = this.#source.indexOf('\n');
    this.#found.clear();
    while (this.#index < this.#source.length && this.#readToken());
  }

  /** @returns false if the token may go on behind the text */
  #readToken(): boolean {
    if (this.#skippedTo !== undefined) return this.#skip(this.#skippedTo);
    const start = this.#source.indexOf('<', this.#index);
    if (start === this.#index) return this.#readMarkup();
    const end = start >= 0 ? start : this.#isEnd ? this.#source.length : this.#endOfWaitingText();
    if (end > this.#index) this.#readText(end);
    return start >= 0;
  }

  /** The end of the text that can be passed on, although more may follow: not within a reference. */
  #endOfWaitingText(): number {
    const { length } = this.#source;
    if (length - this.#index < MAX_WAITING_TEXT) return this.#index;
    const reference = this.#source.lastIndexOf('&');
    return reference > length - LONGEST_REFERENCE ? reference : length;
  }

  #readText(end: number): void {
    const from = this.#index;
    const position = this.#position(from);
    const text = decodeXml(this.#source.slice(from, end), (rule, offset) => this.#fault(rule, from + offset));
    this.#index = end;
    this.#handler.text(text, position);
  }

  #readMarkup(): boolean {
    const kind = this.#source[this.#index + 1];
    if (kind === undefined && !this.#isEnd) return false;
    if (kind === '/') return this.#readEndTag();
    if (kind !== '!' && kind !== '?') return this.#readStartTag();
    if (this.#source.length - this.#index < CDATA.length && !this.#isEnd) return false;
    if (kind === '?') return this.#readInstruction();
    if (this.#source.startsWith('<!--', this.#index)) return this.#readComment();
    if (this.#source.startsWith(CDATA, this.#index)) return this.#readCdata();
    return this.#isAt(DOCTYPE) ? this.#readDoctype() : this.#readOther();
  }

  #readStartTag(): boolean {
    const from = this.#index;
    const position = this.#position(from);
    const faults: [rule: string, index: number][] = [];
    const tag = readTag(this.#source, {
      index: from,
      isEnd: this.#isEnd,
      bracketFrom: (at) => this.#next('>', at),
      // Otherwise the same values are read again for each “<” in them.
      mayQuoteMarkup: from >= this.#failedTo,
      onFault: (rule, at) => faults.push([rule, at]),
    });
    if (tag === 'incomplete') return this.#wait('>');
    if (typeof tag === 'number') {
      this.#failedTo = Math.max(this.#failedTo, tag);
      return this.#readBracket();
    }
    this.#index = tag.end;
    if (tag.end - from > MAX_TOKEN) {
      this.#openTooLong(tag.name, position);
      return true;
    }
    this.#handler.open(tag, position);
    for (const [rule, at] of faults) this.#fault(rule, at);
    return true;
  }

  #readEndTag(): boolean {
    const from = this.#index;
    const [whole, name] = this.#match(END_TAG) ?? [];
    if (whole !== undefined && name !== undefined) {
      const position = this.#position(from);
      this.#index += whole.length;
      this.#handler.close(name, position);
      return true;
    }
    if (!this.#isEnd && this.#next('>', from) < 0) return this.#wait('>');
    const [loose, looseName] = this.#match(LOOSE_END_TAG) ?? [];
    if (loose === undefined || looseName === undefined) return this.#readOther();
    const position = this.#position(from);
    this.#index += loose.length;
    this.#fault(`</${looseName}> must be written so`, from);
    this.#handler.close(looseName, position);
    return true;
  }

  /** “<” that begins no markup is text. */
  #readBracket(): boolean {
    const position = this.#position(this.#index);
    const isCutOff = this.#isEnd && this.#next('>', this.#index) < 0; // the end of the document is reported
    if (!isCutOff) this.#fault('“<” begins no tag: it is read as itself. Write &lt;', this.#index);
    this.#index += 1;
    this.#handler.text('<', position);
    return true;
  }

  /** Markup that has no meaning in a document. */
  #readOther(): boolean {
    const markup = this.#match(OTHER_MARKUP);
    if (markup === null) {
      const mayGoOn = !this.#isEnd && this.#next('<', this.#index + 1) < 0 && this.#next('>', this.#index) < 0;
      return mayGoOn ? this.#wait('>') : this.#readBracket();
    }
    this.#fault('this markup has no meaning in XML: it is left out', this.#index);
    this.#index += markup[0].length;
    return true;
  }

  #readComment(): boolean {
    const end = this.#next('-->', this.#index + 4);
    if (end < 0 && !this.#isEnd) return this.#wait('-->');
    if (end < 0) return this.#readOther(); // as HTML does if the document ends in it
    this.#index = end + 3;
    return true;
  }

  #readInstruction(): boolean {
    const end = this.#next('?>', this.#index);
    const bracket = this.#next('>', this.#index);
    const next = this.#next('<', this.#index + 1);
    // Word processors leave `<?xml:namespace … />` in stories. It ends as in HTML.
    if (bracket >= 0 && bracket < end && next >= 0 && next < end && bracket < next) return this.#readOther();
    if (end < 0 && !this.#isEnd) return next < 0 || bracket < 0 ? this.#wait('?>') : this.#readOther();
    if (end < 0) return this.#readOther();
    this.#index = end + 2;
    return true;
  }

  #readDoctype(): boolean {
    const brace = this.#next('[', this.#index);
    const bracket = this.#next('>', this.#index);
    if (bracket < 0 && !this.#isEnd) return this.#wait('>');
    // Only the first one may declare names: otherwise each of them is searched for the end of its declarations.
    if (brace < 0 || bracket < brace || this.#hasDoctype) return this.#readPast(bracket);
    DECLARED_NAMES.lastIndex = brace;
    const declared = DECLARED_NAMES.exec(this.#source);
    if (declared === null && !this.#isEnd) return this.#wait(']>');
    this.#hasDoctype = true;
    return this.#readPast(declared === null ? bracket : brace + declared[0].length - 1);
  }

  #readPast(bracket: number): boolean {
    this.#index = bracket < 0 ? this.#source.length : bracket + 1;
    return true;
  }

  #readCdata(): boolean {
    const from = this.#index + CDATA.length;
    const end = this.#next(']]>', from);
    if (end < 0 && !this.#isEnd) return this.#wait(']]>');
    const content = this.#source.slice(from, end < 0 ? undefined : end);
    const lost = end < 0 || content.includes(CDATA) ? this.#endOfOpenCdata(content, end < 0) : undefined;
    const position = this.#position(this.#index);
    if (lost !== undefined) this.#fault('the CDATA section must end with “]]>”', this.#index);
    const text = withoutForbidden(content.slice(0, lost), (rule, offset) => this.#fault(rule, from + offset));
    this.#index = lost === undefined ? end + 3 : from + lost;
    this.#handler.text(text, position);
    return true;
  }

  /** Where a CDATA section without an end ends: at the end of its element, before another section begins. */
  #endOfOpenCdata(content: string, isLast: boolean): number | undefined {
    const endTag = content.indexOf(`</${this.#handler.innermost() ?? ''}>`);
    if (endTag >= 0 && (isLast || endTag < content.indexOf(CDATA))) return endTag;
    return isLast ? content.length : undefined;
  }

  /** Waits for the end of a token, and skips one that is too long. */
  #wait(end: string): boolean {
    if (this.#source.length - this.#index <= MAX_TOKEN) return false;
    const position = this.#position(this.#index);
    const name = this.#match(BEGINNING_OF_TAG)?.[1];
    if (name === undefined) this.#handler.tooLong(position);
    else this.#openTooLong(name, position);
    this.#skippedTo = end;
    return true;
  }

  /** An element whose start tag is too long. Whether it ends there as well is unknown. */
  #openTooLong(name: string, position: Position): void {
    this.#handler.open({ name, attributes: new Map(), isEmpty: false }, position);
    this.#handler.tooLong(position);
  }

  #skip(end: string): boolean {
    const found = this.#source.indexOf(end, this.#index);
    this.#index = found < 0 ? Math.max(this.#index, this.#source.length - end.length + 1) : found + end.length;
    if (found >= 0 || this.#isEnd) this.#skippedTo = undefined;
    return found >= 0;
  }

  /** The index of a mark from an index on. Each mark is searched for once, however many tokens ask for it. */
  #next(mark: string, index: number): number {
    const known = this.#found.get(mark);
    if (known !== undefined && (known < 0 || known >= index)) return known;
    const found = this.#source.indexOf(mark, index);
    this.#found.set(mark, found);
    return found;
  }

  #isAt(pattern: RegExp): boolean {
    return this.#match(pattern) !== null;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#index;
    return pattern.exec(this.#source);
  }

  #fault(rule: string, index: number): void {
    this.#handler.fault(rule, this.#position(index));
  }

  /** The position of an index. Lines are counted once, so that an earlier index may get a later line. */
  #position(index: number): Position {
    while (this.#nextLine >= 0 && this.#nextLine < index) {
      this.#line += 1;
      this.#lineStart = this.#before + this.#nextLine + 1;
      this.#nextLine = this.#source.indexOf('\n', this.#nextLine + 1);
    }
    return { line: this.#line, column: Math.max(1, this.#before + index - this.#lineStart + 1) };
  }
}
