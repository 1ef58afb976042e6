import { expect, test } from 'vitest';
import { feedPathOf, isApi, isProbe, isWholeServer, pathOf } from '../../src/http/target.ts';

test.each([
  ['/feeds/latest.rss', '/feeds/latest.rss'],
  ['/feeds/latest.rss?_=1', '/feeds/latest.rss'],
  ['/feeds/latest.rss#top', '/feeds/latest.rss'],
  ['/a?b?c#d', '/a'],
  ['/a#b?c', '/a'],
  ['http://news.example/feeds/latest.rss?_=1', '/feeds/latest.rss'],
  ['HTTPS://name:word@news.example:99999/Feeds/x', '/Feeds/x'],
  ['http://news.example', ''],
  ['http://news.example?x=1', ''],
  ['//feeds/latest.rss', '//feeds/latest.rss'],
  ['*', '*'],
  ['', ''],
])('the path of %s is “%s”', (target, path) => {
  expect(pathOf(target)).toBe(path);
});

test.each([
  ['/feeds/latest.rss', '/feeds/latest.rss'],
  ['/Feeds/latest.rss?_=1', '/feeds/latest.rss'],
  ['/FEEDS/Latest.rss', '/feeds/Latest.rss'],
  ['http://news.example/fEEDS/a/b.atom', '/feeds/a/b.atom'],
  ['/feeds', undefined],
  ['/%66eeds/latest.rss', undefined],
  ['/other?/feeds/', undefined],
  [undefined, undefined],
])('%s is the feed path %s', (target, path) => {
  expect(feedPathOf(target)).toBe(path);
});

test.each([
  ['/healthz', true],
  ['/readyz?x=1', true],
  ['/HealthZ', true],
  ['http://news.example/readyz#x', true],
  ['/healthz/', false],
  ['/nothing?/healthz', false],
])('%s is a health check: %s', (target, expected) => {
  expect(isProbe(target)).toBe(expected);
});

test.each([
  ['/api/articles', true],
  ['/API/articles?limit=5', true],
  ['http://news.example/Api/articles', true],
  ['/api', false],
  ['/apis/articles', false],
])('%s is of the API: %s', (target, expected) => {
  expect(isApi(target)).toBe(expected);
});

test.each([
  ['*', true],
  ['http://news.example', true],
  ['http://news.example/', false],
  ['/', false],
])('%s is the whole server: %s', (target, expected) => {
  expect(isWholeServer(target)).toBe(expected);
});
