import { expect, test } from 'vitest';
import { feedsIn } from '../../../src/ingest/import/web-page.ts';

const MB = 1024 * 1024;

test('feeds whose addresses are longer than those of records do not count', () => {
  const link = (href: string) => `<link rel="alternate" type="application/rss+xml" href="${href}">`;
  const bytes = Buffer.from(`<!doctype html>${link(`/${'x'.repeat(5000)}`)}${link('/feed')}`);
  const page = { url: 'https://a.example/', bytes, type: '', charset: undefined, link: '', validators: {} };

  expect(feedsIn(page)).toEqual([{ url: 'https://a.example/feed', title: '' }]);
});

test('of a page that is longer than a string may be, the beginning is searched', () => {
  const bytes = Buffer.alloc(600 * MB);
  bytes.write('<!doctype html><link rel="alternate" type="application/rss+xml" href="/feed">');
  const page = { url: 'https://a.example/', bytes, type: '', charset: undefined, link: '', validators: {} };

  expect(feedsIn(page)).toEqual([{ url: 'https://a.example/feed', title: '' }]);
});
