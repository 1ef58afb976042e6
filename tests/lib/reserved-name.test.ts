import { expect, test } from 'vitest';
import { isReservedName } from '../../src/lib/reserved-name.ts';

test.each([
  'test',
  'news.test',
  'example',
  'feeds.fourrivers.example',
  'invalid',
  'a.b.invalid',
  'localhost',
  'feeds.localhost',
  'example.com',
  'www.example.com',
  'feeds.example.net',
  'a.b.example.org',
  'Feeds.EXAMPLE.Com',
  'feeds.example.com.', // fully qualified
])('%s is reserved', (host) => expect(isReservedName(host)).toBe(true));

test.each([
  'example.de',
  'example.com.de',
  'myexample.com',
  'my-example.org',
  'test.com',
  'test.news.org',
  'localhost.news.org',
  'fourrivers.examples',
  'contest',
  'news.contest',
  'feeds.fourrivers.org',
  'printer.local',
  '127.0.0.1',
  '[::1]',
  '192.0.2.1',
  '',
])('%s is not', (host) => expect(isReservedName(host)).toBe(false));
