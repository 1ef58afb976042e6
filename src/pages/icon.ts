import { crc32, deflateSync } from 'node:zlib';
import type { Publication } from '../config/publication.ts';
import { DEFAULT_ACCENT } from './assets.ts';

/** Pixels of each side. */
const SIZE = 32;
/** Points of each side of a pixel that are looked at: edges get colours between. */
const POINTS = 4;
const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

/** The icon of a publication that has none of its own: the sign for feeds on its accent colour, as an ICO file with a PNG. */
export function defaultIcon({ accentColor = DEFAULT_ACCENT }: Pick<Publication, 'accentColor'>): Buffer {
  const image = png(accentColor);
  const header = Buffer.alloc(22);
  header.writeUInt16LE(1, 2); // an icon
  header.writeUInt16LE(1, 4); // one picture
  header.writeUInt8(SIZE, 6);
  header.writeUInt8(SIZE, 7);
  header.writeUInt16LE(1, 10); // planes
  header.writeUInt16LE(32, 12); // bits of a pixel
  header.writeUInt32LE(image.length, 14);
  header.writeUInt32LE(header.length, 18); // where the picture begins
  return Buffer.concat([header, image]);
}

function png(color: string): Buffer {
  const ground = [0, 2, 4].map((start) => Number.parseInt(color.slice(start, start + 2), 16));
  const [red = 0, green = 0, blue = 0] = ground;
  const sign = red * 0.299 + green * 0.587 + blue * 0.114 > 160 ? 0 : 255; // black on light colours
  const rows: Buffer[] = [];
  for (let y = 0; y < SIZE; y += 1) {
    const row = Buffer.alloc(1 + SIZE * 4); // the first byte: no filter
    for (let x = 0; x < SIZE; x += 1) {
      const { inside, signed } = pixel(x, y);
      const mixed = ground.map((value) => Math.round(value + (sign - value) * signed));
      row.set([...mixed, Math.round(inside * 255)], 1 + x * 4);
    }
    rows.push(row);
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(SIZE, 0);
  head.writeUInt32BE(SIZE, 4);
  head.set([8, 6], 8); // bits of a channel; red, green, blue and opacity
  const chunks = [chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.concat(rows))), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([PNG_SIGNATURE, ...chunks]);
}

function chunk(type: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const body = Buffer.concat([Buffer.from(type), data]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

/** How much of a pixel is within the icon, and how much of that belongs to the sign. */
function pixel(x: number, y: number): { inside: number; signed: number } {
  let inside = 0;
  let signed = 0;
  for (let point = 0; point < POINTS * POINTS; point += 1) {
    const across = x + ((point % POINTS) + 0.5) / POINTS;
    const down = y + (Math.floor(point / POINTS) + 0.5) / POINTS;
    if (!isInside(across, down)) continue;
    inside += 1;
    if (isSign(across, down)) signed += 1;
  }
  return { inside: inside / POINTS ** 2, signed: inside === 0 ? 0 : signed / inside };
}

/** A square with round corners. */
function isInside(x: number, y: number): boolean {
  const radius = 6;
  const beyond = (value: number) => Math.max(radius - value, value - (SIZE - radius), 0);
  return Math.hypot(beyond(x), beyond(y)) <= radius;
}

/** A dot at the lower left, and two arcs around it. */
function isSign(x: number, y: number): boolean {
  if (Math.hypot(x - 9.5, y - 22.5) <= 2.75) return true;
  const [across, up] = [x - 7, 25 - y];
  if (across < 0 || up < 0) return false;
  const distance = Math.hypot(across, up);
  return (distance >= 8.5 && distance <= 12) || (distance >= 14.5 && distance <= 18);
}
