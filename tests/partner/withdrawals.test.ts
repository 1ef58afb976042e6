import { expect, test } from 'vitest';
import { type WithdrawalCursor, type WithdrawalParts, withdrawalPage } from '../../src/partner/withdrawals.ts';
import type { FormerMembership, SyndicationEnd } from '../../src/store/partner-store.ts';
import { article } from '../helpers.ts';
import { HOUR, MINUTE, NOW, partner } from './room.ts';

const PUBLISHED = NOW - HOUR;

/** Ends with these numbers of articles, the newest first. Moves of even numbers are out of a feed that no partner has. */
function partsOf(ends: readonly SyndicationEnd[]): { readonly parts: WithdrawalParts; readonly read: number[] } {
  const read: number[] = [];
  const formerOf = (number: number): FormerMembership => {
    const left = { leftAt: NOW, leftRevision: number };
    const feed = number % 2 === 0 ? 'section/sport' : 'section/world';
    return { feed, ...left, stays: [{ publishedAt: PUBLISHED, until: NOW, ...left }] };
  };
  const parts: WithdrawalParts = {
    store: {
      syndicationEnds: async (after, at, limit) => ends.filter((end) => end.at > after && end.at <= at).slice(0, limit),
      async articles(numbers) {
        read.push(...numbers);
        return numbers.map((number) => ({ number, revision: number, article: article() }));
      },
      memberships: async (number) => (ends.find((end) => end.number === number)?.ending === 'moved' ? [] : ['latest']),
      formerMemberships: async (number) => [formerOf(number)],
      history: async () => [],
    },
    record: { firstWhole: async () => undefined, coverage: async () => ({ since: 0, through: NOW, gaps: [] }) },
    partners: [partner('wire', 'feeds: [latest, section/world]')],
    deliveryDays: 90,
  };
  return { parts, read };
}

function end(number: number, fields: Partial<SyndicationEnd> = {}): SyndicationEnd {
  const names = { number, id: `s${number}`, publicId: `tag:${number}` };
  return { ...names, revision: number, publishedAt: PUBLISHED, at: NOW, ending: 'moved', ...fields };
}

async function pagesOf(parts: WithdrawalParts, limit: number): Promise<number[][]> {
  const pages: number[][] = [];
  let cursor: WithdrawalCursor | undefined;
  do {
    const page = await withdrawalPage(parts, { after: 0, at: NOW, cursor, limit });
    pages.push(page.ends.map(({ number }) => number));
    cursor = page.next;
  } while (cursor !== undefined);
  return pages;
}

test('thousands of moves between feeds that no partner has hide no withdrawal, and none of them is read', async () => {
  const moves = Array.from({ length: 3000 }, (_, index) => end(2 * index + 2));
  const withdrawn = end(7001, { at: NOW - MINUTE, ending: 'withdrawn' });
  const { parts, read } = partsOf([...moves, withdrawn]);
  expect(await pagesOf(parts, 20)).toEqual([[7001]]);
  expect(read).toEqual([7001]);
});

test.each([1, 2, 3, 7, 100])('pages of %i have each end once, in order', async (limit) => {
  const ends = Array.from({ length: 40 }, (_, index) => end(index + 1, { at: NOW - Math.floor(index / 9) }));
  const { parts } = partsOf(ends);
  const pages = await pagesOf(parts, limit);
  const lost = ends.filter(({ at, number }) => at === NOW && number % 2 === 1).map(({ number }) => number);
  expect(pages.flat()).toEqual(lost);
  expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(limit);
});
