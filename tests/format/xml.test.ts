import { expect, test } from 'vitest';
import {
  assertWellFormed,
  assertWellFormedEach,
  element,
  escapeXml,
  forCdata,
  forXmlJs,
  innerOf,
  innersOf,
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

test('on the way through feed', () => {
  expect(forXmlJs('a & &amp; <')).toBe('a &amp; &amp;amp; <');
  expect(forCdata('a]]>b]]>]]]>')).toBe('a]]&gt;b]]&gt;]]]&gt;');
});

test.each([
  ['<a><b> x <i/> </b></a>', 'b', 'x <i/>'],
  ['<a><b c="d">x</b>y<b>z</b></a>', 'b', 'x</b>y<b>z'],
  ['<b></b>', 'b', ''],
])('what is within %s', (document, name, expected) => {
  expect(innerOf(document, name)).toBe(expected);
});

test('nothing is within what is not there', () => {
  expect(() => innerOf('<a/>', 'b')).toThrow('no <b> in the document');
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

test('what is well-formed passes', () => {
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
  // Together these are well-formed, and none of them alone is.
  [['<b>', '</b>']],
  [['<b>x<![CDATA[', ']]></b>']],
  [['<b/><!--', '--><b/>']],
  [['<b/><c ', 'd="e"/>']],
  [['<b/><b', '/>']],
  [['<b/><?c', '?><b/>']],
  [['<b/>&#x41', ';<b/>']],
  [['<b/></a', '>']],
  [['<b><', '/b><b/>']],
  // Each has what is not one element.
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
  // A prefix holds in its element alone.
  [['<b xmlns:c="urn:c"><c:d/></b>', '<c:b/>']],
])('%j are not', (elements) => {
  expect(() => assertWellFormedEach('<a>', elements)).toThrow();
});

test('what is within each of several elements', () => {
  const document = '<a>\n    <b>\n        <c/>\n    </b>\n    <b>\n        d\n    </b>\n</a>';
  expect(innersOf(document, 'b', { count: 2, depth: 1 })).toEqual(['<c/>', 'd']);
  expect(innersOf('<a><b> </b>\n    <b> </b></a>', 'b', { count: 1, depth: 1 })).toEqual(['</b>\n    <b>']);
});

test('where one of several elements looks as if it ended within, none is told from the others', () => {
  const document = '<a>\n    <b><![CDATA[</b>\n    <b>]]></b>\n    <b>c</b>\n</a>';
  expect(() => innersOf(document, 'b', { count: 2, depth: 1 })).toThrow('3 <b> in a document of 2');
});
