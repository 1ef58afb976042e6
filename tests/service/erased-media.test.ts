import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { mediaFilesOf, unusedMedia } from '../../src/service/erased-media.ts';
import { dataFolder, record } from '../helpers.ts';

const NOW = Date.UTC(2026, 10, 22);

test('the files of a story are those that are there and that no other article names, however it spells them', async () => {
  const names = ['a.jpg', 'deep/b c.jpg', 'caf\u00e9.png', 'sole\u0301.png', 'x&y.jpg', 'shared.jpg', 'of-nobody.jpg'];
  const folder = await dataFolder(Object.fromEntries(names.map((name) => [`media/${name}`, 'x'])));
  const { store, newsroom } = openDataFolder(folder);
  onTestFinished(() => store.close());
  const { publish, erase } = createPublisher({ store, parse: parseHere(newsroom), now: () => NOW, announce: () => {} });
  const pictures = [
    '/media/a.jpg',
    '/media/deep/b%20c.jpg',
    '/media/cafe\u0301.png',
    '/media/sol\u00e9.png',
    '/media/x&amp;y.jpg',
    '/media/missing.jpg',
    '/media/../publication.yaml',
  ];
  const body = pictures.map((src) => `<img src="${src}" srcset="/media/shared.jpg 1x, ${src} 2x">`).join('');
  await publish(
    [
      record({ body, image: { url: '/media/a.jpg' } }),
      record({ id: 'b', url: '/b', body: '<p>B</p><img src="/media/shared.jpg">' }),
      record({ id: 'c', url: '/c', body: '<p>C</p><img src="/media/caf\u00e9.png">' }),
    ].map(unparsedRecord),
  );
  const story = await store.find('a');
  if (story === undefined) throw new Error('there is no article');
  const files = await mediaFilesOf(story, join(folder, 'media'));
  await erase([{ id: 'a' }]);

  expect(files.toSorted()).toEqual(['a.jpg', 'café.png', 'deep/b c.jpg', 'shared.jpg', 'sol\u00e9.png', 'x&y.jpg']);
  expect((await unusedMedia(store, files)).toSorted()).toEqual(['a.jpg', 'deep/b c.jpg', 'sol\u00e9.png', 'x&y.jpg']);
});
