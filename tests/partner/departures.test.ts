import { expect, test } from 'vitest';
import { createDepartures, type DepartureStore } from '../../src/partner/departures.ts';
import type { FormerMember } from '../../src/store/partner-store.ts';
import { article } from '../helpers.ts';
import { DAY, MINUTE, NOW, partner } from './room.ts';

const KEY = 'section/world';
const wire = partner('wire', `feeds: [${KEY}, section/sport]\nretention: { days: 10 }`);

/** Stories that left a feed, one a second, of which the first one did last. */
function storeOf(count: number, { at, feeds }: { readonly at: number; readonly feeds: readonly string[] }) {
  const all = Array.from({ length: count }, (_, index): FormerMember => {
    const leftAt = at - index * 1000;
    const stays = [{ publishedAt: leftAt - MINUTE, until: leftAt, leftAt, leftRevision: 1 }];
    return { feed: KEY, number: index + 1, revision: count - index, leftAt, leftRevision: 1, changedAt: leftAt, stays };
  });
  const store: DepartureStore = {
    formerMembers: async (_key, limit) => all.slice(0, limit),
    formerMemberships: async (number) => all.slice(number - 1, number),
    memberships: async () => feeds,
    lastRevision: async () => count,
    articles: async (numbers) =>
      numbers.map((number) => ({
        number,
        revision: count - number + 1,
        article: { ...article(), publishedAt: at - DAY },
      })),
  };
  return store;
}

const sport = ['section/sport'];
const SECOND = 1000;

test.each<[name: string, count: number, feeds: readonly string[], at: number, gone: number, from: number]>([
  ['few that have another feed', 9, sport, NOW, 0, 0],
  ['few that have left', 9, [], NOW, 9, 0],
  ['as many as are read', 2000, sport, NOW, 0, NOW - 1999 * SECOND + 5000],
  ['more than are read', 2100, sport, NOW, 0, NOW - 1999 * SECOND + 5000],
  ['so many that others have no room', 600, [], NOW, 504, NOW - 503 * SECOND + 5000],
  ['many of which the last ones are forgotten', 2100, [], NOW - 20 * DAY + 2 * MINUTE, 0, 0],
])('a document without all that left its feed reaches back to the last one: %s', async (_name, ...given) => {
  const [count, feeds, at, gone, from] = given;
  const found = await createDepartures(storeOf(count, { at, feeds }))({ partner: wire, key: KEY, at: NOW });
  expect([found.gone.length, found.from]).toEqual([gone, from]);
});

test('each story is read once as long as it stays as it is', async () => {
  const store = storeOf(50, { at: NOW, feeds: sport });
  const read: number[] = [];
  let corrected = 0;
  const departuresOf = createDepartures({
    ...store,
    lastRevision: async () => 50 + corrected,
    formerMembers: async (key, limit) =>
      (await store.formerMembers(key, limit)).map((one) => (one.number === corrected ? { ...one, revision: 99 } : one)),
    async articles(numbers) {
      read.push(...numbers);
      return (await store.articles(numbers)).map((one) => (one.number === corrected ? { ...one, revision: 99 } : one));
    },
  });
  const looks = [wire, partner('paper', 'feeds: [section/world]'), wire];
  for (const own of looks) await departuresOf({ partner: own, key: KEY, at: NOW + MINUTE });
  expect(read).toHaveLength(50);
  corrected = 7;
  for (const own of looks) await departuresOf({ partner: own, key: KEY, at: NOW + MINUTE });
  expect(read.slice(50)).toEqual([7]);
});

test('the stories that left a feed are read once for all its partners, until an article changes or a reading fails', async () => {
  const store = storeOf(50, { at: NOW, feeds: [] });
  const read: string[] = [];
  let revision = 50;
  let isFailing = false;
  const departuresOf = createDepartures({
    ...store,
    lastRevision: async () => revision,
    async formerMembers(key, limit) {
      read.push(`${key} ${revision}`);
      if (isFailing) throw new Error('disk');
      return store.formerMembers(key, limit);
    },
  });
  const partners = Array.from({ length: 9 }, (_, index) =>
    partner(`p${index}`, 'feeds: [section/world, section/sport]'),
  );
  const lookAll = (key: string) =>
    Promise.allSettled(partners.map((own) => departuresOf({ partner: own, key, at: NOW + MINUTE })));
  const statuses = async (key: string) => new Set((await lookAll(key)).map(({ status }) => status));

  expect(await statuses(KEY)).toEqual(new Set(['fulfilled']));
  await statuses(KEY);
  await statuses('section/sport');
  expect(read).toEqual([`${KEY} 50`, 'section/sport 50']);
  revision = 51;
  isFailing = true;
  expect(await statuses(KEY)).toEqual(new Set(['rejected']));
  isFailing = false;
  expect(await statuses(KEY)).toEqual(new Set(['fulfilled']));
  expect(read.slice(2)).toEqual([`${KEY} 51`, `${KEY} 51`]);
});
