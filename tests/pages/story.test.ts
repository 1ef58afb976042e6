import fc from 'fast-check';
import { Parser } from 'htmlparser2';
import { describe, expect, test } from 'vitest';
import { sanitizeBody } from '../../src/article/sanitize.ts';
import { hostsOf } from '../../src/pages/hosts.ts';
import { storyOf } from '../../src/pages/story.ts';
import { textsFor } from '../../src/pages/texts.ts';

const publication = {
  feedsUrl: 'https://feeds.news.example/',
  pages: { mediaHosts: ['media.example'], texts: {} },
  timeZone: 'UTC',
};
const hosts = hostsOf(publication);
const LOCAL = 'https://feeds.news.example/media/a.jpg';
const SOUND = 'https://feeds.news.example/media/a.mp3';

interface Options {
  readonly language?: string;
  readonly page?: string;
  readonly shown?: readonly string[];
  readonly limit?: number;
}

function blocks(html: string, { language = 'en', page = 'en', shown = [], limit = 1e6 }: Options = {}) {
  const texts = textsFor(page, publication);
  return storyOf(html, { texts, hosts, root: '../', language, shown: new Set(shown), limit });
}

describe.each<[string, readonly (readonly [from: string, to: readonly string[]])[]]>([
  [
    'headings',
    [
      ['<h2>A</h2><h3>B</h3><h2>C</h2>', ['<h3>A</h3>', '<h4>B</h4>', '<h3>C</h3>']],
      ['<h1>A</h1>', ['<h3>A</h3>']],
      ['<h4>A</h4><h6>B</h6>', ['<h3>A</h3>', '<h4>B</h4>']],
    ],
  ],
  [
    'pictures',
    [
      [
        `<p><img src="${LOCAL}" srcset="https://x.example/b.jpg 2x" alt="A &quot;b&quot;" width="8" height="4"></p>`,
        ['<p><img src="../media/a.jpg" width="8" height="4" alt="A &quot;b&quot;" loading="lazy"></p>'],
      ],
      [`<img src="${LOCAL}">`, ['<div><img src="../media/a.jpg" alt="" loading="lazy"></div>']],
      [
        '<p><img src="https://media.example/c.jpg" alt="C"></p>',
        ['<p><img src="https://media.example/c.jpg" alt="C" loading="lazy"></p>'],
      ],
      [
        '<p><img src="https://other.example/c.jpg" alt="C"></p>',
        ['<p><a href="https://other.example/c.jpg">C on other.example</a></p>'],
      ],
      [
        '<img src="https://www.other.example/c.jpg">',
        ['<div><a href="https://www.other.example/c.jpg">Picture on other.example</a></div>'],
      ],
      [
        '<p><a href="https://x.example/"><img src="https://other.example/c.jpg" alt="C"></a></p>',
        ['<p><a href="https://x.example/">C on other.example</a></p>'],
      ],
      [
        `<figure><picture><source srcset="https://o.example/x.webp"><img src="${LOCAL}" alt="A"></picture><figcaption>B</figcaption></figure>`,
        ['<figure><img src="../media/a.jpg" alt="A" loading="lazy"><figcaption>B</figcaption></figure>'],
      ],
    ],
  ],
  [
    'players',
    [
      [
        `<audio src="${SOUND}" autoplay>no player <a href="x">here</a></audio>`,
        ['<div><audio controls preload="none" src="../media/a.mp3" aria-label="Sound"></audio></div>'],
      ],
      [
        `<video poster="https://o.example/p.jpg" width="4"><source src="https://o.example/v.mp4"><source src="${SOUND}"></video>`,
        ['<div><a href="https://o.example/v.mp4">Video on o.example</a></div>'],
      ],
      [
        `<video poster="${LOCAL}"><source src="https://media.example/v.mp4"><track src="https://o.example/t.vtt"></video>`,
        [
          '<div><video controls preload="none" src="https://media.example/v.mp4" poster="../media/a.jpg" aria-label="Video"></video></div>',
        ],
      ],
      [
        '<iframe src="https://tube.example/1" title="A film" allow="autoplay"></iframe><p>B</p>',
        ['<div><a href="https://tube.example/1">A film on tube.example</a></div>', '<p>B</p>'],
      ],
      [
        '<iframe src="https://media.example/1" sandbox="allow-scripts" allow="autoplay"></iframe>',
        [
          '<div><iframe src="https://media.example/1" title="Embedded content" sandbox="allow-scripts" loading="lazy" allowfullscreen></iframe></div>',
        ],
      ],
    ],
  ],
  [
    'tables',
    [
      [
        '<table><tr><td colspan="2" headers="x">A</td></tr></table>',
        [
          '<div class="scroll" role="group" tabindex="0" aria-label="Table"><table><tr><td colspan="2">A</td></tr></table></div>',
        ],
      ],
    ],
  ],
  [
    'heads of tables',
    [
      [
        '<table><tr><th> </th><th scope="col">A <b>b</b></th></tr></table>',
        [
          '<div class="scroll" role="group" tabindex="0" aria-label="Table"><table><tr><td></td><th scope="col">A <b>b</b></th></tr></table></div>',
        ],
      ],
    ],
  ],
  [
    'divisions and loose text',
    [
      ['<div><section><p>A</p><p>B</p></section></div>', ['<p>A</p>', '<p>B</p>']],
      ['<div>A <b>b</b><br>c</div>D', ['<div>A <b>b</b><br>c</div>', '<div>D</div>']],
      ['<article><header>A</header></article><aside>B</aside>', ['<div>A</div>', '<div>B</div>']],
      ['<blockquote><div>A</div></blockquote>', ['<blockquote><div>A</div></blockquote>']],
      ['<div dir="rtl" lang="ar"><p>A</p></div>', ['<div dir="rtl" lang="ar"><p>A</p></div>']],
      ['<br><br>', []],
    ],
  ],
])('%s of a story', (_, cases) => {
  test.each(cases)('%s', (from, to) => {
    expect(blocks(from)).toEqual({ blocks: to, isCut: false });
  });
});

