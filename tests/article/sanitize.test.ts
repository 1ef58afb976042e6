import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { Parser } from 'htmlparser2';
import { describe, expect, test } from 'vitest';
import type { Adjustment } from '../../src/article/adjustments.ts';
import { parseArticle } from '../../src/article/article.ts';
import { markdownToHtml, plainTextToHtml } from '../../src/article/html.ts';
import { normalizeHtml } from '../../src/article/normalize/normalize.ts';
import { sandboxOf } from '../../src/article/normalize/players.ts';
import { sanitizeBody } from '../../src/article/sanitize.ts';
import { sanitizeFast } from '../../src/article/sanitize-fast.ts';
import { type ResolveUrl, ATTRIBUTES as RULES_OF, VOID } from '../../src/article/sanitize-rules.ts';
import { readArticleFile } from '../../src/ingest/import/file.ts';
import { xmlText } from '../../src/lib/text.ts';
import { linkTarget } from '../../src/lib/url.ts';
import { recordOf } from '../bench/newsroom.ts';
import { newsroom, record } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';
import { ATTRIBUTES, anyHtml, ELEMENTS, mutated, VALUES } from './arbitrary-html.ts';

/** Bytes of a body that must take no longer than in proportion to its length. */
const HOSTILE_SIZE = sized({ short: 128 * 1024, soak: 512 * 1024, full: 512 * 1024 });
const SEED = 20261123;

function toTarget(reference: string): string | undefined {
  return linkTarget(reference, 'https://news.example/a');
}

function clean(html: string): string {
  const clean = sanitizeBody(html, toTarget);
  if (clean === undefined) throw new Error('nested too deep');
  return clean;
}

/** The iframe of a player. */
function player(src: string): string {
  return `<iframe src="${src}" sandbox="${sandboxOf(src)}"></iframe>`;
}

/** Cleans without the fast path. */
function sanitizeSlowly(html: string, resolve: ResolveUrl): string | undefined {
  return sanitizeBody(html, resolve, false);
}

