import { describe, expect, test } from 'vitest';
import { cleanHtml, htmlToText, isNestedTooDeep, markdownToHtml, plainTextToHtml, withDirection } from '../src/html.ts';
import { linkTarget } from '../src/url.ts';

function clean(html: string): string {
  return cleanHtml(html, (reference) => linkTarget(reference, 'https://news.example/a'));
}

describe('cleanHtml', () => {
  test.each([
    ['a script goes with what is in it', '<p>a</p><script>alert("<p>b</p>")</script>', '<p>a</p>'],
    ['a style goes with what is in it', '<style>p{}</style><p style="color:red">a</p>', '<p>a</p>'],
    ['handlers go', '<p onclick="x()" ONMOUSEOVER=x>a</p>', '<p>a</p>'],
    ['classes, ids and data go', '<p class="c" id="i" data-x="1">a</p>', '<p>a</p>'],
    ['a form leaves its text', '<form action="/x"><p>a</p><input name="b"><button>c</button></form>', '<p>a</p>'],
    ['comments and CDATA go', 'a<!-- b --><![CDATA[c]]>d', 'ad'],
    ['unclosed elements are closed', '<p><b>a<i>b', '<p><b>a<i>b</i></b></p>'],
    ['end tags of nothing go', 'a</div></b>', 'a'],
    ['half a tag at the end goes', '<p>a</p><b onclick="', '<p>a</p>'],
    ['void elements close themselves', 'a<br>b<hr>', 'a<br />b<hr />'],
    ['signs are escaped', 'a < b & c > d "e"', 'a &lt; b &amp; c &gt; d "e"'],
    ['references are kept as what they mean', '&lt;b&gt; &amp;amp; &eacute;', '&lt;b&gt; &amp;amp; é'],
    ['the end of a CDATA section twice', ']]>]]>', ']]&gt;]]&gt;'],
    [
      'language and direction stay',
      '<p lang="ar" dir="rtl" title="]]>">a</p>',
      '<p lang="ar" dir="rtl" title="]]&gt;">a</p>',
    ],
    [
      'a table stays',
      '<table><tr><td colspan="2">a</td></tr></table>',
      '<table><tr><td colspan="2">a</td></tr></table>',
    ],
    ['controls go', 'a\u0000\u0001b', 'ab'],
    ['references to controls go', '<p title="&#1;x">a&#1;b&#x8;c</p>', '<p title="x">abc</p>'],
    ['references to noncharacters go', 'a&#xFFFE;b&#65535;c', 'abc'],
    ['references to surrogates', 'a&#xD800;b', 'a\uFFFDb'],
    ['a reference to a carriage return', 'a&#13;b', 'a\nb'],
    ['white space around goes', ' \n<p>a</p>\n ', '<p>a</p>'],
    ['SVG and MathML leave their text', '<svg onload="x"><text>a</text></svg><math><mi>b</mi></math>', 'ab'],
    ['an object goes with what is in it', '<object data="x"><p>a</p></object>b', 'b'],
  ])('%s', (_, html, expected) => {
    expect(clean(html)).toBe(expected);
  });

  test.each([
    ['a relative link', '<a href="b?c=1&d=2">x</a>', '<a href="https://news.example/b?c=1&amp;d=2">x</a>'],
    ['a link within the page', '<a href="#n">x</a>', '<a href="https://news.example/a#n">x</a>'],
    [
      'mail and telephone',
      '<a href="mailto:a@b.example">x</a><a href="tel:1">y</a>',
      '<a href="mailto:a@b.example">x</a><a href="tel:1">y</a>',
    ],
    ['a link that runs', '<a href="javascript:x()">x</a>', '<a>x</a>'],
    ['a hidden link that runs', '<a href=" java&#10;script&colon;x()">x</a>', '<a>x</a>'],
    ['data in a link', '<a href="data:text/html,x">x</a>', '<a>x</a>'],
    ['a picture', '<img src="/i.png" alt="a" onerror="x()">', '<img src="https://news.example/i.png" alt="a" />'],
    ['a picture without an address', 'a<img alt="a"><img src="javascript:x()">', 'a'],
    ['a picture in the text', 'a<img src="data:image/png;base64,AA">', 'a'],
    [
      'a poster',
      '<video src="v.mp4" poster="p.png"></video>',
      '<video src="https://news.example/v.mp4" poster="https://news.example/p.png"></video>',
    ],
    [
      'a poster that runs',
      '<video src="v.mp4" poster="javascript:x()"></video>',
      '<video src="https://news.example/v.mp4"></video>',
    ],
    ['a mail address as a source', '<video poster="mailto:a@b.example"></video>', '<video></video>'],
    [
      'a quotation',
      '<q cite="/c">a</q><q cite="javascript:x()">b</q>',
      '<q cite="https://news.example/c">a</q><q>b</q>',
    ],
    [
      'widths',
      '<img src="i" srcset="/a 480w, b.png 800w">',
      '<img src="https://news.example/i" srcset="https://news.example/a 480w, https://news.example/b.png 800w" />',
    ],
    [
      'densities',
      '<img src="i" srcset="a.png, b.png 2x">',
      '<img src="https://news.example/i" srcset="https://news.example/a.png, https://news.example/b.png 2x" />',
    ],
    [
      'one bad candidate',
      '<img src="i" srcset="javascript:x 1x, b.png 2x">',
      '<img src="https://news.example/i" srcset="https://news.example/b.png 2x" />',
    ],
    ['contradictory descriptors', '<img src="i" srcset="a.png 1x 2x">', '<img src="https://news.example/i" />'],
    [
      'a source in a picture',
      '<picture><source srcset="a.png"><source></picture>',
      '<picture><source srcset="https://news.example/a.png" /></picture>',
    ],
  ])('addresses: %s', (_, html, expected) => {
    expect(clean(html)).toBe(expected);
  });

  test.each([
    ['https://www.youtube.com/embed/x', '<iframe src="https://www.youtube.com/embed/x"></iframe>'],
    ['//player.vimeo.com/video/1', '<iframe src="https://player.vimeo.com/video/1"></iframe>'],
    ['https://datawrapper.dwcdn.net/x/', '<iframe src="https://datawrapper.dwcdn.net/x/"></iframe>'],
    ['https://youtube.com.evil.example/embed/x', ''],
    ['https://evil.example/www.youtube.com', ''],
    ['https://www.youtube.com@evil.example/', ''],
    ['/page', ''],
    ['javascript:x()', ''],
  ])('an iframe from %s', (src, expected) => {
    expect(clean(`<iframe src="${src}" srcdoc="<b>x</b>" onload="x()"></iframe>`)).toBe(expected);
  });

  test('what is clean stays as it is', () => {
    const html = clean(
      '<p lang="ku">a <b>b</b> &amp; <a href="/x?a=1&b=2">c</a></p><img src="i.png" srcset="a.png 2x">',
    );
    expect(clean(html)).toBe(html);
  });
});

test.each([
  ['a hundred elements', '<div>'.repeat(100), false],
  ['one more', '<div>'.repeat(101), true],
  ['a hundred that are closed, and as many again', `${'<b>'.repeat(100)}${'</b>'.repeat(100)}`.repeat(2), false],
  ['many beside each other', '<p>a</p>'.repeat(1000), false],
  ['many that have no end', '<br><img src="a">'.repeat(1000), false],
  ['signs that are no elements', '< '.repeat(1000), false],
  ['a megabyte of unclosed elements', '<b>'.repeat(350_000), true],
])('%s: nested too deep is %3$s', { timeout: 5000 }, (_, html, expected) => {
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
    ['white space is one space', ' <p>\n a\u00A0 \n b</p> ', 'a b'],
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
