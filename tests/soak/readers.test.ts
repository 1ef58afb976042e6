import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ask, record } from '../helpers.ts';
import { type Raw, speak } from '../raw.ts';
import { type Besieged, besiege } from './besieged.ts';

const MiB = 1024 * 1024;
const READERS = 200;
/** More than the system takes of an answer before its client reads. */
const LARGE = Object.fromEntries(
  ['x', 'y'].map((id) => {
    const body = `<p>${`The river ${id} rose again. `.repeat(150_000)}</p>`;
    return [`articles/${id}.json`, JSON.stringify(record({ id, body, tags: ['Large'] }))];
  }),
);
/** With its rendering and its codings, once; 200 of them would be 1.5 GiB. */
const ONE_DOCUMENT = 64 * MiB;

/** A client that says something and reads nothing of the answer. */
async function deaf(service: Besieged, said: string): Promise<Raw> {
  const raw = await speak(service.port);
  raw.socket.pause();
  raw.socket.write(said);
  return raw;
}

test('200 readers that stop reading a large document hold no copies of it, and are cut', {
  timeout: 40_000,
}, async () => {
  const service = await besiege({ files: LARGE, hurried: { stall: 1500, answer: 5000 } });
  const { body } = await ask(service.port, '/feeds/tag/large.rss');
  expect(body.length).toBeGreaterThan(6 * MiB);
  const before = { memory: service.memory(), open: service.open() };
  const readers: Raw[] = [];
  const wrong = await service.politely(async () => {
    while (readers.length < READERS) {
      readers.push(await deaf(service, 'GET /feeds/tag/large.rss HTTP/1.1\r\nHost: a\r\n\r\n'));
    }
    await expect.poll(service.open, { timeout: 10_000 }).toBeGreaterThanOrEqual(before.open + READERS);
    expect(service.memory() - before.memory).toBeLessThan(ONE_DOCUMENT);
    await expect.poll(service.open, { timeout: 20_000, interval: 100 }).toBeLessThan(before.open + 10);
  });

  expect(wrong).toEqual([]);
  await expect.poll(service.open, { timeout: 5000 }).toBeLessThanOrEqual(before.open);
  expect(service.memory() - before.memory).toBeLessThan(ONE_DOCUMENT);
  expect(service.complaints()).toEqual([]);
  for (const { socket, closed } of readers.slice(0, 5)) {
    socket.resume();
    expect((await closed).length).toBeLessThan(body.length); // it was not only slow
  }
  expect(await service.stop()).toBe(0);
});

test('clients that send many lines and read no answers are held up, and cut', { timeout: 60_000 }, async () => {
  const service = await besiege({ hurried: { stall: 1000, answer: 5000 } });
  const lines = `{${' '.repeat(100)}\n`.repeat(60_000); // none of which is a record, and all of which are answered
  const head = `POST /api/articles HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${service.key}\r\n`;
  const few = `${head}Connection: close\r\nContent-Length: 4\r\n\r\n{\n{\n`;
  expect((await (await speak(service.port, few)).closed).match(/"result":"refused"/g)).toHaveLength(2);
  const open = service.open();
  const clients: Raw[] = [];
  const wave = async () => {
    for (let count = 0; count < 10; count += 1) {
      clients.push(await deaf(service, `${head}Content-Length: ${lines.length}\r\n\r\n${lines}`));
    }
    await expect.poll(service.open, { timeout: 10_000, interval: 20 }).toBeGreaterThanOrEqual(open + 10);
    await sleep(1000);
  };
  const wrong = await service.politely(wave);
  await expect.poll(service.open, { timeout: 15_000 }).toBeLessThanOrEqual(open);
  // What bulk requests need at all is taken once; what is held for the deaf would be taken again.
  const needed = service.memory();
  wrong.push(...(await service.politely(wave)));

  expect(wrong).toEqual([]);
  await service.expectRecovered(needed);
  for (const { socket, closed } of clients) {
    socket.resume();
    // What the system still held for them may be lost; an answer that ends well would say that all was heard.
    expect((await closed).endsWith('\r\n0\r\n\r\n')).toBe(false);
  }
  expect(await service.stop()).toBe(0);
});
