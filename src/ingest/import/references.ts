import { decodeHTMLStrict, replaceCodePoint } from 'entities/decode';

/** Receives each fault of a text, with its offset. */
export type OnFault = (rule: string, offset: number) => void;

/** Characters that XML 1.0 §2.2 forbids. Content systems leave them in stories, where they have no meaning. */
const FORBIDDEN = '\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\uFFFE\\uFFFF';
const HAS_FORBIDDEN = new RegExp(`[${FORBIDDEN}]`);
const ALL_FORBIDDEN = new RegExp(`[${FORBIDDEN}]`, 'g');
const TO_DECODE = new RegExp(`[&${FORBIDDEN}]`);
/** A reference, an ampersand that begins none, or a forbidden character. */
const PIECES = new RegExp(`&(?:#(?:\\d+|x[\\da-f]+);?|[a-z][a-z\\d]*;)?|[${FORBIDDEN}]`, 'gi');
/** The longest name of HTML has 31 characters. */
const MAX_NAME = 31;

/** The text without characters that XML forbids, such as the text of a CDATA section. */
export function withoutForbidden(text: string, onFault: OnFault): string {
  if (!HAS_FORBIDDEN.test(text)) return text;
  return text.replace(ALL_FORBIDDEN, (character: string, offset: number) => forbidden(character, offset, onFault));
}

/**
 * The text or attribute value that XML stands for. It knows the entities of HTML, but none that the document declares, so
 * that none expands to gigabytes or to the text of a file. An ampersand that begins no reference is itself.
 */
export function decodeXml(text: string, onFault: OnFault): string {
  if (!TO_DECODE.test(text)) return text;
  let hasHalf = false;
  const decoded = text.replace(PIECES, (piece: string, offset: number) => {
    if (!piece.startsWith('&')) return forbidden(piece, offset, onFault);
    if (piece === '&') {
      onFault('“&” begins no reference: it is read as itself. Write &amp;', offset);
      return piece;
    }
    if (piece[1] === '#') {
      const characters = numbered(piece, offset, onFault);
      hasHalf ||= !characters.isWellFormed();
      return characters;
    }
    const named = namedCharacters(piece);
    if (named === undefined) onFault(`${piece} is no entity of XML or HTML: it is kept as text`, offset);
    return named ?? piece;
  });
  if (!hasHalf || decoded.isWellFormed()) return decoded;
  onFault('a reference stands for half a character: it is read as �', text.search(/&#/));
  return decoded.toWellFormed();
}

function forbidden(character: string, offset: number, onFault: OnFault): string {
  const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  onFault(`XML forbids the character U+${code}: it is left out`, offset);
  return '';
}

function numbered(reference: string, offset: number, onFault: OnFault): string {
  const characters = numberedCharacters(reference);
  if (!reference.endsWith(';')) onFault(`${reference} does not end with “;”: it is read as a reference`, offset);
  if (characters !== '\u0000' && !HAS_FORBIDDEN.test(characters)) return characters;
  onFault(`${reference} stands for no character that XML allows: it is left out`, offset);
  return '';
}

/** The two halves of a character beyond U+FFFF may come one by one: they stay as they are. */
function numberedCharacters(reference: string): string {
  const digits = reference.replace(/;$/, '').slice(2);
  const code = /^x/i.test(digits) ? Number.parseInt(digits.slice(1), 16) : Number.parseInt(digits, 10);
  if (code === 0) return '\u0000';
  const isHalf = code >= 0xd800 && code <= 0xdfff;
  return isHalf ? String.fromCharCode(code) : String.fromCodePoint(replaceCodePoint(code));
}

const knownNames = new Map<string, string>();

/** The characters of a named reference of HTML; undefined if HTML has no such name. */
function namedCharacters(reference: string): string | undefined {
  if (reference.length > MAX_NAME + 2) return undefined;
  const known = knownNames.get(reference);
  if (known !== undefined) return known;
  const text = decodeHTMLStrict(reference);
  if (text === reference) return undefined;
  knownNames.set(reference, text); // at most as many as HTML has
  return text;
}

/** Decodes the named and numbered character references of HTML. Text that only looks like one stays. */
export function decodeReferences(text: string): string {
  return text
    .replace(/&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,31});/gi, (reference) =>
      reference[1] === '#' ? numberedCharacters(reference) : (namedCharacters(reference) ?? reference),
    )
    .toWellFormed();
}
