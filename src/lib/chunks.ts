/** The bytes of a body or a line that arrive bit by bit. */
export interface Chunks {
  readonly add: (chunk: Buffer) => void;
  /** Bytes so far. */
  readonly length: () => number;
  /** Returns all bytes and starts again. */
  readonly take: () => Buffer;
  /** Starts again without the bytes. */
  readonly clear: () => void;
}

/**
 * Chunks that are joined together. A client can send a body in chunks of one byte: kept alone, each chunk takes a hundred
 * bytes, and keeps the memory of a whole read of the socket.
 */
const JOINED = 512;

export function createChunks(): Chunks {
  let joined: Buffer[] = [];
  let latest: Buffer[] = [];
  let length = 0;

  function clear(): void {
    joined = [];
    latest = [];
    length = 0;
  }

  return {
    add(chunk) {
      latest.push(chunk);
      length += chunk.length;
      if (latest.length < JOINED) return;
      joined.push(Buffer.concat(latest));
      latest = [];
    },
    length: () => length,
    take() {
      const [only] = latest;
      const bytes = only !== undefined && only.length === length ? only : Buffer.concat([...joined, ...latest], length);
      clear();
      return bytes;
    },
    clear,
  };
}
