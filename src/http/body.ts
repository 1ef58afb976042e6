import type { IncomingMessage } from 'node:http';
import { PublisherError } from '../errors.ts';
import { createChunks } from '../lib/chunks.ts';
import { LINE_FEED, type Line, linesOf } from '../lib/lines.ts';
import { MAX_RECORD_BYTES } from '../publish/publish.ts';

/**
 * Reads the whole body of a request.
 *
 * @param deadline milliseconds within which the body must arrive
 * @throws PublisherError `unsupported_media_type`, `too_large`, `request_timeout`
 */
export async function readBody(request: IncomingMessage, deadline: number): Promise<Buffer> {
  refuseCodings(request);
  if (Number(request.headers['content-length']) > MAX_RECORD_BYTES) throw tooLarge();
  const chunks = createChunks();
  for await (const chunk of withDeadline(request, deadline, () => false)) {
    chunks.add(chunk);
    if (chunks.length() > MAX_RECORD_BYTES) throw tooLarge();
  }
  return chunks.take();
}

/**
 * Reads the lines of a request's body without the blank ones, in groups as they arrive.
 *
 * @param deadline milliseconds within which each line must arrive
 * @throws PublisherError `unsupported_media_type`, `request_timeout`
 */
export function readLines(request: IncomingMessage, deadline: number): AsyncGenerator<readonly Line[]> {
  refuseCodings(request);
  const chunks = withDeadline(request, deadline, (chunk) => chunk.includes(LINE_FEED));
  return linesOf(chunks, MAX_RECORD_BYTES);
}

/** The request's chunks. A client that sends too slowly is refused at the deadline. */
async function* withDeadline(
  request: IncomingMessage,
  deadline: number,
  renews: (chunk: Buffer) => boolean,
): AsyncGenerator<Buffer> {
  const chunks: AsyncIterator<Buffer> = request.iterator({ destroyOnReturn: false }); // the response is still to be sent
  let left = deadline;
  try {
    for (;;) {
      const began = performance.now();
      const next = await within(left, chunks.next());
      if (next.done) return;
      left = renews(next.value) ? deadline : left - (performance.now() - began);
      yield next.value; // the time until the caller continues does not count
    }
  } finally {
    void chunks.return?.(); // releases the request, so that the rest of it can be discarded
  }
}

async function within<Value>(milliseconds: number, promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new PublisherError('request_timeout', 'The record did not arrive in time.');
    timer = setTimeout(() => reject(error), Math.max(0, milliseconds));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The size of a compressed body is unknown until it is decompressed. */
function refuseCodings(request: IncomingMessage): void {
  const coding = request.headers['content-encoding'] ?? 'identity';
  if (coding === 'identity') return;
  throw new PublisherError('unsupported_media_type', `A body with Content-Encoding ${coding} is not supported.`, {
    hint: 'Send the body without Content-Encoding.',
  });
}

function tooLarge(): PublisherError {
  return new PublisherError('too_large', `A record may have at most ${MAX_RECORD_BYTES} bytes.`, {
    problems: [{ field: 'body', rule: `the request must not have more than ${MAX_RECORD_BYTES} bytes` }],
  });
}
