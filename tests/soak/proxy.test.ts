// @module-tag soak
import { expect, test } from 'vitest';
import { ask, FAST_PATH } from '../helpers.ts';
import { speak } from '../raw.ts';
import { besiege, POLITE } from './besieged.ts';
import { sized } from './sizes.ts';

/** Nine of twenty are nonsense. The service remembers fewer clients than the others are. */
const LIES = sized({ short: 100_000, soak: 100_000, full: 2_000_000 });
/** Bytes that the service keeps of the clients that it remembers: 50,000, each with its address. */
const REMEMBERED = 50_000 * 300;
const address = (number: number) => `198.51.${number >> 8}.${number & 255}`;

/** Asks through proxies that name these addresses. */
function askFor(port: number, forwarded: string) {
  return ask(port, POLITE, { headers: { 'X-Forwarded-For': forwarded } });
}

test('the service counts an untrusted proxy as the client, whatever addresses the proxy names', async () => {
  const service = await besiege({ args: ['--trust-proxy', 'loopback', '--rate-limit', '1:20'] });
  const answered: number[] = [];
  const wrong = await service.politely(async () => {
    for (let time = 0; time < 200; time += 1) {
      // The trusted proxy wrote the last address, and the liar all before it.
      answered.push((await askFor(service.port, `${address(time)}, 127.0.0.1, 203.0.113.7`)).status);
    }
  });

  expect(answered).toEqual([...Array(20).fill(200), ...Array(180).fill(429)]);
  expect((await askFor(service.port, '203.0.113.8')).status).toBe(200);
  expect(wrong).toEqual([]);
  await service.expectRecovered();
  expect(await service.stop()).toBe(0);
});

/** Forms in which proxies name a client. */
const FORMS: readonly ((...parts: [number, number, number]) => string)[] = [
  (...parts) => `203.${parts.join('.')}`,
  (...parts) => `203.${parts.join('.')}:5678`,
  (first, second, third) => `"[2001:db8:${first}:${(second * 256 + third).toString(16)}::1]:443"`, // a limit is one for /64
  (...parts) => `::ffff:203.${parts.join('.')}`,
];

test('when a trusted proxy names very many clients in several forms, the service remembers the last', async () => {
  const service = await besiege({ args: ['--trust-proxy', 'loopback', '--rate-limit', '1:20'] });
  const memory = service.memory();
  const told = Array.from(
    { length: LIES },
    (_, number) => FORMS[number % FORMS.length]?.(number >> 16, (number >> 8) & 255, number & 255) ?? '',
  );
  const statuses = new Map<string, number>();
  const spent: number[] = [];
  for (let time = 0; time < 21; time += 1) spent.push((await askFor(service.port, '198.51.100.1')).status);
  const wrong = await service.politely(async () => {
    for (let from = 0; from < LIES; from += 1000) {
      const requests = told
        .slice(from, from + 1000)
        .map((forwarded) => `HEAD ${POLITE} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${forwarded}\r\n\r\n`);
      const last = `HEAD ${POLITE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
      const text = await (await speak(service.port, requests.join('') + last)).closed;
      for (const [, status = ''] of text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    }
  });

  // Each client has its own limit; the proxy itself is on this machine and has none. Through Express, a thousand requests at
  // once may fill the queue for a moment: one gets 503, and its connection is closed.
  const all = LIES + LIES / 1000;
  expect([...statuses.keys()].sort()).toEqual(statuses.has('503') && !FAST_PATH ? ['200', '503'] : ['200']);
  expect(statuses.get('200')).toBeGreaterThanOrEqual(FAST_PATH ? all : 0.98 * all);
  // Tokens come back at one a minute. A client that the service has forgotten has all of them.
  expect(spent).toEqual([...Array(20).fill(200), 429]);
  for (let time = 0; time < 3; time += 1) {
    expect((await askFor(service.port, '198.51.100.1')).status).toBe(200);
  }
  expect(wrong).toEqual([]);
  await service.expectRecovered(memory + REMEMBERED);
  expect(await service.stop()).toBe(0);
});
