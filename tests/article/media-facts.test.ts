import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mediaFacts } from '../../src/article/media-facts.ts';
import { dataFolder, put } from '../helpers.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAEElEQVR4nGMQUDCAIAY4CwAV1AJBNIRtCgAAAABJRU5ErkJggg==',
  'base64',
);

/** A JPEG without a picture: start, an EXIF orientation, a frame of these dimensions, end. */
function jpeg(width: number, height: number, orientation: number): Buffer {
  const exif = Buffer.from(
    `FFE10022457869660000${'4D4D002A00000008'}0001${'0112000300000001'}000${orientation}0000${'00000000'}`,
    'hex',
  );
  const frame = Buffer.from('FFC0001108000000000301220002110103110100', 'hex').subarray(0, 19);
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  return Buffer.concat([Buffer.from('FFD8', 'hex'), exif, frame, Buffer.from('FFD9', 'hex')]);
}

const FILES = {
  'media/a.png': PNG,
  'media/sub/کورد.png': PNG,
  'media/broken.png': 'no picture',
  'media/empty.png': '',
  'media/upright.jpg': jpeg(40, 30, 1),
  'media/lying.jpg': jpeg(40, 30, 6),
  'media/sound.mp3': 'sound',
  'media/film.mp4': 'film!!',
  'media/unknown.zzz': 'x',
  'media/folder.png/x': 'x',
};

test.each([
  ['a.png', { type: 'image/png', length: 73, width: 3, height: 2 }],
  ['./sub/../a.png', { type: 'image/png', length: 73, width: 3, height: 2 }],
  ['sub/کورد.png', { type: 'image/png', length: 73, width: 3, height: 2 }],
  ['upright.jpg', { type: 'image/jpeg', length: jpeg(40, 30, 1).length, width: 40, height: 30 }],
  ['lying.jpg', { type: 'image/jpeg', length: jpeg(40, 30, 6).length, width: 30, height: 40 }],
  ['broken.png', { type: 'image/png', length: 10 }],
  ['empty.png', { type: 'image/png', length: 0 }],
  ['sound.mp3', { type: 'audio/mpeg', length: 5 }],
  ['film.mp4', { type: 'video/mp4', length: 6 }],
  ['unknown.zzz', undefined],
  ['folder.png', undefined],
  ['none.png', undefined],
  ['../publication.yaml', undefined],
  ['sub/../../publication.yaml', undefined],
  ['a.png\0', undefined],
  ['', undefined],
])('the facts of %j', async (path, expected) => {
  const folder = await dataFolder(FILES);
  expect(mediaFacts(join(folder, 'media'), path)).toEqual(expected);
});

test('a link that leads out of the folder has no facts, one that stays inside has those of its file', async () => {
  const folder = await dataFolder({ 'media/a.png': PNG, 'secret.png': PNG, 'secret/s.png': PNG });
  const links = { 'in.png': 'a.png', 'out.png': '../secret.png', 'chain.png': 'out.png', out: '../secret' };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(folder, 'media', name));
  const widths = ['in.png', 'out.png', 'chain.png', 'out/s.png'].map(
    (path) => mediaFacts(join(folder, 'media'), path)?.width,
  );

  expect(widths).toEqual([3, undefined, undefined, undefined]);
});

/** é, ế and å in several forms of Unicode: composed, decomposed, half composed, and a sign of its own. */
const SPELLINGS = [
  ['cafe\u0301.png', ['caf\u00E9.png', 'cafe\u0301.png']],
  ['caf\u00E9.png', ['caf\u00E9.png', 'cafe\u0301.png']],
  ['tie\u0302\u0301ng/b\u00E1o.png', ['ti\u1EBFng/b\u00E1o.png', 'ti\u00EA\u0301ng/ba\u0301o.png']],
  ['ti\u00EA\u0301ng.png', ['ti\u1EBFng.png', 'tie\u0302\u0301ng.png']],
  ['\u212Bland.png', ['\u00C5land.png', 'A\u030Aland.png']],
] as const;

test.each(SPELLINGS)('the file %j is found by every form of its name', async (file, names) => {
  const folder = join(await dataFolder({ [`media/${file}`]: PNG }), 'media');

  for (const name of names) expect(mediaFacts(folder, name)?.width, name).toBe(3);
});

test('of two files whose names differ in form alone, each is found by its own name', async () => {
  const folder = join(await dataFolder({ 'media/caf\u00E9.png': PNG, 'media/cafe\u0301.png': 'no picture' }), 'media');

  expect(['caf\u00E9.png', 'cafe\u0301.png'].map((name) => mediaFacts(folder, name)?.length)).toEqual([73, 10]);
});

test('a file that came after its name was looked up is found', async () => {
  const data = await dataFolder({ 'media/a.png': PNG });
  const folder = join(data, 'media');
  expect(mediaFacts(folder, 'caf\u00E9.png')).toBeUndefined();
  await put(data, 'media/cafe\u0301.png', PNG);

  expect(mediaFacts(folder, 'caf\u00E9.png')?.width).toBe(3);
});

test.each(['\u00E9.png', '\u00E9/\u00E9.png', '../\u00E9.png', '\u00E9/../../a', '\u00E9\0.png', 'a.png/\u00E9'])(
  'a path without a file stays as it is: %j',
  async (path) => {
    const folder = join(await dataFolder({ 'media/a.png': PNG, 'e\u0301.png': PNG }), 'media');

    expect(mediaFacts(folder, path)).toBeUndefined();
  },
);

/** A box of the ISO base media format. */
function box(name: string, ...content: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + Buffer.concat(content).length);
  head.write(name, 4, 'latin1');
  return Buffer.concat([head, ...content]);
}

/** The head of an AVIF file with sizes of 7 by 5. */
function avif(sizes: number): Buffer {
  const size = box('ispe', Buffer.from('000000000000000700000005', 'hex'));
  const properties = box('iprp', box('ipco', ...Array.from({ length: sizes }, () => size)));
  return Buffer.concat([box('ftyp', Buffer.from('avif\0\0\0\0avif')), box('meta', Buffer.alloc(4), properties)]);
}

// Read one by one, the sizes take two and a half seconds for each of these files: the number of files ends the test.
test('the sizes of a picture that has them by the thousand are not read', { timeout: 20_000 }, async () => {
  const folder = await dataFolder({ 'media/few.avif': avif(3), 'media/many.avif': avif(13_000) });
  const facts = { type: 'image/avif', length: avif(13_000).length };

  expect(mediaFacts(join(folder, 'media'), 'few.avif')).toMatchObject({ width: 7, height: 5 });
  for (let count = 0; count < 20; count += 1) expect(mediaFacts(join(folder, 'media'), 'many.avif')).toEqual(facts);
});
