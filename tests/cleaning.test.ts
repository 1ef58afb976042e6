import { describe, expect, test } from 'vitest';
import { cleanHtml } from '../src/cleaning.ts';
import { linkTarget } from '../src/url.ts';

function toTarget(reference: string): string | undefined {
  return linkTarget(reference, 'https://news.example/a');
}

function clean(html: string): string {
  return cleanHtml(html, toTarget);
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
