import { expect, test } from 'vitest';
import { parseArticle } from '../../src/article/article.ts';
import { withMovedMedia } from '../../src/article/moved-media.ts';

const FROM = 'https://www.news.example/';
const TO = 'http://localhost:8080/';

function storyAt(files: string) {
  return parseArticle(
    {
      id: `${FROM}media/id`,
      url: '/2026/bridge',
      title: `See ${FROM}2026/`,
      body: `<p><a href="/2026/ferry">Ferry</a> <img src="${files}media/a.jpg" srcset="${files}media/a.jpg 1x, ${files}media/b.jpg 2x" alt=""> <a href="${files}media/c.pdf">c</a> <img src="https://cdn.news.org/media/d.jpg" alt=""></p>`,
      publishedAt: '2026-11-20T08:00:00Z',
      authors: [{ name: 'A', url: '/staff/a', avatar: `${files}media/face.png` }, { name: 'B' }],
      image: { url: `${files}media/$&.jpg`, alt: 'x' },
      media: [
        { url: `${files}media/sound.mp3`, type: 'audio/mpeg' },
        { url: 'https://cdn.news.org/media/e.mp3', type: 'audio/mpeg' },
      ],
      source: { name: 'S', url: '/media/source' },
      translations: [{ language: 'ku', url: '/media/ku' }],
    },
    { url: FROM, feedsUrl: FROM, language: 'en', mediaFolder: '/nowhere' },
  );
}

test('the files of a service move with it; ids, links and files of others stay', () => {
  const moved = withMovedMedia(storyAt(FROM), { from: FROM, to: TO });

  expect(moved).toEqual(storyAt(TO));
  expect(moved.id).toBe(`${FROM}media/id`);
  expect(moved.html).toContain('https://www.news.example/2026/ferry');
});

test('an article without files stays as it is', () => {
  const { image: _, ...story } = storyAt('https://cdn.news.org/');
  expect(withMovedMedia(story, { from: FROM, to: TO })).toEqual(story);
});
