import { describe, expect, test } from 'vitest';
import { isUri, isWebUrl, linkTarget, webUrl } from '../../src/lib/url.ts';

const BASE = 'https://news.example/a/b';

describe('webUrl', () => {
  test.each([
    ['https://Example.com', 'https://example.com/'],
    ['http://example.com:80/x', 'http://example.com/x'],
    ['https://bücher.example/ü?q=ü#ü', 'https://xn--bcher-kva.example/%C3%BC?q=%C3%BC#%C3%BC'],
    ['https://کوردستان.example/', 'https://xn--mgbfohl0ji98e.example/'],
    ['https://a.example/two words', 'https://a.example/two%20words'],
    ['https://a.example/a\nb\tc', 'https://a.example/abc'],
    ['https://a.example/?a=1&b=2', 'https://a.example/?a=1&b=2'],
    ['https://a.example/`{|}^\\x', 'https://a.example/%60%7B%7C%7D%5E/x'],
    ['https://a.example/?q=`{|}^\\#`{|}^\\', 'https://a.example/?q=%60%7B%7C%7D%5E%5C#%60%7B%7C%7D%5E%5C'],
    ['https://a.example/<">', 'https://a.example/%3C%22%3E'],
    ['https://a.example/50%-off', 'https://a.example/50%25-off'],
    ['https://a.example/\uD800', 'https://a.example/%EF%BF%BD'],
    ['/x', 'https://news.example/x'],
    ['x', 'https://news.example/a/x'],
    ['../x', 'https://news.example/x'],
    ['//cdn.example/x', 'https://cdn.example/x'],
    ['?x', 'https://news.example/a/b?x'],
    [' https://a.example/ ', 'https://a.example/'],
  ])('%s', (address, expected) => {
    expect(webUrl(address, BASE)).toBe(expected);
  });

  test.each([
    'javascript:alert(1)',
    ' JavaScript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'ftp://a.example/',
    'mailto:a@b.example',
    'file:///etc/passwd',
    'http://',
    'https://a b.example/',
    'https://a`b.example/',
    'https://a{b}.example/',
    'https://a"b.example/',
    'https://a.example:99999/',
  ])('%s is invalid', (address) => {
    expect(webUrl(address, BASE)).toBeUndefined();
  });

  test('a relative address is invalid without a base', () => {
    expect(webUrl('/x')).toBeUndefined();
  });
});

test.each([
  ['mailto:a@b.example', 'mailto:a@b.example'],
  ['tel:+964750', 'tel:+964750'],
  ['#note', 'https://news.example/a/b#note'],
  ['x y', 'https://news.example/a/x%20y'],
  ['javascript:alert(1)', undefined],
  ['\u0001javascript:alert(1)', undefined],
  ['data:text/html,x', undefined],
  ['sms:123', 'sms:123'],
  ['bitcoin:1a?amount=1', 'bitcoin:1a?amount=1'],
  ['ftp://files.example/a', 'ftp://files.example/a'],
  ['file:///etc/passwd', undefined],
  ['blob:https://a.example/1', undefined],
  ['intent:a', undefined],
])('linkTarget: %s', (reference, expected) => {
  expect(linkTarget(reference, BASE)).toBe(expected);
});

test.each([
  ['https://a.example/', true],
  ['http://a.example/', true],
  ['mailto:a@b.example', false],
  ['httpsx:a', false],
])('isWebUrl: %s is %s', (address, expected) => {
  expect(isWebUrl(address)).toBe(expected);
});

test.each([
  ['http://Example.com', true],
  ['tag:news.example,2026:a', true],
  ['urn:uuid:6f1b0000-0000-4000-8000-000000000000', true],
  ['URN:x', true],
  ['a:b', true],
  ['https://a.example/%C3%BC', true],
  ['https://a.example/ü', false],
  ['https://a.example/a b', false],
  ['https://a.example/50%', false],
  ['https://a.example/%zz', false],
  ['https://a.example/"', false],
  ['/a', false],
  ['a', false],
  ['a:', false],
  ['1a:b', false],
  ['', false],
])('isUri: %s is %s', (text, expected) => {
  expect(isUri(text)).toBe(expected);
});
