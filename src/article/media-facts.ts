import { closeSync, existsSync, fstatSync, readSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { imageSize } from 'image-size';
import mime from 'mime';
import { openContainedSync } from '../lib/contained-file.ts';
import { otherFormSync } from '../lib/name-forms.ts';

/** Properties of a picture, sound or video, read from its file. */
export interface MediaFacts {
  /** Media type, RFC 6838. */
  readonly type: string;
  /** Bytes. */
  readonly length: number;
  /** Pixels. */
  readonly width?: number;
  readonly height?: number;
}

/** Every picture format has its dimensions near the start; in a JPEG they may come after a thumbnail. */
const HEAD_BYTES = 256 * 1024;

/** Sizes in a HEIF or AVIF file. Real ones have up to ten. */
const MAX_SIZES = 50;

/** The facts of a file by its path below the media folder; undefined if there is no such file inside of the folder. */
export function mediaFacts(folder: string, path: string): MediaFacts | undefined {
  const inside = normalize(path);
  if (inside.startsWith('..') || inside.includes('\0')) return undefined;
  const other = existsSync(join(folder, inside)) ? undefined : otherFormSync(folder, inside);
  try {
    return factsOf(folder, other ?? inside);
  } catch {
    return undefined; // no such file, or no permission to read it
  }
}

function factsOf(folder: string, path: string): MediaFacts | undefined {
  const type = mime.getType(path);
  const descriptor = type === null ? undefined : openContainedSync(folder, path);
  if (type === null || descriptor === undefined) return undefined;
  try {
    const status = fstatSync(descriptor);
    if (!type.startsWith('image/')) return { type, length: status.size };
    const head = Buffer.alloc(Math.min(status.size, HEAD_BYTES));
    readSync(descriptor, head);
    return { type, length: status.size, ...dimensionsIn(head) };
  } finally {
    closeSync(descriptor);
  }
}

function dimensionsIn(head: Buffer): { width: number; height: number } | undefined {
  if (hasManySizes(head)) return undefined;
  try {
    const { width, height, orientation } = imageSize(head);
    // EXIF orientations from 5 on are rotated by 90 degrees.
    return orientation !== undefined && orientation >= 5 ? { width: height, height: width } : { width, height };
  } catch {
    return undefined; // a format that image-size does not know
  }
}

/** image-size compares each size in a HEIF file with each box behind it: 256 kB of sizes would take seconds. */
function hasManySizes(head: Buffer): boolean {
  if (head.toString('latin1', 4, 8) !== 'ftyp') return false;
  let count = 0;
  for (let at = head.indexOf('ispe'); at >= 0 && count <= MAX_SIZES; at = head.indexOf('ispe', at + 4)) count += 1;
  return count > MAX_SIZES;
}