describe('sanitizeBody', () => {
  test.each([
    ['a script goes with what is in it', '<p>a</p><script>alert("<p>b</p>")</script>', '<p>a</p>'],
    ['a style goes with what is in it', '<style>p{}</style><p style="color:red">a</p>', '<p>a</p>'],
    ['handlers go', '<p onclick="x()" ONMOUSEOVER=x>a</p>', '<p>a</p>'],
    ['classes, ids and data go', '<p class="c" id="i" data-x="1">a</p>', '<p>a</p>'],
    [
      'a form leaves its text',
      '<form action="/x"><p>a</p><input name="b"><button>c</button></form>',
      '<div><p>a</p></div>',
    ],
    ['a form without text leaves nothing', '<form><input name="b"><button>c</button></form>', ''],
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
    ['MathML leaves its text', '<math><mi>b</mi></math>', 'b'],
    ['SVG goes', '<svg onload="x"><text>a</text></svg>b', 'b'],
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
      '<picture><source srcset="https://news.example/a.png" /><img src="https://news.example/a.png" alt="" /></picture>',
    ],
  ])('addresses: %s', (_, html, expected) => {
    expect(clean(html)).toBe(expected);
  });

  test.each([
    ['https://www.youtube.com/embed/x', player('https://www.youtube.com/embed/x')],
    ['//player.vimeo.com/video/1', player('https://player.vimeo.com/video/1')],
    ['https://datawrapper.dwcdn.net/x/', player('https://datawrapper.dwcdn.net/x/')],
    [
      'https://youtube.com.evil.example/embed/x',
      '<p><a href="https://youtube.com.evil.example/embed/x">youtube.com.evil.example</a></p>',
    ],
    ['https://evil.example/www.youtube.com', '<p><a href="https://evil.example/www.youtube.com">evil.example</a></p>'],
    ['https://www.youtube.com@evil.example/', '<p><a href="https://evil.example/">evil.example</a></p>'],
    ['/page', '<p><a href="https://news.example/page">news.example</a></p>'],
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

const SAMPLES = join(import.meta.dirname, '../../data/articles');
const CONVERTERS: Record<string, (body: string) => string> = { markdown: markdownToHtml, text: plainTextToHtml };

/** The sample articles' paths, and their bodies as HTML. */
function sampleBodies(): [path: string, html: string][] {
  return globSync('**/*.*', { cwd: SAMPLES }).map((path) => {
    const { body, bodyFormat } = readArticleFile(readFileSync(join(SAMPLES, path)), path).record as {
      body: string;
      bodyFormat?: string;
    };
    return [path, CONVERTERS[bodyFormat ?? 'html']?.(body) ?? body];
  });
}

describe('the fast path', () => {
  test('handles every sample', () => {
    const others = sampleBodies().filter(([, html]) => sanitizeFast(html, toTarget) === undefined);

    expect(others).toEqual([]);
  });

  test('handles the bodies of the bench', () => {
    const bodies = Array.from({ length: 1000 }, (_, number) => recordOf(number).body);

    expect(bodies.filter((body) => sanitizeFast(body, toTarget) === undefined)).toEqual([]);
  });

  test('handles a normalized body', () => {
    const html = '<center>a</center><p hidden>b</p><img data-src="c.png" alt=""><noscript><img src="c.png"></noscript>';
    const normal = normalizeHtml(html, toTarget) ?? '';

    expect(sanitizeFast(html, toTarget)).toBeUndefined();
    expect(sanitizeFast(normal, toTarget)).toBe('<div>a</div><img src="https://news.example/c.png" alt="" />');
  });

  test('runs first, and resolves no address that is removed anyway', () => {
    const asked: string[] = [];
    const resolve = (reference: string) => {
      asked.push(reference);
      return toTarget(reference);
    };
    expect(sanitizeBody('<p cite="/a"><a href="/b">c</a></p>', resolve)).toBe(
      '<p><a href="https://news.example/b">c</a></p>',
    );
    expect(asked).toEqual(['/b']);
  });

  test.each([
    ['a block of WordPress', '<!-- wp:paragraph -->\n<p class="a">b</p>\n<!-- /wp:paragraph -->', '<p>b</p>'],
    [
      'references',
      '<p>a&nbsp;b&#8217;s &amp; &lt;c&gt; &hellip; d&rsquo;</p>',
      '<p>a\u00A0b’s &amp; &lt;c&gt; … d’</p>',
    ],
    ['signs that are no references', '<p>a & b &c; > d</p>', '<p>a &amp; b &amp;c; &gt; d</p>'],
    [
      'references in values',
      '<a href="/?a=1&amp;b=2&c=3" title="&quot;&#8211;&quot;">a</a>',
      '<a href="https://news.example/?a=1&amp;b=2&amp;c=3" title="&quot;–&quot;">a</a>',
    ],
    ['void elements however written', 'a<br>b<br/>c<br />d<hr class="e">', 'a<br />b<br />c<br />d<hr />'],
    ['a picture', '<img loading="lazy" src=\'a.png\' alt=""/>', '<img src="https://news.example/a.png" alt="" />'],
    ['a switch', '<video controls src="a.mp4"></video>', '<video controls src="https://news.example/a.mp4"></video>'],
    ['an attribute twice', '<p lang="ku" lang="en">a</p>', '<p lang="ku">a</p>'],
    ['a tag on two lines', '<p\n  lang="ku"\n>a</p>', '<p lang="ku">a</p>'],
    ['end tags that are left out', '<ul><li>a<li>b</ul><p>c<p>d', '<ul><li>a</li><li>b</li></ul><p>c</p><p>d</p>'],
    ['a block in a paragraph', '<p>a<div>b</div></p>', '<p>a</p><div>b</div><p></p>'],
    ['end tags out of order', '<b><i>a</b></i>', '<b><i>a</i></b>'],
  ])('handles %s', (_, html, expected) => {
    expect(sanitizeFast(html, toTarget)).toBe(expected);
    expect(sanitizeSlowly(html, toTarget)).toBe(expected);
  });

  test('takes a time that grows with the length of a hostile body', { tags: ['soak'] }, () => {
    const parts = [
      '<',
      '>',
      '&',
      '"',
      '<a ',
      '<a title="',
      "<a title='>",
      '<!--',
      '<!-- --',
      '&amp',
      '&#',
      '</p>',
      '<p>',
    ];
    const size = 8 * HOSTILE_SIZE;
    for (const part of parts) sanitizeFast(part.repeat(size / part.length), toTarget);
    sanitizeFast(`<p${' '.repeat(size)}`, toTarget);
    sanitizeFast(`<p ${'a'.repeat(size)}`, toTarget);
    sanitizeFast(`<p title="${'a>'.repeat(size / 2)}`, toTarget);
    sanitizeFast(`<p${' title="a"'.repeat(size / 10)}>`, toTarget);
  });

  test('the other way takes a time that grows with the length of a hostile body', { tags: ['soak'] }, () => {
    const parts = [
      '<font>word <img>',
      '<video><source></video>',
      '<picture><source srcset="a 1x"></picture>',
      '<iframe src="https://a.example/b">',
      '<iframe/>',
      '<iframe></',
      '<script/>',
      '<title/>',
      '<!-- <iframe> -->',
      '<a title="<iframe>',
      '<img data-src="a"><noscript><img src="b"></noscript>',
      '<object data="a">b</object>',
      '<p hidden>a</p>',
      '<svg><text>a</text></svg>',
      '<mfrac><mn>1</mn><mn>2</mn></mfrac>',
      '<span style="display:block">a</span>',
      '<table>a<b>b<tr>c<td><i>d<tr></table>',
      '<p><a href="/b"><h2>a</h2></a></p>',
      '<ul><li><b>a<li>b</b></ul>',
      '<td>a</td><pre>\n\n</pre>',
    ];
    const size = HOSTILE_SIZE;
    for (const part of parts) sanitizeSlowly(part.repeat(size / part.length), toTarget);
    sanitizeSlowly(Array.from({ length: size / 13 }, (_, index) => `<p><a${index} hidden/></p>`).join(''), toTarget);
    sanitizeSlowly(`<a(a+)+b hidden/></a${'a'.repeat(size)}>`, toTarget);
    for (const piece of ['/*', ';display', 'display:', '; '])
      sanitizeSlowly(`<p style="${piece.repeat(size)}">`, toTarget);
    for (const piece of ['a 1w,', ' ,', ',', 'a '])
      sanitizeSlowly(`<img srcset="a${piece.repeat(size)}"><img data-src="a${piece.repeat(size)}">`, toTarget);
  });

  test.each(['x(', 'x[', 'x*', 'x)', 'x\\', 'x{2}', 'x+', 'x?', 'x|y', 'x.', 'x^$', 'constructor', 'x-__proto__'])(
    'a hidden element named %s that ends in its tag hides nothing behind it',
    (name) => {
      expect(sanitizeSlowly(`<p>a</p><${name} hidden/><p>b</p>`, toTarget)).toBe('<p>a</p><p>b</p>');
      expect(sanitizeSlowly(`<p>a</p><${name} hidden/>c</${name}><p>b</p>`, toTarget)).toBe('<p>a</p><p>b</p>');
    },
  );

  test.each([
    ['an element that is not known', '<p>a</p><menu>b</menu>'],
    ['an iframe', '<iframe src="https://www.youtube.com/embed/x"></iframe>'],
    ['raw text', '<xmp><b></xmp>'],
    ['a tag that is cut off', '<p>a</p><b title="'],
    ['an end tag that is cut off', '<p>a</p'],
    ['a name in capitals', '<P>a</P>'],
    ['an attribute in capitals', '<p LANG="ku">a</p>'],
    ['a value without quotes', '<td colspan=2>a</td>'],
    ['attributes without white space between them', '<p lang="ku"title="a">b</p>'],
    ['a sign that begins no tag', '<p>a < b</p>'],
    ['a comment that does not end', '<p>a</p><!-- b'],
    ['a comment that ends at once', '<!-->a'],
    ['a comment that ends otherwise', '<!-- a --!> b -->'],
    ['a section of CDATA', '<![CDATA[a]]>b'],
    ['a declaration', '<!doctype html><p>a</p>'],
    ['an instruction', '<?xml version="1.0"?><p>a</p>'],
    ['a reference to a control character', '<p>a&#1;b</p>'],
    ['a hundred levels', `${'<b>'.repeat(100)}a`],
    ['widths beyond any screen', '<img src="a" srcset="b.png 100000w">'],
    ['hidden text', '<p hidden>a</p><p>b</p>'],
    ['a style that hides', '<p style="Display: none">a</p><p>b</p>'],
    ['a style that strikes out', '<p style="text-decoration: line-through">a</p>'],
    ['a style with a reference', '<p style="&#100;isplay:none">a</p>'],
    ['a picture that is loaded late', '<img src="a.gif" data-lazy-src="b.png">'],
    ['a picture without an address', '<img alt="a"><p>b</p>'],
    ['a picture without src', '<img srcset="a.png 2x">'],
    ['a picture without img', '<picture><source srcset="a.png"></picture>'],
    ['a picture without img in an element', '<div><picture><source srcset="a.png"></div><img src="b.png">'],
    ['a film that ends in its tag', '<video src="a.mp4" /><p>b</p>'],
  ])('leaves to sanitize-html: %s', (_, html) => {
    expect(sanitizeFast(html, toTarget)).toBeUndefined();
    expect(clean(html)).toBe(sanitizeSlowly(html, toTarget));
  });

  test('a character halved by the parser, where an end tag is cut off, is no half', () => {
    expect(clean('<p>a</p 👩')).toBe('<p>a</p>\uFFFD');
  });

  test.each([
    ['another scheme', 'gopher://files.example/a'],
    ['a scheme in capitals', 'HTTPS://news.example/a'],
    ['a control character', 'https://news.example/\u0001'],
    ['half a character', 'https://news.example/\uD800'],
    ['no absolute address', '/a'],
  ])('leaves an address to sanitize-html: %s', (_, address) => {
    expect(sanitizeFast('<a href="b">c</a>', () => address)).toBeUndefined();
  });

  test('gives the same for every element in every element, closed and not', () => {
    const different = ELEMENTS.split(' ').flatMap((outer) =>
      ELEMENTS.split(' ')
        .flatMap((inner) => [
          `<${outer}>a<${inner}>b</${inner}>c</${outer}>`,
          `<${outer}>a<${inner} lang="ku">b</${outer}>c</${inner}>`,
        ])
        .filter((html) => !NEEDS_MORE.test(html) || sanitizeFast(html, toTarget) !== undefined)
        .filter((html) => sanitizeFast(html, toTarget) !== sanitizeSlowly(html, toTarget)),
    );

    expect(different).toEqual([]);
  });

  test('gives the same for every element with every attribute, alone and with an address', () => {
    const different = kindsOf(ELEMENTS.split(' ')).flatMap((element) =>
      ATTRIBUTES.split(' ').flatMap((attribute) =>
        VALUES.map((value) => `<${element} ${attribute}="${value.replaceAll('"', '&quot;')}"`)
          .flatMap((start) => [`${start}>a</${element}>`, `${start} src="/b">a</${element}>`])
          .filter((html) => !NEEDS_MORE.test(html) || sanitizeFast(html, toTarget) !== undefined)
          .filter((html) => sanitizeFast(html, toTarget) !== sanitizeSlowly(html, toTarget)),
      ),
    );

    expect(different).toEqual([]);
  });

  /** An element of each kind, by its attributes and end tag: the rules treat those of a kind alike. */
  function kindsOf(elements: readonly string[]): string[] {
    const kinds = new Map(
      elements.map((name) => [JSON.stringify([RULES_OF[name] ?? name.includes('picture'), VOID.includes(name)]), name]),
    );
    return [...kinds.values()];
  }

  /** HTML that the fast path may leave to the library: pictures without an address, what is hidden or loaded late. */
  const NEEDS_MORE = /<(?:img|source|track|picture)| (?:hidden|style|data-src|data-srcset)=/;

  /** The resolver of the tests, and one that returns every reference as it is. */
  const resolve = fc.constantFrom<ResolveUrl>(toTarget, (reference) => reference);

  test('gives the same for any HTML, switched on and off', { tags: ['soak'] }, () => {
    let fast = 0;
    const same = fc.property(anyHtml, resolve, (html, to) => {
      const text = xmlText(html);
      if (sanitizeFast(text, to) !== undefined) fast += 1;
      expect(sanitizeBody(html, to)).toBe(sanitizeSlowly(text, to));
      expect(sanitizeBody(html, to, false)).toBe(sanitizeSlowly(text, to));
    });
    const runs = sized({ short: 600, soak: 20_000, full: 3_000_000 });
    fc.assert(same, { seed: SEED, numRuns: runs });

    expect(fast).toBeGreaterThan(runs / 3);
  });

  test('gives the same for mutations of real bodies, switched on and off', { tags: ['soak'] }, () => {
    const bodies = [...sampleBodies().map(([, html]) => html), recordOf(1).body, recordOf(2).body];
    const same = fc.property(mutated(bodies), (html) => {
      expect(sanitizeBody(html, toTarget)).toBe(sanitizeBody(html, toTarget, false));
    });
    fc.assert(same, { seed: SEED, numRuns: sized({ short: 300, soak: 5000, full: 500_000 }) });
  });

  test('gives the same for hostile bodies and their mutations, switched on and off', { tags: ['soak'] }, () => {
    for (const html of HOSTILE) expect(sanitizeBody(html, toTarget), html).toBe(sanitizeBody(html, toTarget, false));
    const same = fc.property(mutated(HOSTILE), (html) => {
      const body = sanitizeBody(html, toTarget);
      expect(body).toBe(sanitizeBody(html, toTarget, false));
      expect(dangersIn(body ?? '')).toEqual([]);
    });
    fc.assert(same, { seed: SEED, numRuns: sized({ short: 800, soak: 10_000, full: 1_000_000 }) });
  });

  test.each([98, 99, 100, 101, 150])('gives the same for %d levels, switched on and off', (depth) => {
    for (const html of ['<b>', '<b><br>', '<p>', '<div></p>', '<ul><li>'].map((tag) => `${tag.repeat(depth)}a`))
      expect(sanitizeBody(html, toTarget)).toBe(sanitizeBody(html, toTarget, false));
  });

  test('is switched off by the newsroom, and the article is the same', () => {
    const body = '<p cite="/a">a&nbsp;<a href="/b">b</a>';
    const [on, off] = [true, false].map((sanitizeFastPath) =>
      parseArticle(record({ body }), { ...newsroom, sanitizeFastPath }),
    );
    expect(off).toEqual(on);
    const asked: string[] = [];
    const resolve = (reference: string) => {
      asked.push(reference);
      return toTarget(reference);
    };
    // The other way resolves the address twice: where the body is normalized, and where it is sanitized.
    sanitizeBody('<a href="/a">a</a>', resolve, false);
    expect(asked).toEqual(['/a', '/a']);
  });
});

/** Elements, attributes and addresses in HTML that could run a script, as a parser finds them. */
function dangersIn(html: string): string[] {
  const dangers: string[] = [];
  const parser = new Parser({
    onopentag(name, attributes) {
      if (!ELEMENTS.split(' ').includes(name) && name !== 'iframe') dangers.push(name);
      for (const [attribute, value] of Object.entries(attributes)) {
        const isAddress = /^(href|src|srcset|poster|cite)$/.test(attribute);
        if (/^(on|style|srcdoc)/.test(attribute) || (isAddress && /^\s*(javascript|data|vbscript):/i.test(value)))
          dangers.push(`${attribute}=${value}`);
      }
    },
  });
  parser.end(html);
  return dangers;
}

/** Bodies that would run scripts, hide content or confuse a parser. */
const HOSTILE = [
  '<script>alert(1)</script><p>a</p>',
  '<p>a<scr<script>ipt>alert(1)</scr</script>ipt></p>',
  '<img src=x onerror=alert(1)>',
  '<img src="javascript:alert(1)" srcset="javascript:alert(1) 1x, /a.png 2x">',
  '<a href="java&#10;script&colon;alert(1)" onclick="alert(1)">a</a>',
  '<a href="data:text/html;base64,PHNjcmlwdD4=">a</a><a href=\' javascript:alert(1)\'>b</a>',
  '<svg onload=alert(1)><script>alert(1)</script></svg><math><mi xlink:href="javascript:alert(1)">a</mi></math>',
  '<iframe src="https://www.youtube.com@evil.example/" srcdoc="<script>alert(1)</script>"></iframe>',
  '<p style="background:url(javascript:alert(1))">a</p><style>@import "//evil.example"</style>',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
  '<!--><img src=x onerror=alert(1)>--><!-- --!><script>alert(1)</script> -->',
  '<p title="a" title=""><script>alert(1)</script>">a</p>',
  '<table><tr><td><p>a<table><td>b</p></table>',
  '<p>a</p\u0000><b\u000Conmouseover=alert(1)>b</b>',
  '<xmp><p title="</xmp><script>alert(1)</script>">',
  '<video><source src="/a.mp4" onerror="alert(1)"></video><form action="javascript:alert(1)"><button>b</button></form>',
];

describe('hidden text', () => {
  /** What is reported of a body. */
  function hiddenIn(html: string, fastPath = true): Adjustment | undefined {
    let found: Adjustment | undefined;
    sanitizeBody(html, toTarget, fastPath, (adjustment) => {
      if (adjustment.kind === 'hidden_text_removed') found = adjustment;
    });
    return found;
  }

  test.each([
    ['of one element', '<p hidden>Machines  &amp; men</p><p>a</p>', 1, 'Machines & men'],
    ['of several', '<p style="display:none">A</p>a<i style="visibility:hidden">B</i><b hidden>C</b>', 3, 'A'],
    ['of an element within another', '<div hidden><p hidden>A</p><p>B</p></div>a', 1, 'A B'],
    ['of a closed dialog', '<dialog>A</dialog>a', 1, 'A'],
    ['of an element that is not closed', 'a<div hidden>A', 1, 'A'],
    ['without scripts and styles', 'a<div hidden><script>x()</script><style>p{}</style>A</div>', 1, 'A'],
    ['after much white space', `a<div hidden>${' \n'.repeat(3000)}<b></b>\nA</div>`, 1, 'A'],
    ['that is long', `a<div hidden>${'word '.repeat(500)}</div>`, 1, `${'word '.repeat(23)}word…`],
  ])('%s is reported', (_, html, elements, excerpt) => {
    for (const fastPath of [true, false])
      expect(hiddenIn(html, fastPath)).toMatchObject({ count: elements, value: excerpt });
  });

  test.each([
    ['no hidden element', '<p>a</p><center>b</center>'],
    ['a hidden picture', '<p>a</p><img src="/p.gif" style="display:none">'],
    ['a hidden element without text', '<p>a</p><div hidden> <img src="/p.gif"></div>'],
    ['a script', '<p>a</p><script hidden>x()</script><template>b</template>'],
    ['a formula that is there twice', '<math><mi>x</mi></math><span class="katex-html">x</span>'],
  ])('is not reported for %s', (_, html) => {
    for (const fastPath of [true, false]) expect(hiddenIn(html, fastPath)).toBeUndefined();
  });
});
