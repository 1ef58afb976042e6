import { describe, expect, test } from 'vitest';
import { isPartner, partnerTarget, redactedPath } from '../../src/http/partner-target.ts';

const KEY = `fp_0123456789ab_${'A'.repeat(43)}`;

describe('a target below /partners/', () => {
  test.each<[string, ReturnType<typeof partnerTarget>]>([
    ['/partners/msn/latest.rss', { partner: 'msn', rest: 'latest.rss' }],
    ['/PARTNERS/msn/latest.rss?key=x', { partner: 'msn', rest: 'latest.rss' }],
    ['http://feeds.example/partners/msn/latest.rss', { partner: 'msn', rest: 'latest.rss' }],
    ['/partners/msn/latest.rss/', { partner: 'msn', rest: 'latest.rss' }],
    ['/partners/msn/section/world.atom', { partner: 'msn', rest: 'section/world.atom' }],
    ['/partners/msn/section/a/b.atom', { partner: 'msn', rest: 'section/a/b.atom' }],
    ['/partners/msn/section', { partner: 'msn', rest: 'section' }],
    ['/partners/msn/changes?since=x', { partner: 'msn', rest: 'changes' }],
    ['/partners/msn', { partner: 'msn', rest: '' }],
    ['/partners/', { partner: '', rest: '' }],
    [`/partners/msn/${KEY}/latest.rss`, { partner: 'msn', key: KEY, rest: 'latest.rss' }],
    [`/partners/msn/${KEY}/section/world.rss`, { partner: 'msn', key: KEY, rest: 'section/world.rss' }],
    [`/partners/msn/%66${KEY.slice(1)}/changes`, { partner: 'msn', key: KEY, rest: 'changes' }],
    [`/partners/msn/${KEY}`, { partner: 'msn', key: KEY, rest: '' }],
    ['/partners/msn/wrong/latest.rss', { partner: 'msn', key: 'wrong', rest: 'latest.rss' }],
    ['/partners/msn//latest.rss', { partner: 'msn', key: '', rest: 'latest.rss' }],
    ['/partners/msn/%FF/latest.rss', undefined],
    ['/feeds/latest.rss', undefined],
  ])('%s', (target, expected) => {
    expect(partnerTarget(target)).toEqual(expected);
  });
});

test('a path of slashes takes no time in the square of its length, which a test would not live to see', () => {
  const slashes = '/'.repeat(300_000);
  expect(partnerTarget(`/partners/wire${slashes}x`)?.partner).toBe('wire');
  expect(partnerTarget(`/partners/wire/latest.rss${slashes}`)).toEqual({ partner: 'wire', rest: 'latest.rss' });
});

test.each([
  ['/partners/x', true],
  ['/Partners/x', true],
  ['/partner/x', false],
  ['/partners', false],
])('%s is an address of a partner: %s', (target, expected) => {
  expect(isPartner(target)).toBe(expected);
});

describe('the path in the log', () => {
  test.each([
    ['/feeds/latest.rss?a', '/feeds/latest.rss'],
    ['/partners/msn/latest.rss', '/partners/msn/latest.rss'],
    ['/partners/msn/section/world.rss', '/partners/msn/section/world.rss'],
    [`/partners/msn/${KEY}/latest.rss`, '/partners/msn/fp_0123456789ab_***/latest.rss'],
    [`/partners/msn/${KEY.slice(0, -1)}/latest.rss`, '/partners/msn/fp_0123456789ab_***/latest.rss'],
    [`/partners/msn/${KEY.slice(3)}/latest.rss`, '/partners/msn/***/latest.rss'],
    [`/partners/msn/%66${KEY.slice(1)}/section/world.rss`, '/partners/msn/fp_0123456789ab_***/section/world.rss'],
    [`/partners/msn/${KEY}%FF/latest.rss`, '/partners/msn/***/latest.rss'],
    [`/partners/msn/${KEY}`, '/partners/msn/fp_0123456789ab_***'],
    [`/partners/msn/${KEY.slice(3)}/`, '/partners/msn/***'],
    [`/partners/${KEY.slice(16)}/latest.rss`, '/partners/***/latest.rss'],
    [`/partners/msn/section/${'long-'.repeat(20)}.rss`, `/partners/msn/section/${'long-'.repeat(20)}.rss`],
    [`/partners/${KEY}/latest.rss`, '/partners/fp_0123456789ab_***/latest.rss'],
    [`/partner/msn/${KEY}/latest.rss`, '/partner/msn/fp_0123456789ab_***/latest.rss'],
  ])('%s', (target, expected) => {
    expect(redactedPath(target)).toBe(expected);
  });
});
