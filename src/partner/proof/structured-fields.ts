/** The parts of RFC 8941 that signatures use: no decimal numbers, and no plain lists. */
export type Bare = string | number | boolean | Uint8Array | Token;

/** A word without quotation marks. */
export interface Token {
  readonly token: string;
}

export type Parameters = ReadonlyMap<string, Bare>;

export interface Item {
  readonly value: Bare;
  readonly parameters: Parameters;
}

export interface InnerList {
  readonly items: readonly Item[];
  readonly parameters: Parameters;
}

export type Member = Item | InnerList;

export function isInnerList(member: Member): member is InnerList {
  return 'items' in member;
}

/** Characters of a header that is read. */
const LONGEST = 16_384;
/** The name of a member or a parameter. */
const KEY = /[a-z*][a-z0-9_.*-]*/y;
const STRING = /"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
const INTEGER = /-?\d{1,15}(?![\d.])/y;
const TOKEN = /[A-Za-z*][\w:/!#$%&'*+.^`|~-]*/y;
const BYTES = /:([A-Za-z0-9+/]*={0,2}):/y;
const BOOLEAN = /\?([01])/y;

/** Parses a dictionary (RFC 8941 §4.2.2). Undefined where it is none. */
export function parseDictionary(text: string): ReadonlyMap<string, Member> | undefined {
  if (text.length > LONGEST) return undefined;
  try {
    return dictionaryIn(createScanner(text));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

type Scanner = ReturnType<typeof createScanner>;

function createScanner(text: string) {
  let position = 0;
  return {
    isAtEnd: () => position >= text.length,
    isAt: (expected: string) => text.startsWith(expected, position),
    /** Goes behind the text, if it follows here. */
    skip(expected: string): boolean {
      if (!text.startsWith(expected, position)) return false;
      position += expected.length;
      return true;
    },
    skipSpace(characters: string): void {
      while (position < text.length && characters.includes(text.charAt(position))) position += 1;
    },
    /** Goes behind what a sticky pattern matches here. */
    match(pattern: RegExp): RegExpExecArray | undefined {
      pattern.lastIndex = position;
      const match = pattern.exec(text);
      if (match === null) return undefined;
      position = pattern.lastIndex;
      return match;
    },
  };
}

function dictionaryIn(scanner: Scanner): Map<string, Member> {
  const members = new Map<string, Member>();
  scanner.skipSpace(' ');
  while (!scanner.isAtEnd()) {
    const key = keyIn(scanner);
    members.delete(key); // the last of two with one name counts, and stands last
    members.set(key, scanner.skip('=') ? memberIn(scanner) : { value: true, parameters: parametersIn(scanner) });
    scanner.skipSpace(' \t');
    if (scanner.isAtEnd()) return members;
    if (!scanner.skip(',')) throw new SyntaxError('a comma is missing');
    scanner.skipSpace(' \t');
    if (scanner.isAtEnd()) throw new SyntaxError('a comma is the end');
  }
  return members;
}

function keyIn(scanner: Scanner): string {
  const match = scanner.match(KEY);
  if (match === undefined) throw new SyntaxError('a name is missing');
  return match[0];
}

function memberIn(scanner: Scanner): Member {
  if (!scanner.skip('(')) return itemIn(scanner);
  const items: Item[] = [];
  scanner.skipSpace(' ');
  while (!scanner.skip(')')) {
    items.push(itemIn(scanner));
    if (scanner.skip(' ')) scanner.skipSpace(' ');
    else if (!scanner.isAt(')')) throw new SyntaxError('a space is missing');
  }
  return { items, parameters: parametersIn(scanner) };
}

function itemIn(scanner: Scanner): Item {
  return { value: bareIn(scanner), parameters: parametersIn(scanner) };
}

function parametersIn(scanner: Scanner): Map<string, Bare> {
  const parameters = new Map<string, Bare>();
  while (scanner.skip(';')) {
    scanner.skipSpace(' ');
    const key = keyIn(scanner);
    parameters.delete(key);
    parameters.set(key, scanner.skip('=') ? bareIn(scanner) : true);
  }
  return parameters;
}

function bareIn(scanner: Scanner): Bare {
  const text = scanner.match(STRING)?.[1];
  if (text !== undefined) return text.replace(/\\(.)/g, '$1');
  const bytes = scanner.match(BYTES)?.[1];
  if (bytes !== undefined) return Buffer.from(bytes, 'base64');
  const number = scanner.match(INTEGER)?.[0];
  if (number !== undefined) return Number(number);
  const bit = scanner.match(BOOLEAN)?.[1];
  if (bit !== undefined) return bit === '1';
  const token = scanner.match(TOKEN)?.[0];
  if (token !== undefined) return { token };
  throw new SyntaxError('a value is missing');
}

/** Serializes an inner list (RFC 8941 §4.1.1.1). */
export function innerListText({ items, parameters }: InnerList): string {
  return `(${items.map(itemText).join(' ')})${parametersText(parameters)}`;
}

export function itemText({ value, parameters }: Item): string {
  return bareText(value) + parametersText(parameters);
}

function parametersText(parameters: Parameters): string {
  return [...parameters].map(([key, value]) => (value === true ? `;${key}` : `;${key}=${bareText(value)}`)).join('');
}

function bareText(value: Bare): string {
  if (typeof value === 'string') return `"${value.replace(/["\\]/g, '\\$&')}"`;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? '?1' : '?0';
  if (value instanceof Uint8Array) return `:${Buffer.from(value).toString('base64')}:`;
  return value.token;
}
