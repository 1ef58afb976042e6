import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { partnerChangesHandler } from '../../src/http/partner-changes.ts';
import type { LaterAnswers, PartnerRequest } from '../../src/http/partner-feeds.ts';
import type { ChangeAnswers } from '../../src/partner/change-answers.ts';
import type { Position } from '../../src/partner/change-cursor.ts';
import type { ChangePage, PartnerChange } from '../../src/partner/changes.ts';
import { createLongPolls, type LongPolls } from '../../src/partner/long-polls.ts';
import { ask } from '../helpers.ts';
import { memoryStore } from '../partner/memory-store.ts';
import { partnerOf } from '../partner/partners.ts';

const SECOND = 1000;

/** Milliseconds of the clock: each page takes some of them. */
let elapsed: number;
/** Empty pages before the one with a change; without one, the present comes behind them. */
let empty: number;
let hasChange: boolean;
let looked: () => void;
/** Pages are read when this has happened. */
let together: Promise<void>;
let looks: number;
let polls: LongPolls;
let server: Server;
let again: number;

const PAGE_TIME = 400;

async function page(_partner: unknown, { revision }: Position): Promise<ChangePage> {
  elapsed += PAGE_TIME;
  looks += 1;
  looked();
  await together;
  const position = { revision: revision + 1, time: 0, delay: 0, readAt: 0 } as Position;
  if (revision < empty) return { changes: [], position, hasMore: true };
  return { changes: hasChange ? [{} as PartnerChange] : [], position, hasMore: false };
}

beforeEach(async () => {
  [elapsed, empty, hasChange, looks, again] = [0, 0, true, 0, 0];
  looked = () => {};
  together = Promise.resolve();
  const store = memoryStore();
  const fail = (error: unknown) => {
    throw error;
  };
  polls = createLongPolls({ store, now: () => 0, clock: () => elapsed, fail });
  const changes: ChangeAnswers = {
    positionOf: async (_partner, since = '0') => ({ revision: Number(since) }) as Position,
    page,
    write: async (_partner, { changes: all, position, hasMore }) =>
      JSON.stringify({ items: all.length, cursor: String(position.revision), hasMore }),
  };
  const handle = partnerChangesHandler({ changes, longPolls: polls, clock: () => elapsed });
  const later: LaterAnswers = {
    fail: ({ response }, error) => response.destroy(error as Error),
    beginWait() {},
    again({ request, response }) {
      again += 1;
      listener(request, response);
    },
    isAuthorized: async () => true,
    deliver() {},
    prove: () => [],
  };
  const listener: RequestListener = (request, response) => {
    const asked = { request, response, partner: partnerOf(), key: 'k' } as unknown as PartnerRequest;
    handle(asked, later).catch((error: unknown) => later.fail(asked, error));
  };
  server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});

afterEach(async () => {
  polls.end();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

async function changes(query = ''): Promise<unknown> {
  const { text } = await ask((server.address() as AddressInfo).port, `/changes${query}`, {});
  return JSON.parse(text);
}

test('a request reads on behind an empty page, until it finds an item', async () => {
  empty = 2;
  expect(await changes()).toEqual({ items: 1, cursor: '3', hasMore: false });
});

test('without wait, it reads on for a second: the cursor is further on, and the next request goes on there', async () => {
  empty = 1000;
  const first = (await changes()) as { cursor: string };
  expect(first).toEqual({ items: 0, cursor: '3', hasMore: true });
  expect(await changes(`?since=${first.cursor}`)).toEqual({ items: 0, cursor: '6', hasMore: true });
});

test('a request that waits reads on as long as it waits', async () => {
  empty = 20;
  expect(await changes('?wait=10')).toEqual({ items: 1, cursor: '21', hasMore: false });
  empty = 1000;
  const { cursor, ...rest } = (await changes('?wait=10')) as { cursor: string };
  expect(rest).toEqual({ items: 0, hasMore: true });
  expect(Number(cursor)).toBe((10 * SECOND) / PAGE_TIME);
});

test('a request that has read to the present waits there for a change', async () => {
  [empty, hasChange] = [20, false];
  const waits = new Promise<void>((done) => {
    looked = () => looks === 21 && setImmediate(done);
  });
  const answer = changes('?wait=60');
  await waits;
  expect(polls.waiting()).toBe(1);
  hasChange = true;
  polls.changed(['latest']);
  expect(await answer).toMatchObject({ items: 1, cursor: '22' });
});

test('of many requests that search at once, those whose time is over read no other page', async () => {
  empty = 1_000_000;
  const asking = 20;
  together = new Promise((done) => {
    looked = () => looks === asking && done();
  });
  const answers = await Promise.all(Array.from({ length: asking }, () => changes('?wait=10')));
  for (const answer of answers) expect(answer).toEqual({ items: 0, cursor: expect.any(String), hasMore: true });
  // The last one has come when the others had read a page each. Together, they go on until its time is over.
  expect(looks).toBe(asking - 1 + (10 * SECOND) / PAGE_TIME);
});

test('a reload and a stop end the search: the request is answered as if it had just come', async () => {
  empty = 1000;
  looked = () => looks === 5 && polls.restart();
  expect(await changes('?wait=60')).toMatchObject({ items: 0, hasMore: true });
  expect(again).toBe(1);
});
