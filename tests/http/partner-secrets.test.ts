import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command } from '../commands/terminal.ts';
import { type Answer, ask, dataFolder, record, start } from '../helpers.ts';
import { speak } from '../raw.ts';
import { keyFor, NOW } from './api.ts';
import { basic, bearer, partnerKey } from './partners.ts';

/** Every character as a percent-encoding. */
function encoded(text: string): string {
  return Buffer.from(text).toString('hex').replace(/../g, '%$&');
}

/** All files below a folder, as text of one byte a letter. */
async function filesIn(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return (await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')))).join(
    '\n',
  );
}

test('no key of a session is in a log, a header, a body, a metric or a file', async () => {
  const folder = await dataFolder({
    'articles/a.json': JSON.stringify(record({ sections: ['World'] })),
    'partners/wire.yaml': 'name: Wire\ndialect: plain\nfeeds: [latest, section/world]\n',
    'partners/slow.yaml': 'name: Slow\ndialect: plain\nfeeds: [latest]\nrate: 1\n',
    'partners/late.yaml': 'name: Late\ndialect: plain\nselect: { any: [section/world] }\n',
  });
  const { key: apiKey } = await keyFor(folder);
  const { key, id } = await partnerKey(folder, 'wire');
  const { key: other } = await partnerKey(folder, 'late');
  const { key: slow } = await partnerKey(folder, 'slow');
  const service = await start(folder, {
    now: () => NOW,
    logSample: 1,
    metrics: { host: '127.0.0.1', port: 0, isRequired: true },
  });
  const answers: Answer[] = [];
  const get = async (path: string, headers = {}, method = 'GET') => {
    answers.push(await ask(service.port, path, { headers, method }));
  };
  const wrong = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`;
  const inPath = [key, wrong, other, encoded(key), key.slice(0, -1), key.slice(3), key.toUpperCase(), `${key}%20`];

  for (const format of ['rss', 'atom', 'json']) {
    for (const headers of [
      bearer(key),
      basic('someone', key),
      basic(key, ''),
      bearer(wrong),
      bearer(other),
      bearer(apiKey),
    ])
      await get(`/partners/wire/latest.${format}`, headers);
    await get(`/partners/wire/${key}/section/world.${format}`);
    await get(`/partners/late/${other}/selection.${format}`);
  }
  for (const part of inPath) {
    await get(`/partners/wire/${part}/latest.rss`);
    await get(`/partners/wire/${part}/latest.rss/`);
    await get(`/partners/wire/${part}/nothing.xml`);
    await get(`/partners/wire/${part}/`);
    await get(`/partners/wire/${part}/%FF`);
    await get(`/Partners/wire/${part}/latest.rss?key=${part}`, {}, 'HEAD');
    if (part === key.slice(3)) continue; // only where a key stands is it known to be nearly one
    await get(`/partner/wire/${part}/latest.rss`);
    await get(`/feed/wire/${part}/latest.rss`);
    await get(`/feeds/${part}.rss`);
    await get(`/feeds/latest.rss/${part}`);
    await get(`/media/${part}`);
    await get(`/${part}/feed/`, { Accept: 'text/html' });
    await get(`/?feed=${part}`);
    await get(`/api/articles?cursor=${part}`, bearer(apiKey));
    await get(`/api/articles/${part}`, bearer(apiKey));
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
    await get(`/partners/wire/${key}/latest.rss`, {}, method);
  await get(`/partners/wire/${key}/latest.rss`, { 'Accept-Encoding': 'identity;q=0' });
  await get(`/partners/wire/${key}/latest.rss`, { 'If-Match': '"x"' });
  await get(`/partners/wire/${key}/latest.rss`, {
    'If-None-Match': answers[0]?.headers.etag,
    'User-Agent': `curl ${key}`,
  });
  await get(`/partners/wire/${key}/latest.rss`, { Referer: `http://127.0.0.1/partners/wire/${key}/latest.rss` });
  await get(`http://feeds.news.example/partners/wire/${key}/latest.rss`);
  await get('/api/articles', bearer(key));
  for (let times = 0; times < 2; times += 1) await get(`/partners/slow/${slow}/latest.rss`);
  const raw = await (await speak(service.port, `GET /partners/wire/${key}/latest.rss HTTP/1.1\r\n\r\n`)).closed;
  const metrics = await ask(service.metricsPort ?? 0, '/metrics');
  const status = await ask(service.metricsPort ?? 0, '/status');
  const listed = await command(['key', 'list', '--data', folder]);
  await service.close();

  const told = [
    JSON.stringify(service.told),
    ...answers.map(({ headers, text }) => `${JSON.stringify(headers)}${text}`),
    ...[raw, metrics.text, status.text, listed.out, listed.err, await filesIn(folder)],
  ].join('\n');
  const statuses = new Set(answers.map((answer) => answer.status));
  expect([200, 304, 400, 401, 404, 405, 406, 412, 429].filter((each) => !statuses.has(each))).toEqual([]);
  expect(metrics.text).toContain('/partners/*');
  expect(JSON.stringify(service.told)).toContain(`/partners/wire/fp_${id}_***/latest.rss`);
  for (const used of [key, other, wrong, slow, apiKey]) {
    const secret = used.slice(-43);
    for (const text of [told, decoded(told)]) {
      expect(text.includes(secret)).toBe(false);
      expect(text.toLowerCase().includes(secret.toLowerCase())).toBe(false);
      expect(text.includes(secret.slice(0, 30))).toBe(false);
    }
    expect(told.includes(encoded(secret))).toBe(false);
    expect(told.includes(Buffer.from(`:${used}`).toString('base64').slice(0, 40))).toBe(false);
  }
});

/** The text with every percent-encoding decoded. */
function decoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
