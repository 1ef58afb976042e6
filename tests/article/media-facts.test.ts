import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mediaFacts } from '../../src/article/media-facts.ts';
import { dataFolder } from '../helpers.ts';

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
