import type { IncomingMessage } from 'node:http';
import { PublisherError } from '../errors.ts';
import { LINE_FEED, type Line, linesOf } from '../lib/lines.ts';
import { MAX_RECORD_BYTES } from '../publish/publish.ts';

/**
 * The whole body of a request.
 *
 * @param deadline milliseconds within which it must have come
 * @throws PublisherError `unsupported_media_type`, `too_large`, `request_timeout`
 */
export async function readBody(request: IncomingMessage, deadline: number): Promise<Buffer> {
  refuseCodings(request);
  if (Number(request.headers['content-length']) > MAX_RECORD_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of withDeadline(request, deadline, () => false)) {
    length += chunk.length;
    if (length > MAX_RECORD_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * The lines of a request's body that hold something, in groups as they come over the network.
 *
 * @param deadline milliseconds within which each line must have come
 * @throws PublisherError `unsupported_media_type`, `request_timeout`
 */
export function readLines(request: IncomingMessage, deadline: number): AsyncGenerator<readonly Line[]> {
  refuseCodings(request);
  const chunks = withDeadline(request, deadline, (chunk) => chunk.includes(LINE_FEED));
  return linesOf(chunks, MAX_RECORD_BYTES);
}

/** The request's chunks; a trickle, which would hold us for ever, ends at the deadline. */
async function* withDeadline(
  request: IncomingMessage,
  deadline: number,
  renews: (chunk: Buffer) => boolean,
): AsyncGenerator<Buffer> {
  const chunks: AsyncIterator<Buffer> = request.iterator({ destroyOnReturn: false }); // there is still an answer to send
  let left = deadline;
  try {
    for (;;) {
      const asked = Date.now();
      const next = await within(left, chunks.next());
      if (next.done) return;
      left = renews(next.value) ? deadline : left - (Date.now() - asked);
      yield next.value; // what is done with it takes none of the client's time
    }
  } finally {
    void chunks.return?.(); // lets go of the request, so that what is left of it can be dropped
  }
}

async function within<Value>(milliseconds: number, promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new PublisherError('request_timeout', 'The record did not come in time.');
    timer = setTimeout(() => reject(error), Math.max(0, milliseconds));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A compressed body would have to be unpacked before its size is known. */
function refuseCodings(request: IncomingMessage): void {
  const coding = request.headers['content-encoding'] ?? 'identity';
  if (coding === 'identity') return;
  throw new PublisherError('unsupported_media_type', `A body in the coding ${coding} is not read.`, {
    hint: 'Send it without Content-Encoding.',
  });
}

function tooLarge(): PublisherError {
  return new PublisherError('too_large', `A record has at most ${MAX_RECORD_BYTES} bytes.`, {
    problems: [{ field: 'body', rule: `the request must not have more than ${MAX_RECORD_BYTES} bytes` }],
  });
}
