import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { defaultIcon } from '../../src/pages/icon.ts';

const SIZE = 32;

/** The picture in an ICO file: its size, and the red, green, blue and opacity of a pixel. */
function pictureIn(icon: Buffer) {
  expect([icon.readUInt16LE(0), icon.readUInt16LE(2), icon.readUInt16LE(4)]).toEqual([0, 1, 1]);
  const png = icon.subarray(icon.readUInt32LE(18), icon.readUInt32LE(18) + icon.readUInt32LE(14));
  expect(png.toString('latin1', 1, 4)).toBe('PNG');
  const chunks = new Map<string, Buffer>();
  for (let start = 8; start < png.length; ) {
    const length = png.readUInt32BE(start);
    chunks.set(png.toString('latin1', start + 4, start + 8), png.subarray(start + 8, start + 8 + length));
    start += 12 + length;
  }
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  const head = chunks.get('IHDR') ?? Buffer.alloc(0);
  const rows = inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0));
  expect(rows.length).toBe(SIZE * (1 + SIZE * 4));
  return {
    width: head.readUInt32BE(0),
    height: head.readUInt32BE(4),
    at: (x: number, y: number) => [...rows.subarray(y * (1 + SIZE * 4) + 1 + x * 4).subarray(0, 4)],
  };
}

test.each([
  ['1a5f7a', [26, 95, 122], 255],
  [undefined, [26, 95, 122], 255],
  ['ffe680', [255, 230, 128], 0],
])('the icon on the colour %s is the sign for feeds, white or black', (accentColor, ground, sign) => {
  const icon = pictureIn(defaultIcon(accentColor === undefined ? {} : { accentColor }));
  expect([icon.width, icon.height]).toEqual([SIZE, SIZE]);
  expect(icon.at(9, 22)).toEqual([sign, sign, sign, 255]);
  expect(icon.at(26, 5)).toEqual([...ground, 255]);
  expect(icon.at(0, 0)[3]).toBe(0);
});
