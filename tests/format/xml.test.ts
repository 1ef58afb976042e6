import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  assertWellFormed,
  assertWellFormedEach,
  contentOf,
  contentsOf,
  element,
  escapeXml,
  forCdata,
  forXmlJs,
  isPlainElement,
  parent,
  startTag,
} from '../../src/format/xml.ts';

test.each([
  ['AT&T', 'AT&#x26;T'],
  ['a < b', 'a &#x3C; b'],
  [']]>]]>', ']]&#x3E;]]&#x3E;'],
  ['"\'', "&#x22;'"],
  ['&amp;', '&#x26;amp;'],
  ['a\nb', 'a&#xA;b'],
  ['کورد 😀', 'کورد 😀'],
])('%j as character data', (text, expected) => {
  expect(escapeXml(text)).toBe(expected);
});

test.each([
  [startTag('a'), '<a>'],
  [startTag('a', { b: 'c"<', d: undefined, e: 0 }), '<a b="c&#x22;&#x3C;" e="0">'],
  [element('a', {}), '<a/>'],
  [element('a', { b: 1 }), '<a b="1"/>'],
  [element('a', {}, ''), '<a></a>'],
  [element('a', { b: '' }, '<'), '<a b="">&#x3C;</a>'],
  [parent('a', { b: 1 }, ['<c/>', '<d/>'], 1), '<a b="1">\n        <c/>\n        <d/>\n    </a>'],
])('%s', (xml, expected) => {
  expect(xml).toBe(expected);
});

test('text and HTML for feed', () => {
  expect(forXmlJs('a & &amp; <')).toBe('a &amp; &amp;amp; <');
  expect(forCdata('a]]>b]]>]]]>')).toBe('a]]&gt;b]]&gt;]]]&gt;');
});

test.each([
  ['<a><b> x <i/> </b></a>', 'b', 'x <i/>'],
  ['<a><b c="d">x</b>y<b>z</b></a>', 'b', 'x</b>y<b>z'],
  ['<b></b>', 'b', ''],
])('the content of %s', (document, name, expected) => {
  expect(contentOf(document, name)).toBe(expected);
});

test('a missing element has no content', () => {
  expect(() => contentOf('<a/>', 'b')).toThrow('The document has no <b>.');
});

test.each([
  '<a>',
  '<a></b>',
  '<a>]]></a>',
  '<a>&nbsp;</a>',
  '<a b="<"/>',
  '<a>\u0001</a>',
  '<a>\uFFFE</a>',
  '<a>&#1;</a>',
  '<b:a/>',
  '<a/><a/>',
  '',
])('%j is not well-formed', (document) => {
  expect(() => assertWellFormed(document)).toThrow();
});

test('a well-formed document passes', () => {
  expect(() =>
    assertWellFormed('<?xml version="1.0"?><a xmlns:b="urn:b"><b:c d="e"><![CDATA[<]]></b:c>&#x3C;</a>'),
  ).not.toThrow();
});

test.each([[['<b/>']], [['<b>x<c d="e"/></b>', '<b><![CDATA[</b><b>]]></b>', '<b><!-- <b> --></b>']], [[]]])(
  '%j are well-formed each',
  (elements) => {
    expect(() => assertWellFormedEach('<a>', elements)).not.toThrow();
  },
);

