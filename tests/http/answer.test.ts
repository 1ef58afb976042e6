import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Document } from '../../src/document/document.ts';
import { represent } from '../../src/document/representation.ts';
import { answerTo } from '../../src/http/answer.ts';
import { NOW } from './api.ts';

/** Compressions at once, as there are threads for them. */
const AT_ONCE = 4;

const CONTEXT = { now: NOW, maxAge: 300, feedsUrl: 'https://feeds.news.example/' };

function document(text: string): Document {
  const feed = { key: 'latest', title: 'T', description: 'D', language: 'en', entries: 50, content: 'full' as const };
  return { feed, format: 'rss', bytes: Buffer.from(text), entries: [], changedAt: NOW };
}

test('who can be answered without begins no more compressions than there are threads for', async () => {
  const text = randomBytes(100_000).toString('base64');
  const all = Array.from({ length: 3 * AT_ONCE }, (_, index) => represent(document(text + index)));
  const ask = (accepted: string) =>
    all.map((each) => answerTo({ method: 'GET', headers: { 'accept-encoding': accepted } }, each, CONTEXT));
  const begun = () => all.filter(({ body }) => body.codings().includes('br'));
  ask('br, identity');
  expect(begun(), 'for the first who wants a coding').toEqual([]);

  for (const count of [AT_ONCE, 2 * AT_ONCE, 3 * AT_ONCE]) {
    const codings = ask('br, identity').map((answer) => ('coding' in answer ? answer.coding : 'pending'));
    expect(codings.filter((coding) => coding === 'br')).toHaveLength(count - AT_ONCE);
    expect(codings.filter((coding) => coding === 'identity')).toHaveLength(all.length - count + AT_ONCE);
    expect(begun()).toHaveLength(count);
    await Promise.all(begun().map(({ body }) => body.bytes('br')));
  }
});

test('who cannot be answered without is answered, however many there are', async () => {
  const text = randomBytes(30_000).toString('base64');
  const all = Array.from({ length: 3 * AT_ONCE }, (_, index) => represent(document(text + index)));
  const question = { method: 'GET', headers: { 'accept-encoding': 'gzip, identity;q=0' } };
  const answers = await Promise.all(
    all.map((each) => {
      const answer = answerTo(question, each, CONTEXT);
      return 'pending' in answer ? answer.pending() : answer;
    }),
  );

  expect(answers.map(({ status, coding }) => [status, coding])).toEqual(all.map(() => [200, 'gzip']));
});

test('an answer has the headers of the answer before it, until the next second', () => {
  const known = represent(document('a'));
  const headersAt = (now: number) => {
    const question = { method: 'GET', headers: { 'if-none-match': known.etag('identity') } };
    const answer = answerTo(question, known, { ...CONTEXT, now });
    return 'pending' in answer ? [] : answer.headers;
  };
  const first = headersAt(NOW + 1000);
  expect(first).toContain('public, max-age=299, stale-while-revalidate=1, stale-if-error=86400');
  expect(headersAt(NOW + 1999)).toBe(first);
  const second = headersAt(NOW + 2000);
  expect(second).toContain('public, max-age=298, stale-while-revalidate=1, stale-if-error=86400');
  expect(headersAt(NOW + 1500), 'the clock was set back').toEqual(first);
});
