import fc from 'fast-check';

/** The elements that the sanitizer allows. */
export const ELEMENTS =
  'p a li strong em b i br img ul h2 h3 figure figcaption blockquote div span ol hr h1 h4 h5 h6 section article aside ' +
  'header footer address q cite pre code kbd samp var u s del ins mark small sub sup abbr time bdi bdo wbr ruby rt rp ' +
  'dl dt dd picture source audio video track table caption colgroup col thead tbody tfoot tr td th details summary';
/** Attributes that it allows, and others. */
export const ATTRIBUTES =
  'lang dir title href hreflang rel src srcset sizes alt width height type media controls loop muted preload poster ' +
  'playsinline kind srclang label default allowfullscreen start reversed value colspan rowspan headers scope abbr span ' +
  'cite datetime open class id style name target onclick hidden loading data background srcdoc is data-src data-srcset';
export const VALUES = [
  '',
  'a',
  '/a?b=1&c="<>',
  'mailto:a@b.example',
  'javascript:a()',
  'a 1x, b 2x',
  'https://a.example/ 2w',
];

const known = fc.constantFrom(...ELEMENTS.split(' '));
const element = fc.oneof(
  { weight: 8, arbitrary: known },
  { weight: 1, arbitrary: known.map((name) => name.toUpperCase()) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...(
        'iframe script style noscript template textarea title xmp plaintext noembed noframes svg math mi desc ' +
        'foreignObject object form input button select option body html head image meta base frameset x-y p: ma\u212Ak ' +
        'center strike tt menu dialog embed param msup mfrac msqrt annotation'
      ).split(' '),
    ),
  },
);
const attribute = fc.oneof(
  fc.constantFrom(...ATTRIBUTES.split(' ')),
  fc.constantFrom(
    'HREF',
    'Src',
    'OnError',
    'xlink:href',
    '__proto__',
    'constructor',
    '1',
    '"',
    "'",
    '<',
    'a\u0000b',
    '=',
  ),
);
const piece = fc.constantFrom(
  ...['a', 'https://a.example/b', '//a.example/c', '/d?e=1&f=2', 'mailto:a@b.example', 'tel:1', 'data:text/html,a'],
  ...[
    'javascript:a()',
    'java\tscript:',
    'java&#10;script&colon;',
    'vbscript:',
    'https:',
    ':',
    'relative:',
    '<!--',
    '-->',
  ],
  ...[
    'a.png 1x',
    ', ',
    'b 1.5x',
    'c 480w',
    'd 0x',
    ' ',
    '\n',
    '\r\n',
    '\t',
    '"',
    "'",
    '<',
    '>',
    '&',
    '=',
    '/',
    '%',
    '\\',
    'display:none',
    'display:block',
    'float:left',
    'text-decoration: line-through',
    'https://www.youtube.com/embed/a',
  ],
  ...[
    '&amp;',
    '&amp',
    '&lt;',
    '&lt',
    '&quot;',
    '&nbsp',
    '&notin;',
    '&not',
    '&bogus;',
    '&Tab;',
    '&NewLine;',
    '&#',
    '&#;',
  ],
  ...[
    '&#1;',
    '&#x8',
    '&#13;',
    '&#128;',
    '&#x85;',
    '&#60;',
    '&#xD800;',
    '&#xFFFE;',
    '&#x110000;',
    '&amp;#1;',
    '&am',
    'p;',
    '&nbsp;',
    '&#8217;',
    '&#x2014;',
    '&copy',
    '&copy=',
    '&NotEqualTilde;',
  ],
  ...['\u0000', '\u0001', '\u0085', '\uFFFE', '\uD800', '\uDC00', '\u00A0', '\u2028', '\u212A', 'کوردی', '👩‍👧', ']]>'],
);
const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(''));
const given = fc
  .tuple(fc.constantFrom(' ', ' ', ' ', '\n', '/', ''), attribute, fc.nat(9), text)
  .map(([space, name, form, value]) => {
    if (form === 0) return `${space}${name}`;
    if (form === 1) return `${space}${name}=${value}`;
    if (form === 2) return `${space}${name} = '${value}'`;
    return `${space}${name}="${form === 3 ? value : value.replaceAll('"', '')}"`;
  });
const startTag = fc
  .tuple(element, fc.array(given, { maxLength: 4 }), fc.constantFrom('>', '>', '>', '>', '/>', ' / >', ''))
  .map(([name, attributes, end]) => `<${name}${attributes.join('')}${end}`);
const endTag = fc
  .tuple(element, fc.constantFrom('>', '>', '>', '>', '/>', ' a="b">', ''))
  .map(([name, end]) => `</${name}${end}`);
