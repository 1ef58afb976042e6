import { expect, test } from 'vitest';
import { createFairQueue } from '../../src/lib/fair-queue.ts';

/** Adds items such as `a1x`: x of the first connection of the client a. */
function queueOf(items: string) {
  const queue = createFairQueue<string>();
  for (const item of items.split(' ')) queue.add({ client: item.charAt(0), connection: item.charAt(1) }, item);
  return queue;
}

/** Takes all items that clients may have. */
function takeAll(queue: ReturnType<typeof queueOf>, mayHave = (_client: string) => true): string {
  const taken: string[] = [];
  for (let item = queue.take(mayHave); item !== undefined; item = queue.take(mayHave)) taken.push(item);
  return taken.join(' ');
}

test.each([
  ['one connection keeps its order', 'a1p a1q a1r', 'a1p a1q a1r'],
  ['clients have their turns', 'a1p a1q a1r b1p c1p c1q', 'a1p b1p c1p a1q c1q a1r'],
  ['so have the connections of a client', 'a1p a1q a1r a2p a3p', 'a1p a2p a3p a1q a1r'],
  ['many connections are one client', 'a1p a2p a3p a4p b1p b1q', 'a1p b1p a2p b1q a3p a4p'],
])('%s', (_, items, taken) => {
  expect(takeAll(queueOf(items))).toBe(taken);
});

test('a client that comes later has its turn after those that wait', () => {
  const queue = queueOf('a1p a1q b1p');
  const first = queue.take(() => true);
  queue.add({ client: 'c', connection: '1' }, 'c1p');

  expect(`${first} ${takeAll(queue)}`).toBe('a1p b1p a1q c1p');
});

test('a client that may have none keeps its turn', () => {
  const queue = queueOf('a1p b1p b1q c1p');

  expect(takeAll(queue, (client) => client !== 'a')).toBe('b1p c1p b1q');
  expect(takeAll(queue)).toBe('a1p');
});

test('all items can be taken at once', () => {
  const queue = queueOf('a1p b1p a2p');

  expect(queue.clear()).toEqual(['a1p', 'a2p', 'b1p']);
  expect(takeAll(queue)).toBe('');
});
