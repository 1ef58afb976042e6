import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

/** Bytes that are read at once. */
const PIECE = 1024 * 1024;
/** Files that are copied at the same time, so that the wait for the disk is shared. */
const TOGETHER = 8;

export interface CopiedFile {
  /** Bytes. */
  readonly size: number;
  /** Of the bytes that were copied, in hexadecimal digits. */
  readonly sha256: string;
}

interface Target {
  /** A file that does not exist. */
  readonly path: string;
  readonly mode: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/**
 * Copies an open file from its beginning. The copy is on disk when the promise resolves.
 *
 * @param onBytes receives the size of each piece
 */
export async function copyFile(
  from: FileHandle,
  { path, mode, modified }: Target,
  onBytes: (bytes: number) => void = () => {},
): Promise<CopiedFile> {
  const to = await open(path, 'wx', 0o600);
  try {
    const copied = await digest(from, onBytes, (piece) => to.writeFile(piece));
    await to.chmod(mode);
    await to.utimes(modified / 1000, modified / 1000);
    await to.sync();
    return copied;
  } finally {
    await to.close();
  }
}

/** Reads an open file from its beginning, for its size and its digest. */
export async function digest(
  from: FileHandle,
  onBytes: (bytes: number) => void = () => {},
  write: (piece: Uint8Array) => Promise<void> = async () => {},
): Promise<CopiedFile> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(PIECE);
  let size = 0;
  for (;;) {
    const { bytesRead } = await from.read(buffer, 0, PIECE, size);
    if (bytesRead === 0) return { size, sha256: hash.digest('hex') };
    const piece = buffer.subarray(0, bytesRead);
    hash.update(piece);
    await write(piece);
    size += bytesRead;
    onBytes(bytesRead);
  }
}

/** Does work for each item, for several at the same time. Rejects with the first error, after all work has ended. */
export async function forEachTogether<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const workers = Array.from({ length: TOGETHER }, async () => {
    for (const item of rest) await work(item);
  });
  const [failed] = (await Promise.allSettled(workers)).filter((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
