import { describe, expect, test } from 'vitest';
import { htmlToText, isNestedTooDeep, markdownToHtml, plainTextToHtml, withDirection } from '../../src/article/html.ts';

test.each([
  ['a hundred elements', '<div>'.repeat(100), false],
  ['one more', '<div>'.repeat(101), true],
  ['a hundred that are closed, and as many again', `${'<b>'.repeat(100)}${'</b>'.repeat(100)}`.repeat(2), false],
  ['many beside each other', '<p>a</p>'.repeat(1000), false],
  ['many that have no end', '<br><img src="a">'.repeat(1000), false],
  ['signs that are no elements', '< '.repeat(1000), false],
  ['a megabyte of unclosed elements', '<b>'.repeat(350_000), true],
])('%s: nested too deep is %3$s', (_, html, expected) => {
  expect(isNestedTooDeep(html)).toBe(expected);
});

test('Markdown with a table', () => {
  expect(markdownToHtml('# A\n\n*b* <i>c</i>\n\n| d | e |\n|---|---|\n| 1 | 2 |\n')).toBe(
    '<h1>A</h1>\n<p><em>b</em> <i>c</i></p>\n' +
      '<table>\n<thead>\n<tr>\n<th>d</th>\n<th>e</th>\n</tr>\n</thead>\n' +
      '<tbody>\n<tr>\n<td>1</td>\n<td>2</td>\n</tr>\n</tbody>\n</table>\n',
  );
});

test.each([
  ['a paragraph for each line', 'a\nb\n', '<p>a</p>\n<p>b</p>'],
  ['a paragraph for each block', 'a\nb\n\nc', '<p>a<br />\nb</p>\n<p>c</p>'],
  ['blank lines with white space in them', 'a\n \t\n\n\nb', '<p>a</p>\n<p>b</p>'],
  ['signs are escaped', 'a < b & "c"', '<p>a &lt; b &amp; &quot;c&quot;</p>'],
  ['line ends of Windows', 'a\r\n\r\nb', '<p>a</p>\n<p>b</p>'],
  ['white space around', '\n\n  a  \n\n', '<p>a</p>'],
  ['nothing', ' \n ', ''],
])('plain text: %s', (_, text, expected) => {
  expect(plainTextToHtml(text)).toBe(expected);
});

test.each([
  ['ckb', 'rtl', '<div dir="rtl" lang="ckb"><p>a</p></div>'],
  ['en', 'ltr', '<p>a</p>'],
] as const)('a body in %s, %s', (language, direction, expected) => {
  expect(withDirection('<p>a</p>', language, direction)).toBe(expected);
});

test.each([
  ['that has its element', '<div dir="rtl" lang="ar"><div>a</div><p>b</p></div>', true],
  ['with two such elements', '<div dir="rtl" lang="ar">a</div><div dir="rtl" lang="ar">b</div>', false],
  ['with words behind it', '<div dir="rtl" lang="ar"><p>a</p></div>b', false],
  ['with another language', '<div dir="rtl" lang="ckb"><p>a</p></div>', false],
  ['with another direction', '<div dir="ltr" lang="ar"><p>a</p></div>', false],
])('a right-to-left body %s is wrapped, unless that is done', (_, html, isDone) => {
  const wrapped = withDirection(html, 'ar', 'rtl');

  expect(wrapped).toBe(isDone ? html : `<div dir="rtl" lang="ar">${html}</div>`);
  expect(withDirection(wrapped, 'ar', 'rtl')).toBe(wrapped);
});

describe('htmlToText', () => {
  test.each([
    ['blocks part words', '<p>a</p><p>b</p><ul><li>c</li><li>d</li></ul>', 'a b c d'],
    ['a line break parts words', 'a<br />b', 'a b'],
    ['inline elements do not', '<p>K<b>ur</b>d<i>is</i>tan</p>', 'Kurdistan'],
    ['references are read', '<p>a &lt;b&gt; &amp;amp; &#x627;</p>', 'a <b> &amp; ا'],
    [
      'captions, tables and asides are left out',
      '<figure><figcaption>c</figcaption></figure><table><tr><td>t</td></tr></table><aside>s</aside><p>a</p>',
      'a',
    ],
    ['pronunciations are left out', '<p><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>字</p>', '漢字'],
    ['struck-out words are left out', '<p>a <s>b <i>c</i></s> d <del>e</del>, f</p>', 'a d , f'],
    [
      'the host in the place of a title is left out',
      '<p>a</p><p><a href="https://www.b.example/c">b.example</a></p><p><a href="https://d.example/">D</a></p>',
      'a D',
    ],
    ['white space is one space', ' <p>\n a\u00A0 \n b</p> ', 'a b'],
    [
      'a host that the author writes as a link',
      '<p>Visit <a href="https://gov.uk/">gov.uk</a> today.</p>',
      'Visit gov.uk today.',
    ],
    ['a link in the place of a page', '<p>a</p><p><a href="https://x.example/1">x.example</a></p><p>b</p>', 'a b'],
  ])('%s', (_, html, expected) => {
    expect(htmlToText(html, 280)).toBe(expected);
  });

  test('stops at about the limit', () => {
    expect(htmlToText('<p>word</p>'.repeat(1000), 20)).toBe(`${'word '.repeat(14)}`.trim());
  });

  test('white space in front does not count', () => {
    expect(htmlToText(`${'<p>\n</p>'.repeat(300)}<p>Words.</p><p>More.</p>`, 280)).toBe('Words. More.');
  });
});
