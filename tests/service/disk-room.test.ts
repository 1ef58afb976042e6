import { expect, test } from 'vitest';
import { roomError } from '../../src/service/disk-room.ts';

test('a disk without room is named before anything is written', () => {
  const work = { work: 'A repair of /store', hint: 'Make room.' };

  expect(roomError({ needed: 6e9, free: 6e9 }, work)).toBeUndefined();
  expect(roomError({ needed: 5e9, free: 1.2e9 }, work)).toMatchObject({
    code: 'insufficient_storage',
    message: 'A repair of /store needs 5,000 MB on the disk, but 1,200 MB are free.',
    hint: 'Make room.',
  });
});
