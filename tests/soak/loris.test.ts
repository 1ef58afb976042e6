// @module-tag soak
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { speak } from '../raw.ts';
import { besiege } from './besieged.ts';
import { sized } from './sizes.ts';

const LORISES = sized({ short: 100, soak: 1000, full: 5000 });
/** Milliseconds for a head: enough for all clients to connect on a busy machine. */
const HEAD = sized({ short: 3000, soak: 10_000, full: 60_000 });

test(`${LORISES} clients whose heads trickle are cut, and hold nobody up`, async () => {
  const service = await besiege({ hurried: { head: HEAD } });
  const wrong = await service.politely(async () => {
    const lorises = await Promise.all(
      Array.from({ length: LORISES }, () => speak(service.port, 'GET /feeds/latest.rss HTTP/1.1\r\nHost: a\r\nX: ')),
    );
    await expect.poll(service.open, { interval: 20 }).toBeGreaterThan(LORISES);
    let left = LORISES;
    const ends = lorises.map(async ({ closed }) => {
      const text = await closed;
      left -= 1;
      return text.slice(0, text.indexOf('\r\n'));
    });
    while (left > 0) {
      for (const { socket } of lorises) if (socket.writable) socket.write('x');
      await sleep(200);
    }
    expect(new Set(await Promise.all(ends))).toEqual(new Set(['HTTP/1.1 408 Request Timeout']));
  });

  expect(wrong).toEqual([]);
  await service.expectRecovered();
  expect(await service.stop()).toBe(0);
});
