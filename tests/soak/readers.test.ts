// @module-tag soak
import { expect, test } from 'vitest';
import { ask, record } from '../helpers.ts';
import { type Raw, speak } from '../raw.ts';
import { type Besieged, besiege } from './besieged.ts';
import { sized } from './sizes.ts';

const MiB = 1024 * 1024;
/** Without sharing, copies for the fewest of them would be 190 MiB. */
const READERS = sized({ short: 30, soak: 200, full: 200 });
/** Clients that send lines. */
const WRITERS = sized({ short: 4, soak: 10, full: 10 });
const WAVES = sized({ short: 1, soak: 1, full: 20 });
/** Milliseconds after which a client that reads nothing is cut: enough for all of them to connect on a busy machine. */
const STALL = sized({ short: 2000, soak: 5000, full: 5000 });
/** More than the system takes of an answer before its client reads. */
const LARGE = Object.fromEntries(
  ['x', 'y'].map((id) => {
    const body = `<p>${`The river ${id} rose again. `.repeat(150_000)}</p>`;
    return [`articles/${id}.json`, JSON.stringify(record({ id, body, tags: ['Large'] }))];
  }),
);
/** With its rendering and its codings, once. */
const ONE_DOCUMENT = 64 * MiB;

/** A client that sends a request and reads nothing of the answer. */
async function deaf(service: Besieged, request: string): Promise<Raw> {
  const raw = await speak(service.port);
  raw.socket.pause();
  raw.socket.write(request);
  return raw;
}

test(`${READERS} readers that stop reading a large document hold no copies of it, and are cut`, async () => {
  const service = await besiege({ files: LARGE, hurried: { stall: STALL, answer: 2 * STALL } });
  const { body } = await ask(service.port, '/feeds/tag/large.rss');
  expect(body.length).toBeGreaterThan(6 * MiB);
  const before = { memory: service.memory(), open: service.open() };
  const readers: Raw[] = [];
  const wrong = await service.politely(async () => {
    const request = 'GET /feeds/tag/large.rss HTTP/1.1\r\nHost: a\r\n\r\n';
    readers.push(...(await Promise.all(Array.from({ length: READERS }, () => deaf(service, request)))));
    await expect.poll(service.open, { interval: 20 }).toBeGreaterThanOrEqual(before.open + READERS);
    expect(service.memory() - before.memory).toBeLessThan(ONE_DOCUMENT);
    await expect.poll(service.open, { interval: 100 }).toBeLessThan(before.open + 10);
  });

  expect(wrong).toEqual([]);
  await expect.poll(service.open).toBeLessThanOrEqual(before.open);
  expect(service.memory() - before.memory).toBeLessThan(ONE_DOCUMENT);
  expect(service.complaints()).toEqual([]);
  for (const { socket, closed } of readers.slice(0, 5)) {
    socket.resume();
    expect((await closed).length).toBeLessThan(body.length); // it was not only slow
  }
  expect(await service.stop()).toBe(0);
});

test('clients that send many lines and read no answers are held up, and cut', async () => {
  const service = await besiege({ hurried: { stall: STALL, answer: 2 * STALL } });
  const lines = `{${' '.repeat(100)}\n`.repeat(60_000); // no line is a record, and each gets an answer
  const head = `POST /api/articles HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${service.key}\r\n`;
  const few = `${head}Connection: close\r\nContent-Length: 4\r\n\r\n{\n{\n`;
  expect((await (await speak(service.port, few)).closed).match(/"result":"refused"/g)).toHaveLength(2);
  const open = service.open();
  const clients: Raw[] = [];
  const wave = async () => {
    const request = `${head}Content-Length: ${lines.length}\r\n\r\n${lines}`;
    clients.push(...(await Promise.all(Array.from({ length: WRITERS }, () => deaf(service, request)))));
    await expect.poll(service.open, { interval: 20 }).toBeGreaterThanOrEqual(open + WRITERS);
    await expect.poll(service.open, { interval: 100 }).toBeLessThan(open + 3);
  };
  const wrong = await service.politely(wave);
  await expect.poll(service.open).toBeLessThanOrEqual(open);
  // The first bulk requests take memory that the service keeps. The next wave would take again what a deaf client holds.
  const needed = service.memory();
  for (let count = 0; count < WAVES; count += 1) wrong.push(...(await service.politely(wave)));

  expect(wrong).toEqual([]);
  await service.expectRecovered(needed);
  for (const { socket, closed } of clients) {
    socket.resume();
    // The system may drop what it still held for them. The last chunk would say that the answer is complete.
    expect((await closed).endsWith('\r\n0\r\n\r\n')).toBe(false);
  }
  expect(await service.stop()).toBe(0);
});
