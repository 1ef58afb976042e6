import { strayByteIn, utf8Decoder } from './utf8.ts';

/** What is known of a document's encoding. */
export interface DocumentEncoding {
  readonly name: string;
  /** Whether the document, its byte order mark or the server names it. */
  readonly isDeclared: boolean;
  /** Whether bytes were found that are not in it. Of UTF-8 they are stray bytes of the text, else U+FFFD. */
  readonly isBroken: boolean;
}

/** A document that is decoded while it is read. */
export interface DocumentText {
  readonly chunks: AsyncIterable<string>;
  /** Known from the first chunk on. */
  readonly encoding: DocumentEncoding;
}

/** Bytes at the beginning that show the encoding. */
const HEAD = 1024;

/**
 * Decodes an XML or JSON document by its byte order mark, else by the charset of the HTTP header, else by its XML
 * declaration (RFC 7303 §3), else as UTF-8. It passes over an encoding that the WHATWG Encoding Standard does not know.
 *
 * @param charset of the header Content-Type
 */
export function documentText(bytes: AsyncIterable<Uint8Array>, charset?: string): DocumentText {
  const encoding = { name: 'utf-8', isDeclared: false, isBroken: false };
  async function* chunks(): AsyncGenerator<string> {
    let head: Buffer = Buffer.alloc(0);
    let decoder: Decode | undefined;
    const decode = (chunk: Buffer, isLast: boolean) => {
      decoder ??= decoderFor(head, charset, encoding);
      const text = decoder(chunk, isLast);
      encoding.isBroken ||= encoding.name === 'utf-8' ? strayByteIn(text) >= 0 : text.includes('\uFFFD');
      return text;
    };
    for await (const chunk of bytes) {
      const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      if (decoder !== undefined) {
        yield decode(buffer, false);
        continue;
      }
      head = Buffer.concat([head, buffer]);
      if (head.length >= HEAD) yield decode(head, false);
    }
    yield decode(decoder === undefined ? head : Buffer.alloc(0), true);
  }
  return { chunks: chunks(), encoding };
}

type Decode = (chunk: Buffer, isLast: boolean) => string;

function decoderFor(
  head: Buffer,
  charset: string | undefined,
  encoding: { name: string; isDeclared: boolean },
): Decode {
  const candidates = [charset?.replace(/["']/g, '').trim(), declaredIn(head)].filter(isByteEncoding);
  const label = [byteOrder(head), ...candidates].find(isKnown);
  const decoder = new TextDecoder(label);
  encoding.name = decoder.encoding;
  encoding.isDeclared = label !== undefined;
  return decoder.encoding === 'utf-8' ? utf8Decoder() : (chunk, isLast) => decoder.decode(chunk, { stream: !isLast });
}

/** The encoding by the byte order mark, or by the zeros of UTF-16. */
function byteOrder([first, second, third]: Buffer): string | undefined {
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0 && second !== undefined && second !== 0) return 'utf-16be';
  if (first !== undefined && first !== 0 && second === 0) return 'utf-16le';
  return first === 0xef && second === 0xbb && third === 0xbf ? 'utf-8' : undefined;
}

function declaredIn(head: Buffer): string | undefined {
  return /^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"'>]+)/.exec(head.toString('latin1', 0, HEAD))?.[1]?.trim();
}

/**
 * Whether a document without zeros can be in an encoding: it is not in UTF-16, whatever it says. ASCII says nothing of
 * other bytes.
 */
function isByteEncoding(label: string | undefined): boolean {
  return label !== undefined && !/^(?:utf-?16|utf-?32|ucs-?[24]|iso-10646|(?:us-)?ascii$)/i.test(label);
}

function isKnown(label: string | undefined): boolean {
  if (label === undefined) return false;
  try {
    return new TextDecoder(label) !== undefined;
  } catch {
    return false;
  }
}
