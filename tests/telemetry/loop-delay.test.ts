import { expect, onTestFinished, test } from 'vitest';
import { watchLoopDelay } from '../../src/telemetry/loop-delay.ts';

/** Milliseconds. */
const BLOCK = 200;

function block(): void {
  const end = performance.now() + BLOCK;
  while (performance.now() < end);
}

test('a block of the event loop is measured, and forgotten with a restart', async () => {
  const watch = watchLoopDelay();
  onTestFinished(watch.close);
  await expect
    .poll(() => {
      block();
      return watch.longest();
    })
    .toBeGreaterThanOrEqual(BLOCK / 2);
  watch.restart();

  expect(watch.longest()).toBe(0);
});
