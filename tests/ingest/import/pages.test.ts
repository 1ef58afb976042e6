import { expect, test } from 'vitest';
import { pageFacts } from '../../../src/ingest/import/pages.ts';

function nextOf(document: string): string | undefined {
  const url = 'https://a.example/feed';
  return pageFacts({ url, bytes: Buffer.from(document), type: '', charset: undefined, link: '', validators: {} }).next
    ?.url;
}

const NEXT = '<link rel="next" href="2"/>';

test.each([
  ['no base', `<feed>${NEXT}</feed>`, '2'],
  ['the base of the root', `<feed xml:base="b/">${NEXT}</feed>`, 'b/2'],
  [
    'the bases of the root and the channel',
    `<rss xml:base="b/"><channel xml:base="c/">${NEXT}</channel></rss>`,
    'b/c/2',
  ],
  ['the base of the link itself', '<feed xml:base="b/"><link rel="next" xml:base="c/" href="2"/></feed>', 'b/c/2'],
  ['the base of another element', `<feed><title xml:base="b/">c</title>${NEXT}</feed>`, '2'],
  ['the base of a channel that has ended', `<rss><channel xml:base="b/"></channel>${NEXT}</rss>`, '2'],
  ['a base that is too long', `<feed xml:base="${'b'.repeat(5000)}/">${NEXT}</feed>`, '2'],
  ['bases of a hundred thousand elements', `<feed>${'<a xml:base="bbbbbbbb/"/>'.repeat(100_000)}${NEXT}</feed>`, '2'],
])('the next page is resolved against %s', (_, document, expected) => {
  expect(nextOf(document)).toBe(`https://a.example/${expected}`);
});