test.each([
  // Well-formed together, but not alone.
  [['<b>', '</b>']],
  [['<b>x<![CDATA[', ']]></b>']],
  [['<b/><!--', '--><b/>']],
  [['<b/><c ', 'd="e"/>']],
  [['<b/><b', '/>']],
  [['<b/><?c', '?><b/>']],
  [['<b/>&#x41', ';<b/>']],
  [['<b/></a', '>']],
  [['<b><', '/b><b/>']],
  // Each has a text that is not exactly one element.
  [['<b/><b/>']],
  [['<b/>x']],
  [['x<b/>']],
  [['<b/>\n']],
  [['<b/>\r', '<b/>']],
  [['<b/>\uD83D', '\uDE00<b/>']],
  [['<b/><!-- -->']],
  [['<!-- -->']],
  [['x']],
  [['']],
  [['<b/>', '</a><a><b/>']],
  [['</a>']],
  [['<b></a>']],
  [['<b></c>']],
  [['<b>\u0001</b>']],
  [['<c:b/>']],
  // A prefix is declared only within its element.
  [['<b xmlns:c="urn:c"><c:d/></b>', '<c:b/>']],
])('%j are not well-formed each', (elements) => {
  expect(() => assertWellFormedEach('<a>', elements)).toThrow();
});

test('the content of each of several elements', () => {
  const document = '<a>\n    <b>\n        <c/>\n    </b>\n    <b>\n        d\n    </b>\n</a>';
  expect(contentsOf(document, 'b', { count: 2, depth: 1 })).toEqual(['<c/>', 'd']);
  expect(contentsOf('<a><b> </b>\n    <b> </b></a>', 'b', { count: 1, depth: 1 })).toEqual(['</b>\n    <b>']);
});

test('if the text of an element looks like the boundary of two, they are not separated', () => {
  const document = '<a>\n    <b><![CDATA[</b>\n    <b>]]></b>\n    <b>c</b>\n</a>';
  expect(() => contentsOf(document, 'b', { count: 2, depth: 1 })).toThrow('The document has 3 <b> instead of 2.');
});

describe('a plain element', () => {
  const PREFIXES = new Set(['d']);

  test.each([
    '<b/>',
    '<b>x</b>',
    '<d:b xml:lang="ckb" c="d&#x22;>e" xlang="f"/>',
    '<b>\n    <c>&#x26;&amp;</c>\n    <d:content><![CDATA[</b> & <p>]]></d:content>x</b>',
    '<bc><b>x</b></bc>',
    '<b><b></b></b>',
  ])('%j', (xml) => {
    expect(isPlainElement(xml, PREFIXES)).toBe(true);
    expect(() => assertWellFormed(`<a xmlns:d="urn:d">${xml}</a>`)).not.toThrow();
  });

  test('is accepted by a parser, whatever its text', () => {
    const tags =
      '<b> </b> <bc> </bc> <c/> <d:b> </d:b> <e:b> </e:b> <b·d="e"> </b·> <b·c=" "·c=" "·xml:lang=" "·d:c=" "·xmlns=" "·xmlns:e="';
    const signs = '" \' > /> < / = : ! [ x · <![CDATA[ ]]> ]] <!-- --> <?f ?> &amp; &#x3C; &#x1; &f; & ; &#x A;';
    const parts = fc.constantFrom(
      ...`${tags} ${signs}`.split(' ').map((part) => part.replaceAll('·', ' ')),
      ...['\n', '\t', '\r', '\0', '\u0001', '\u001f', '\u0085', '\ud83d', '\ude00', '\ufffe', 'کورد'],
    );
    const element = fc
      .array(fc.oneof(parts, parts, parts, fc.string({ maxLength: 3 })), { maxLength: 12 })
      .map((all) => all.join(''));
    let plain = 0;
    fc.assert(
      fc.property(element, fc.constantFrom('', '<b>', '<d:b c="'), (middle, start) => {
        const end = start === '' ? '' : start === '<b>' ? '</b>' : '"/>';
        const xml = `${start}${middle}${end}`;
        if (!isPlainElement(xml, PREFIXES)) return;
        plain += 1;
        // Within a root, and as the root itself: two elements would be two roots.
        assertWellFormed(`<a xmlns:d="urn:d">${xml}</a>`);
        assertWellFormed(xml.replace(/[\s/>]/, (sign) => ` xmlns:d="urn:d"${sign}`));
      }),
      { numRuns: 50_000 },
    );
    expect(plain).toBeGreaterThan(1000);
  });
});
