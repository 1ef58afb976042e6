import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_NAMES, mediaName, mediaNamesIn } from '../../src/article/media-names.ts';
import { article } from '../helpers.ts';

const inBody = (body: string) => mediaNamesIn(JSON.stringify(article({ body })));

describe('the files that an article names', () => {
  test.each<[string, string, string[]]>([
    ['none', '<p>A</p>', []],
    ['an ampersand', '<img src="https://x.example/media/a&amp;b.png">', ['a&amp;b.png', 'a&b.png']],
    [
      'several sizes',
      '<img src="/media/a.png" srcset="/media/b.png 1x, /media/c.png 2x">',
      ['a.png', 'b.png', 'c.png'],
    ],
    ['an apostrophe and brackets', `<img src="/media/it's (1).png">`, ["it's (1).png"]],
    ['a comma', '<img src="/media/a,b.png">', ['a,b.png']],
    ['a percent sign', '<img src="/media/100%25.png">', ['100%.png']],
    ['letters of two forms', '<img src="/media/cafe\u0301.png">', ['caf\u00e9.png']],
    ['a folder', '<img src="/media/2026/11/a.png">', ['2026/11/a.png']],
    ['a folder called media', '<img src="/media/feeds/media/a.png">', ['feeds/media/a.png', 'a.png']],
    ['a query and a fragment', '<a href="/media/a.pdf?x=1#page=2">A</a>', ['a.pdf']],
    ['one twice', '<img src="/media/a.png"><img src="/media/a.png">', ['a.png']],
    ['the folder alone', '<a href="/media/">A</a><a href="/media">B</a>', []],
  ])('%s', (_, body, expected) => {
    expect(inBody(body)).toEqual(expected);
  });

  test('outside of its folder are none', () => {
    expect(mediaNamesIn('"/media/%2e%2e%2fpublication.yaml" "/media/%00a"')).toEqual([]);
  });

  test('are found by the path of a request, whatever the name', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((text) => !/[/\\\0]|^\.+$/.test(text));
    fc.assert(
      fc.property(name, (text) => {
        if (!text.isWellFormed()) return;
        const address = `https://feeds.news.example/media/${encodeURIComponent(text)}`;
        expect(mediaNamesIn(JSON.stringify({ image: { url: address } }))).toContain(mediaName(text));
      }),
    );
  });

  test('are limited in number and length, and found in one pass', () => {
    const many = Array.from({ length: MAX_NAMES + 10 }, (_, index) => `/media/${index}`).join(' ');
    expect(mediaNamesIn(many)).toHaveLength(MAX_NAMES);
    expect(mediaNamesIn(`/media/${'x'.repeat(255)} /media/${'y'.repeat(256)}`)).toEqual(['x'.repeat(255)]);
    expect(mediaNamesIn('/media/'.repeat(600_000))).toEqual([]);
    expect(mediaNamesIn(`/media/${'a\u0301'.repeat(2_000_000)}`)).toEqual([]);
  });
});
