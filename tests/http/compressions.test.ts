import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ask, dataFolder, decoded, FAST_PATH, record, start } from '../helpers.ts';
import { speak } from '../raw.ts';

/** Compressions that do not end before the test lets them. */
const held = vi.hoisted(() => ({ waiting: [] as (() => void)[], begun: 0, isOn: false }));

vi.mock('node:zlib', async (original) => {
  const zlib = await original<typeof import('node:zlib')>();
  const brotliCompress = (...given: Parameters<typeof zlib.brotliCompress>) => {
    held.begun += 1;
    if (held.isOn) held.waiting.push(() => zlib.brotliCompress(...given));
    else zlib.brotliCompress(...given);
  };
  return { ...zlib, brotliCompress };
});

/** Requests that are worked on at once, of those for feeds that were answered before. */
const AT_ONCE = 16;
const FEED = '/feeds/latest.rss';
const ONLY_BR = 'br, identity;q=0';

test('clients that leave begin no more compressions than those that wait for them', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `story-${index}`);
  const body = `<p>${randomBytes(3000).toString('base64')}</p>`;
  const files = names.map((id) => [`articles/${id}.json`, JSON.stringify(record({ id, body }))]);
  const { port } = await start(await dataFolder(Object.fromEntries(files)));
  const whole = await ask(port, FEED);
  const [, digest, entries = ''] = /^"([^.]+)\.([^"]+)"$/.exec(String(whole.headers.etag)) ?? [];
  const tags = entries.match(/.{4}/g) ?? [];
  /** Each lacks something else. */
  const tagOf = (client: number) => `"${digest}.${tags.filter((_, index) => (client >> index) & 1).join('')}"`;
  const letGo = () => {
    held.isOn = false;
    for (const goOn of held.waiting.splice(0)) goOn();
  };
  onTestFinished(letGo);
  held.isOn = true;
  const before = held.begun;
  const begun = () => held.begun - before;
  for (let client = 1; client <= 100; client += 1) {
    const headers = `Host: a\r\nA-IM: feed\r\nIf-None-Match: ${tagOf(client)}\r\nAccept-Encoding: ${ONLY_BR}`;
    const { socket } = await speak(port, `GET ${FEED} HTTP/1.1\r\n${headers}\r\n\r\n`);
    if (client <= AT_ONCE) await expect.poll(begun).toBe(client);
    socket.destroy();
  }
  const stays = ask(port, FEED, { headers: { 'Accept-Encoding': ONLY_BR } });

  const ready = ask(port, FEED);
  if (FAST_PATH) expect((await ready).body).toEqual(whole.body); // without it the feed waits in the same lane
  expect((await ask(port, '/nowhere')).status).toBe(404);
  expect(begun()).toBe(AT_ONCE);
  letGo();
  expect(decoded(await stays)).toEqual(whole.body);
  expect((await ready).body).toEqual(whole.body);
  expect(begun()).toBe(AT_ONCE + 1);
});
