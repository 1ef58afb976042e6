import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseArticle } from '../../src/article/article.ts';
import { newsroom, record } from '../helpers.ts';

/** A body as other systems write it, and the story and summary that it must become. */
interface BodyCase {
  readonly description: string;
  readonly body: string;
  readonly html: string;
  readonly summary: string;
}

const files = globSync('*/*.body.json', { cwd: import.meta.dirname }).sort();
const cases = files.map((file) => {
  const text = readFileSync(`${import.meta.dirname}/${file}`, 'utf8');
  return { file, ...(JSON.parse(text) as BodyCase) };
});

test('every case was read', () => {
  expect(cases.length).toBeGreaterThan(50);
});

describe.each([true, false])('with the fast path %s', (sanitizeFastPath) => {
  test.each(cases)('$file: $description', ({ body, html, summary }) => {
    const article = parseArticle(record({ url: '/2026/a', title: 'A title', body }), { ...newsroom, sanitizeFastPath });

    expect({ html: article.html, summary: article.summary }).toEqual({ html, summary });
  });
});
