import { describe, expect, test } from 'vitest';
import { INDEX } from '../../src/document/cache.ts';
import { createPages, warmUpPages } from '../../src/document/pages.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { warmUpLater } from '../../src/service/warm-up.ts';
import { manualTimers, settle } from '../document/manual-timers.ts';
import { ask, dataFolder, record, start } from '../helpers.ts';

const NEWSROOM = {
  'articles/a.json': JSON.stringify(record({ sections: ['World'], tags: ['rivers'] })),
  'articles/b.json': JSON.stringify(record({ id: 'b', embargoUntil: '2999-01-01T00:00:00Z', tags: ['secret'] })),
};

test('reads what the page of all feeds reads, and lets the event loop go round before each piece', async () => {
  const service = await start(await dataFolder(NEWSROOM));
  const { store, publication } = openDataFolder(service.dataFolder);
  const at = Date.now();
  const reads: string[] = [];
  const watched = Object.fromEntries(
    Object.entries(store).map(([name, read]) => [
      name,
      (...given: readonly unknown[]) => {
        reads.push(name);
        return (read as (...given: readonly unknown[]) => unknown)(...given);
      },
    ]),
  ) as unknown as typeof store;
  const parts = { store: watched, publication, report: () => {} };
  await createPages(parts).arrange(INDEX, at);
  const byPage = reads.splice(0);
  let readsBefore: number | undefined;
  setImmediate(() => {
    readsBefore = reads.length;
  });
  await warmUpPages(parts, at);
  await store.close();

  expect(reads.toSorted()).toEqual(byPage.toSorted());
  expect(readsBefore).toBeLessThan(reads.length);
});

test('changes nothing that a client sees, and a service that stops meanwhile logs no error', async () => {
  const folder = await dataFolder(NEWSROOM);
  const cold = await start(folder);
  const warm = await start(folder, { warmUpAfter: 0 });
  const [before, after] = [await ask(cold.port, '/'), await ask(warm.port, '/')];
  const stopped = await start(folder, { warmUpAfter: 0 });
  await new Promise((turned) => setTimeout(turned, 0)); // the timer of the warm-up has run out
  await stopped.close();
  const early = await start(folder, { warmUpAfter: 0 });
  await early.close();

  expect(after.status).toBe(200);
  expect(after.text).toBe(before.text);
  expect(after.headers.etag).toBe(before.headers.etag);
  expect(after.text).not.toContain('secret');
  for (const { told } of [warm, stopped, early]) {
    expect(told.filter(({ level }) => level === 'error')).toEqual([]);
  }
});

describe('the time of it', () => {
  function planned() {
    const [timers, work] = [manualTimers(), Promise.withResolvers<void>()];
    const [begun, errors]: [number[], unknown[]] = [[], []];
    const warmUp = () => {
      begun.push(1);
      return work.promise;
    };
    const stop = warmUpLater({ warmUp, delay: 1000, timers, fail: (error) => errors.push(error) });
    return { timers, work, begun, errors, stop };
  }

  test('comes once, after the delay', () => {
    const { timers, begun } = planned();
    timers.pass(999);
    expect(begun).toEqual([]);
    timers.pass(1);
    timers.pass(5000);
    expect(begun).toEqual([1]);
  });

  test('never comes after a stop', async () => {
    const { timers, begun, stop } = planned();
    await stop();
    timers.pass(1000);
    expect(begun).toEqual([]);
  });

  test('a stop waits for what has begun, also where it fails', async () => {
    const { timers, work, errors, stop } = planned();
    timers.pass(1000);
    let isStopped = false;
    const stopped = stop().then(() => {
      isStopped = true;
    });
    await settle();
    expect(isStopped).toBe(false);
    work.reject('the store cannot be read');
    await stopped;
    expect(errors).toEqual(['the store cannot be read']);
  });
});
