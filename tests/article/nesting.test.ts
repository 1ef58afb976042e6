import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Adjustment } from '../../src/article/adjustments.ts';
import { sanitizeBody } from '../../src/article/sanitize.ts';
import { linkTarget } from '../../src/lib/url.ts';
import { sized } from '../soak/sizes.ts';
import { anyHtml, nestedHtml } from './arbitrary-html.ts';

const SEED = 20261130;

function clean(html: string, fastPath = true): { body: string; changes: string[] } {
  const changes: string[] = [];
  const onAdjustment = ({ change }: Adjustment) => changes.push(change);
  const resolve = (reference: string) => linkTarget(reference, 'https://news.example/');
  return { body: sanitizeBody(html, resolve, fastPath, onAdjustment) ?? '', changes };
}

const LINK = '<a href="https://news.example/b">';

describe('elements are where a browser finds them', () => {
  test.each<[what: string, html: string, body: string, changes?: string[]]>([
    ['a block ends a paragraph', '<p>a<summary>b</summary>c</p>', '<p>a</p><summary>b</summary>c'],
    [
      'a paragraph with a block in an inline element is a div',
      `<p>a${LINK}<h2>b</h2></a>c</p>`,
      `<div>a${LINK}<h2>b</h2></a>c</div>`,
      ['changed the p element to div'],
    ],
    [
      'its attributes stay',
      '<p dir="rtl" class="c"><b><ul><li>a</li></ul></b></p>',
      '<div dir="rtl"><b><ul><li>a</li></ul></b></div>',
      ['changed the p element to div', 'removed 1 attribute: class (1)'],
    ],
    ['a table ends a paragraph', '<p>a<b>b</b><table></table></p>', '<p>a<b>b</b></p><table></table><p></p>'],
    [
      'a paragraph in a cell is another',
      '<p>a</p><table><tr><td><p>b</p></td></tr></table>',
      '<p>a</p><table><tr><td><p>b</p></td></tr></table>',
    ],
    [
      'an item ends one that holds an unclosed element',
      '<ul><li><b>a<li>b</ul>',
      '<ul><li><b>a</b></li><li>b</li></ul>',
    ],
    [
      'an item in an inner list ends none',
      '<ul><li>a<ul><li>b</li></ul></li></ul>',
      '<ul><li>a<ul><li>b</li></ul></li></ul>',
    ],
    ['a description ends a term', '<dl><dt><i>a<dd>b</dl>', '<dl><dt><i>a</i></dt><dd>b</dd></dl>'],
    ['a heading in a heading', '<h2><p>a</p><b></b><h3>b</h3></h2>', '<h2><p>a</p><b></b></h2><h3>b</h3>'],
    [
      'a link in a link goes',
      `${LINK}a<b><a href="/c">d</a></b></a>`,
      `${LINK}a<b>d</b></a>`,
      ['removed the a element around content that stays'],
    ],
    [
      'an anchor around a link is a span',
      '<a name="n"><b><a href="/b">a</a></b></a>',
      `<span><b>${LINK}a</a></b></span>`,
      ['changed the a element to span', 'removed 1 attribute: name (1)'],
    ],
    [
      'links in cells',
      `${LINK}<table><tr><td><a href="/b">a</a></td></tr></table></a>`,
      `${LINK}<table><tr><td>${LINK}a</a></td></tr></table></a>`,
    ],
    [
      'text between cells stands before the table',
      '<div><table>a<tr>b<td>c</td></tr> </table></div>',
      '<div>ab<table><tr><td>c</td></tr> </table></div>',
    ],
    [
      'an element between rows, too',
      '<table><tr><td>a</td></tr><h2>b</h2><tr><td>c</td></tr></table>',
      '<h2>b</h2><table><tr><td>a</td></tr><tr><td>c</td></tr></table>',
    ],
    [
      'a row in an element between rows is of the table',
      '<table><b>a<tr><td>c</td></tr></b></table>',
      '<b>a</b><table><tr><td>c</td></tr></table>',
    ],
    [
      'a table in a row ends the outer one',
      '<table><tr><table><tr><td>a</td></tr></table></table>',
      '<table><tr></tr></table><table><tr><td>a</td></tr></table>',
    ],
    [
      'a table in a cell ends none',
      '<table><tr><td><table><tr><td>a</td></tr></table></td></tr></table>',
      '<table><tr><td><table><tr><td>a</td></tr></table></td></tr></table>',
    ],
    [
      'a row ends a cell with an unclosed element',
      '<table><tr><td><b>a<tr><td>b</table>',
      '<table><tr><td><b>a</b></td></tr><tr><td>b</td></tr></table>',
    ],
    [
      'a part of no table goes',
      '<td>a</td><tr><th>b</th></tr><col>',
      'ab',
      [
        'removed the col element around content that stays',
        'removed the td element around content that stays',
        'removed the th element around content that stays',
        'removed the tr element around content that stays',
      ],
    ],
    [
      'a column ends at a row',
      '<table><colgroup><col><tr><td>a</td></tr></table>',
      '<table><colgroup><col /></colgroup><tr><td>a</td></tr></table>',
    ],
    ['an annotation ends a paragraph', '<ruby>a<rt><p>b<rt>c</ruby>', '<ruby>a<rt><p>b</p></rt><rt>c</rt></ruby>'],
    [
      'line ends that begin a pre are one',
      '<pre>\n\n <b>\n</b></pre><pre>\n<!-- c -->\na</pre>',
      '<pre>\n <b>\n</b></pre><pre>\na</pre>',
      ['removed the comment'],
    ],
    [
      'a picture that ends early is none',
      '<ul><li><picture><li><img src="/b"></picture></ul>',
      '<ul><li><span></span></li><li><img src="https://news.example/b" /></li></ul>',
      ['changed the picture element to span'],
    ],
  ])('%s', (_, html, body, changes = []) => {
    expect(clean(html)).toEqual({ body, changes });
    expect(clean(html, false)).toEqual({ body, changes });
    expect(clean(body)).toEqual({ body, changes: [] });
  });
});

test.each([
  ['in any nesting', nestedHtml],
  ['with any defect', anyHtml],
])(
  'a cleaned body %s stays the same when it is cleaned again, and nothing is reported',
  { tags: ['soak'] },
  (_, arbitrary) => {
    const stable = fc.property(arbitrary, (html) => {
      const { body } = clean(html);
      expect(clean(body), html).toEqual({ body, changes: [] });
      expect(clean(body, false), html).toEqual({ body, changes: [] });
    });
    fc.assert(stable, { seed: SEED, numRuns: sized({ short: 150, soak: 10_000, full: 1_000_000 }) });
  },
);

test('a body at the limit of depth is refused, or stays the same when it is cleaned again', () => {
  const inner = [
    'a',
    '<iframe src="https://charts.example/"></iframe>',
    '<picture><source srcset="/a 2x"></picture>',
    '<i style="text-decoration:line-through">a</i>',
    '<math><msup><mn>1</mn><mn>2</mn></msup></math>',
    '<embed src="https://www.youtube.com/embed/a">',
  ];
  for (const tag of ['b', 'div', 'center', 'li', 'picture', 'x-y', 'object']) {
    for (const html of inner.flatMap((end) =>
      [96, 97, 98, 99, 100, 101].map((depth) => `<${tag}>`.repeat(depth) + end),
    )) {
      const { body } = clean(html);
      if (body !== '') expect(clean(body).body, html).toBe(body);
    }
  }
});