test('the language of a story is named once', () => {
  const html = '<div dir="rtl" lang="ckb"><p lang="CKB">A <b lang="en" dir="ltr">B <i lang="en">C</i></b></p></div>';
  expect(blocks(html, { language: 'ckb' }).blocks).toEqual(['<p>A <b lang="en" dir="ltr">B <i>C</i></b></p>']);
});

test('words of the page stand in a story with their language', () => {
  const html = '<p><img src="https://o.example/c.jpg"></p>';
  expect(blocks(html, { language: 'ckb' }).blocks).toEqual([
    '<p><a href="https://o.example/c.jpg" lang="en" dir="ltr">Picture on o.example</a></p>',
  ]);
  expect(blocks(html, { language: 'ku' }).blocks).toEqual([
    '<p><a href="https://o.example/c.jpg" lang="en">Picture on o.example</a></p>',
  ]);
});

test('a sound that stands above the story is shown once, and its figure with it', () => {
  const figure = `<figure><audio src="${SOUND}"></audio><figcaption>A tune</figcaption></figure>`;
  const other = `<figure><audio src="${SOUND}"></audio><img src="${LOCAL}" alt=""><figcaption>B</figcaption></figure>`;
  expect(blocks(`<p>A</p>${figure}<p>B</p>${other}`, { shown: [SOUND] }).blocks).toEqual([
    '<p>A</p>',
    '<p>B</p>',
    '<figure><img src="../media/a.jpg" alt="" loading="lazy"><figcaption>B</figcaption></figure>',
  ]);
  expect(blocks(figure).blocks).toHaveLength(1);
});

test('a story is cut between blocks, and what is behind the limit is not parsed', () => {
  const html = '<p>1234</p>'.repeat(200_000);
  const began = performance.now();
  const story = blocks(html, { limit: 24 });

  expect(story).toEqual({ blocks: ['<p>1234</p>', '<p>1234</p>'], isCut: true });
  expect(blocks('<p>1234</p><p>1234</p>', { limit: 24 })).toEqual({ ...story, isCut: false });
  expect(blocks(`<p>${'x'.repeat(3_000_000)}</p>`, { limit: 100 })).toEqual({ blocks: [], isCut: true });
  expect(performance.now() - began).toBeLessThan(60_000);
});

const piece: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string({ maxLength: 8 }),
    fc.constantFrom(
      '<img src="https://o.example/a.jpg">',
      `<img src="${LOCAL}" alt="&lt;x">`,
      '<br>',
      '<hr>',
      '<iframe src="https://o.example/f"></iframe>',
    ),
    fc
      .tuple(
        fc.constantFrom(
          ...'p div section ul li b a figure figcaption h2 h5 table blockquote details summary audio video'.split(' '),
        ),
        fc.constantFrom('', ' lang="ar"', ' dir="rtl"', ' href="https://x.example/?a&amp;b"', ` src="${SOUND}"`),
        fc.array(tie('node'), { maxLength: 3 }),
      )
      .map(([name, attribute, children]) => `<${name}${attribute}>${children.join('')}</${name}>`),
  ),
})).node;

test('every block is well nested, and loads nothing from elsewhere', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const html = sanitizeBody(pieces.join(''), (address) => URL.parse(address, 'https://news.example/')?.href);
      for (const block of blocks(html ?? '').blocks) {
        const open: string[] = [];
        const loaded: string[] = [];
        const isVoid = (name: string) => ['img', 'br', 'hr', 'wbr', 'col'].includes(name);
        const parser = new Parser({
          onopentag(name, { src, srcset, poster, style, id }) {
            if (!isVoid(name)) open.push(name);
            loaded.push(...[src, srcset, poster, style, id].filter((value) => value !== undefined));
          },
          onclosetag(name, isImplied) {
            if (isVoid(name)) return;
            expect([open.pop(), isImplied]).toEqual([name, false]);
          },
        });
        parser.end(block);
        expect(loaded.filter((address) => !address.startsWith('../media/'))).toEqual([]);
      }
    }),
    { numRuns: 300, seed: 20261130, endOnFailure: true },
  );
});
