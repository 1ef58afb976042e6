import { UnreadableRecord } from './record.ts';

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
