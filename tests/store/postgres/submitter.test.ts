import { expect, onTestFinished, test, vi } from 'vitest';
import { Submitter } from '../../../src/store/postgres/submitter.ts';

/** A submitter without a database, and the timers that it starts. */
function submitterAway() {
  const timers: NodeJS.Timeout[] = [];
  const { setTimeout } = globalThis;
  const spy = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, delay: number) => {
    const timer = setTimeout(work, delay);
    timers.push(timer);
    return timer;
  }) as typeof globalThis.setTimeout);
  onTestFinished(() => spy.mockRestore());
  const submitter = new Submitter({
    connection: () => ({ isUp: () => false }) as never,
    follower: () => ({}) as never,
    ...{ id: 'a', replica: 'b', format: 1, onRefused: () => {} },
  });
  onTestFinished(() => submitter.close());
  return { submitter, keepsAlive: () => timers.map((timer) => timer.hasRef()) };
}

const OPERATION = { name: 'setting', at: 0, args: ['a', 'b'] } as never;

test('a command does not end before it knows what became of its change, and an idle process may end', async () => {
  const { submitter, keepsAlive } = submitterAway();
  submitter.down();
  expect(keepsAlive()).toEqual([false]);

  const change = submitter.submit(OPERATION);
  expect(keepsAlive()).toEqual([true]);
  submitter.close();
  await expect(change).rejects.toMatchObject({
    code: 'database_unavailable',
    message: 'The database cannot be reached.',
  });
});

test('a connection that is lost while a change waits keeps the process as well', async () => {
  const { submitter, keepsAlive } = submitterAway();
  const change = submitter.submit(OPERATION);
  submitter.down();
  expect(keepsAlive()).toEqual([true]);
  submitter.close();
  await expect(change).rejects.toMatchObject({ code: 'database_unavailable' });
});
