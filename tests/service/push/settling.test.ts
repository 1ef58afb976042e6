import { expect, test } from 'vitest';
import { PublisherError } from '../../../src/errors.ts';
import { settleWhenBack } from '../../../src/service/push/settling.ts';
import type { OutboxMessage } from '../../../src/store/outbox-store.ts';

const AWAY = new PublisherError('database_unavailable', 'The database cannot be reached.');
const MESSAGE: OutboxMessage = {
  ...{ id: 'cdn', kind: 'purge', owner: 'me', epoch: 1, revision: 7, at: 1, feeds: ['latest'], hasRemovals: false },
  ...{ isRepeat: false, failures: 0 },
};

/** Settles by a store that ends its calls like this, one after the other. */
function settling(...answers: readonly (Error | 'saved')[]) {
  const state = { calls: 0, waits: [] as number[], isClosing: false };
  const settle = settleWhenBack({
    store: {
      async settleOutbox() {
        const answer = answers[state.calls];
        state.calls += 1;
        if (answer instanceof Error) throw answer;
      },
    },
    timers: {
      after(milliseconds, work) {
        state.waits.push(milliseconds);
        work();
        return () => {};
      },
    },
    isClosing: () => state.isClosing,
  });
  return {
    state,
    settle: () => settle(MESSAGE, { result: 'told', repeatAfter: 0 }, { most: 1, tombstonesFor: 1 }, () => 1),
  };
}

test('what was told while the database went away is saved when it is back', async () => {
  const { state, settle } = settling(AWAY, AWAY, 'saved');
  await settle();
  expect(state).toMatchObject({ calls: 3, waits: [1000, 1000] });
});

test('another error ends it, and so does a stop', async () => {
  const failing = settling(new Error('it fails'));
  await expect(failing.settle()).rejects.toThrow('it fails');
  const closing = settling(AWAY, 'saved');
  closing.state.isClosing = true;
  await expect(closing.settle()).rejects.toBe(AWAY);
  expect([failing.state.calls, closing.state.calls]).toEqual([1, 1]);
});
