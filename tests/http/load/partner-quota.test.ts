import { expect, test } from 'vitest';
import { createPartnerQuota } from '../../../src/http/load/partner-quota.ts';

const GET = { method: 'GET', headers: {} };
const HEAD = { method: 'HEAD', headers: {} };
const REVALIDATION = { method: 'GET', headers: { 'if-none-match': '"x"' } };
const MINUTE = 60_000;

function quota(rate: number | undefined) {
  const clock = { now: 0 };
  const { begin } = createPartnerQuota(() => clock.now);
  const partner = { id: 'msn', ...(rate === undefined ? {} : { rate }) };
  const ask = (request: typeof GET, status: number, key = 'k') => {
    try {
      begin(partner, { id: key }, request)(status);
      return status;
    } catch (error) {
      return error;
    }
  };
  return { clock, ask };
}

const tooMany = (retryAfter: number) => expect.objectContaining({ code: 'too_many_requests', retryAfter });

test('a partner without a rate is not counted', () => {
  const { ask } = quota(undefined);
  expect(Array.from({ length: 100 }, () => ask(GET, 200))).toEqual(Array(100).fill(200));
});

test('each key has so many answers a minute, and errors count as well', () => {
  const { ask, clock } = quota(2);
  expect([ask(GET, 200), ask(GET, 404), ask(GET, 200), ask(GET, 200, 'other')]).toEqual([200, 404, tooMany(30), 200]);
  clock.now = MINUTE / 2;
  expect([ask(GET, 200), ask(GET, 200)]).toEqual([200, tooMany(30)]);
});

test('an answer without content costs a twentieth', () => {
  const { ask } = quota(2);
  expect(Array.from({ length: 10 }, () => ask(HEAD, 200))).toEqual(Array(10).fill(200));
  expect([ask(GET, 200), ask(GET, 200)]).toEqual([200, expect.objectContaining({ code: 'too_many_requests' })]);
});

test('a 304 is never refused, and anything else is where no token is left', () => {
  const { ask } = quota(1);
  expect([ask(GET, 200), ask(REVALIDATION, 200)]).toEqual([200, tooMany(30)]);
  expect(Array.from({ length: 100 }, () => ask(REVALIDATION, 304))).toEqual(Array(100).fill(304));
});