const odd = fc.constantFrom(
  ...[
    '<!-- a -->',
    '<!-- a > b -->',
    '<!-- a --!> b -->',
    '<!----->',
    '<!--',
    '<!-->',
    '<!--->',
    '<![CDATA[<b>]]>',
    '<!doctype html>',
    '<?xml a?>',
    '</>',
    '</ p>',
    '<>',
    '< p>',
    '</p',
    '<p',
    '<a href="',
  ],
);
const ordinary = fc.constantFrom(
  '<!-- wp:image {"id":1,"sizeSlug":"large"} -->',
  '<!-- /wp:image -->',
  '<p class="has-text-align-center">a&nbsp;b&#8217;s</p>',
  '<figure class="wp-block-image"><img src="/a.jpg" alt="" class="wp-image-1"/><figcaption>a</figcaption></figure>',
  '<a href="https://a.example/?b=1&amp;c=2" target="_blank" rel="noreferrer noopener">a</a>',
  '<img loading="lazy" srcset="/a.png 300w, /b.png 600w" sizes="(max-width: 600px) 100vw, 600px" />',
  '<ul><li>a</li><li>b</li></ul>',
  '<ul><li>a<li>b</ul>',
  '<table><tr><td>a<td>b<tr><th>c</table>',
  '<dl><dt>a<dd>b</dl>',
  '<p>a<p>b',
  '<br>',
  '<hr />',
  'a & b',
  '&hellip;',
);
/** HTML with any defect. */
const broken = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: startTag },
      { weight: 6, arbitrary: endTag },
      { weight: 6, arbitrary: text },
      { weight: 1, arbitrary: odd },
      { weight: 2, arbitrary: ordinary },
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
const written = fc
  .tuple(fc.constantFrom(' ', '\n  '), fc.constantFrom(...ATTRIBUTES.split(' ')), fc.constantFrom('"', "'"), text)
  .map(([space, name, quote, value]) => `${space}${name}=${quote}${value.replaceAll(quote, '')}${quote}`);
/** Tags as programs write them, with any text in and between them, not all of them in an allowed position. */
const orderly = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: ordinary },
      { weight: 6, arbitrary: text.map((value) => value.replaceAll('<', '')) },
      { weight: 6, arbitrary: known.map((name) => `</${name}>`) },
      {
        weight: 6,
        arbitrary: fc
          .tuple(known, fc.array(written, { maxLength: 3 }), fc.constantFrom('>', ' />'))
          .map(([name, attributes, end]) => `<${name}${attributes.join('')}${end}`),
      },
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
/** HTML as programs write it, and broken HTML. */
export const anyHtml = fc.oneof({ weight: 2, arbitrary: broken }, { weight: 1, arbitrary: orderly });

/** Elements whose start tags end others, or which have a fixed place. */
const nesting = [
  ...[
    'p',
    'a href="/b"',
    'a name="c"',
    'b',
    'span',
    'div',
    'h1',
    'h2',
    'ul',
    'ol',
    'li',
    'dl',
    'dt',
    'dd',
    'ruby',
    'rt',
    'rp',
  ],
  ...['table', 'caption', 'colgroup', 'col', 'thead', 'tbody', 'tfoot', 'tr', 'td', 'th', 'pre', 'hr', 'br', 'summary'],
  ...['details', 'blockquote', 'figure', 'picture', 'source srcset="/d 2x"', 'img src="/e"', 'video src="/f"', 's'],
];
/** Few kinds of these elements, opened and closed in any order. */
export const nestedHtml = fc
  .uniqueArray(fc.constantFrom(...nesting), { minLength: 2, maxLength: 5 })
  .chain((few) =>
    fc.array(
      fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom(...few).map((tag) => `<${tag}>`) },
        { weight: 2, arbitrary: fc.constantFrom(...few).map((tag) => `</${tag.split(' ')[0]}>`) },
        { weight: 3, arbitrary: fc.constantFrom('a', ' ', '\n', 'b ') },
      ),
      { maxLength: 16, size: 'max' },
    ),
  )
  .map((parts) => parts.join(''));

/** A defect that a mutation puts into a body. */
const defect = fc.oneof(startTag, endTag, odd, text, fc.constantFrom(...'<>&"\'=/-!'));

/** A body with up to four cuts, repetitions or insertions at random offsets. */
export function mutated(bodies: readonly string[]): fc.Arbitrary<string> {
  const mutation = fc.tuple(
    fc.constantFrom('cut', 'repeat', 'insert'),
    fc.nat(),
    fc.integer({ min: 1, max: 40 }),
    defect,
  );
  return fc
    .tuple(fc.constantFrom(...bodies), fc.array(mutation, { minLength: 1, maxLength: 4 }))
    .map(([body, mutations]) =>
      mutations.reduce((html, [kind, where, length, extra]) => {
        const start = where % (html.length + 1);
        const end = start + length;
        const middle = kind === 'cut' ? '' : kind === 'insert' ? extra : html.slice(start, end).repeat(2);
        return html.slice(0, start) + middle + html.slice(kind === 'insert' ? start : end);
      }, body),
    );
}
