import { expect, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { createFeedSearch } from '../../src/document/feed-search.ts';
import { PUBLICATION } from '../helpers.ts';

const publication = parsePublication(PUBLICATION, 'p');

/** A store of topics, each seen from a moment on. `read` has how many feeds each query has read. */
function topics(seenFrom: ReadonlyMap<string, number>) {
  const read: number[] = [];
  const keys = [...seenFrom.keys()];
  const state = { revision: 1 };
  const store = {
    feedKeys: async () => keys,
    lastRevision: async () => state.revision,
    seenFeeds: async (asked: readonly string[], at: number) => {
      read.push(asked.length);
      return asked
        .filter((key) => (seenFrom.get(key) ?? Number.POSITIVE_INFINITY) <= at)
        .map((key) => ({ key, name: key }));
    },
  };
  return { store, read, state };
}

const many = new Map(Array.from({ length: 10_000 }, (_, index) => [`tag/topic-${index}`, 0]));

test('a search of ten thousand feeds reads them in pieces, and once for each revision of the store', async () => {
  const { store, read, state } = topics(many);
  const search = createFeedSearch({ store, publication });
  const readBy = async (text: string) => {
    read.length = 0;
    const { count, best } = await search(text, 5, 60);
    return { count, best: best.length, most: Math.max(...read), all: read.reduce((sum, each) => sum + each, 0) };
  };

  expect(await readBy('topic')).toEqual({ count: 10_000, best: 60, most: 250, all: 10_060 });
  expect(await readBy('topic')).toEqual({ count: 10_000, best: 60, most: 60, all: 60 });
  expect(await readBy('topic 12')).toMatchObject({ best: 60, all: 60 });
  state.revision += 1;
  expect(await readBy('topic')).toMatchObject({ count: 10_000, all: 10_060 });
});

test('the event loop goes round while a search reads', async () => {
  const { store } = topics(many);
  const search = createFeedSearch({ store, publication });
  let isDone = false;
  let rounds = 0;
  const count = () => {
    rounds += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);

  await search('topic', 5, 60);
  isDone = true;
  expect(rounds).toBeGreaterThan(0);
});

test('a feed is found from the moment at which readers see it, at the same revision, and not where the clock is set back', async () => {
  const { store } = topics(
    new Map([
      ['tag/rivers', 10],
      ['tag/river-banks', 0],
    ]),
  );
  const search = createFeedSearch({ store, publication });
  const found = async (at: number) => (await search('river', at, 60)).best.map(({ key }) => key);

  expect(await found(9)).toEqual(['tag/river-banks']);
  expect(await found(10)).toEqual(['tag/rivers', 'tag/river-banks']);
  expect(await found(9)).toEqual(['tag/river-banks']);
  expect((await search('river', 9, 60)).count).toBe(1);
});

test('a feed that a change hides is not found any more', async () => {
  const moments = new Map([['tag/rivers', 0]]);
  const { store, state } = topics(moments);
  const search = createFeedSearch({ store, publication });
  expect((await search('rivers', 5, 60)).count).toBe(1);

  moments.set('tag/rivers', Number.POSITIVE_INFINITY);
  state.revision += 1;
  expect(await search('rivers', 6, 60)).toEqual({ count: 0, best: [] });
});
