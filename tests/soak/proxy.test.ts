import { expect, test } from 'vitest';
import { ask } from '../helpers.ts';
import { speak } from '../raw.ts';
import { besiege, POLITE } from './besieged.ts';

/** Of twenty, nine are nonsense: more clients are left than are remembered. */
const LIES = 100_000;
const address = (number: number) => `198.51.${number >> 8}.${number & 255}`;

/** Asks as somebody for whom proxies speak. */
function askFor(port: number, forwarded: string) {
  return ask(port, POLITE, { headers: { 'X-Forwarded-For': forwarded } });
}

test('a proxy that is not trusted may tell of whom it likes: it is the one who asks', { timeout: 40_000 }, async () => {
  const service = await besiege({ args: ['--trust-proxy', 'loopback', '--rate-limit', '1:20'] });
  const answered: number[] = [];
  const wrong = await service.politely(async () => {
    for (let time = 0; time < 200; time += 1) {
      // The last address is what the trusted proxy saw; all before it the liar wrote.
      answered.push((await askFor(service.port, `${address(time)}, 127.0.0.1, 203.0.113.7`)).status);
    }
  });

  expect(answered).toEqual([...Array(20).fill(200), ...Array(180).fill(429)]);
  expect((await askFor(service.port, '203.0.113.8')).status).toBe(200);
  expect(wrong).toEqual([]);
  await service.expectRecovered();
  expect(await service.stop()).toBe(0);
});

test('of a proxy that is trusted and tells of 100,000 clients, some of them none, the last are remembered', {
  timeout: 60_000,
}, async () => {
  const service = await besiege({ args: ['--trust-proxy', 'loopback', '--rate-limit', '1:20'] });
  const nonsense = [
    '',
    'unknown',
    '_hidden',
    '999.1.1.1',
    '[::1]:80',
    'a'.repeat(8000),
    ','.repeat(1000),
    '\t',
    '1.2.3',
  ];
  const told = Array.from(
    { length: LIES },
    (_, number) => nonsense[number % 20] ?? `203.${number >> 16}.${(number >> 8) & 255}.${number & 255}`,
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

  // Who is none is the proxy itself, which is on this machine and not counted.
  expect(statuses).toEqual(new Map([['200', LIES + LIES / 1000]]));
  // Its tokens come back at one a minute. Forgotten for those who came after it, it has all of them.
  expect(spent).toEqual([...Array(20).fill(200), 429]);
  for (let time = 0; time < 3; time += 1) {
    expect((await askFor(service.port, '198.51.100.1')).status).toBe(200);
  }
  expect(wrong).toEqual([]);
  await service.expectRecovered();
  expect(await service.stop()).toBe(0);
});
