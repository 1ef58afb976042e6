import { UnreadableRecord } from './record.ts';

/** Bytes that are decoded at once. It is small, so that the text before a wrong byte is still read. */
const DECODE_LENGTH = 1024;

/**
 * Decodes an XML or JSON document by its byte order mark, the charset of its HTTP header or its XML declaration, else as
 * UTF-8 (RFC 7303 §3).
 *
 * @throws UnreadableRecord with the line, if the encoding is unknown or the bytes are not in it
 */
export async function* documentText(chunks: AsyncIterable<Uint8Array>, charset?: string): AsyncGenerator<string> {
  let head = Buffer.alloc(0);
  let decode: Decode | undefined;
  for await (const chunk of chunks) {
    if (decode === undefined) {
      head = Buffer.concat([head, chunk]);
      if (head.length < DECODE_LENGTH) continue;
    }
    const bytes = decode === undefined ? head : chunk;
    decode ??= decoderFor(encodingOf(head, charset));
    yield* decode(bytes);
  }
  const last = decode === undefined ? head : new Uint8Array();
  decode ??= decoderFor(encodingOf(head, charset));
  yield* decode(last);
  yield* decode(undefined);
}

/** Decodes successive bytes; undefined ends the document. */
type Decode = (bytes: Uint8Array | undefined) => Generator<string>;

function decoderFor(encoding: string): Decode {
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(encoding, { fatal: true });
  } catch {
    const rule = 'must be an encoding of the WHATWG Encoding Standard, such as UTF-8';
    throw new UnreadableRecord([{ field: '', value: encoding, rule, line: 1 }]);
  }
  let line = 1;
  return function* (bytes) {
    let text = '';
    let isValid = true;
    try {
      if (bytes === undefined) text = decoder.decode();
      for (let start = 0; bytes !== undefined && start < bytes.length; start += DECODE_LENGTH) {
        text += decoder.decode(bytes.subarray(start, start + DECODE_LENGTH), { stream: true });
      }
    } catch {
      isValid = false;
    }
    line += text.split('\n').length - 1;
    yield text;
    if (!isValid)
      throw new UnreadableRecord([
        { field: '', rule: `must be valid ${encoding}, the encoding of this document`, line },
      ]);
  };
}

function encodingOf(head: Buffer, charset: string | undefined): string {
  const [first, second] = head;
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xef && second === 0xbb) return 'utf-8';
  if (charset !== undefined) return charset;
  if (first === 0 && second !== 0) return 'utf-16be';
  if (first !== 0 && second === 0) return 'utf-16le';
  const declared = /^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"'>]+)/
    .exec(head.toString('latin1', 0, DECODE_LENGTH))?.[1]
    ?.trim();
  // A declaration that is readable as single bytes is not in UTF-16, whatever it declares.
  return declared === undefined || /^(utf-?16|utf-?32|ucs-?[24]|iso-10646)/i.test(declared) ? 'utf-8' : declared;
}
