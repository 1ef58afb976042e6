import { describe, expect, test } from 'vitest';
import { ask, dataFolder, decoded, put, record, start } from '../helpers.ts';

const CODINGS = ['br', 'zstd', 'gzip', 'identity'] as const;

async function newsroom() {
  const body = `<p>${'Suyun izinde, آب و باران, ئاو. '.repeat(200)}</p>`;
  return dataFolder({ 'articles/a.json': JSON.stringify(record({ body })) });
}

describe.each(['rss', 'atom', 'json'])('latest.%s', (format) => {
  const path = `/feeds/latest.${format}`;

  test('is the same text in every coding, each smaller than none', async () => {
    const { port } = await start(await newsroom());
    const plain = await ask(port, path);

    for (const coding of CODINGS) {
      const answer = await ask(port, path, { headers: { 'Accept-Encoding': coding } });
      expect(answer.headers['content-encoding'] ?? 'identity').toBe(coding);
      expect(decoded(answer).equals(plain.body), coding).toBe(true);
      expect(answer.body.length < plain.body.length / 4, coding).toBe(coding !== 'identity');
    }
  });

  test('has a strong tag of its own in every coding, and the same one for the same bytes', async () => {
    const { port } = await start(await newsroom());
    const tags = await Promise.all([...CODINGS, ...CODINGS].map((coding) => tagOf(port, path, coding)));

    for (const tag of tags) expect(tag).toMatch(/^"[\x21\x23-\x7e]+"$/);
    expect(new Set(tags).size).toBe(4);
    expect(tags.slice(0, 4)).toEqual(tags.slice(4));
  });

  test('has other tags in every coding when an article changed', async () => {
    const folder = await newsroom();
    const { port } = await start(folder);
    const before = await Promise.all(CODINGS.map((coding) => tagOf(port, path, coding)));
    await put(folder, 'articles/a.json', JSON.stringify(record({ title: 'Another title' })));
    const after = await Promise.all(CODINGS.map((coding) => tagOf(port, path, coding)));

    expect(new Set([...before, ...after]).size).toBe(8);
  });
});

test('the formats of one feed have different tags', async () => {
  const { port } = await start(await newsroom());
  const tags = ['rss', 'atom', 'json'].map((format) => tagOf(port, `/feeds/latest.${format}`, 'identity'));

  expect(new Set(await Promise.all(tags)).size).toBe(3);
});

test('many who ask at once for what nobody asked for yet get the same bytes', async () => {
  const { port } = await start(await newsroom());
  const headers = { 'Accept-Encoding': 'br' };
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(port, '/feeds/latest.rss', { headers })));

  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(new Set(answers.map(({ headers: { etag } }) => etag)).size).toBe(1);
  expect(new Set(answers.map(({ body }) => body.toString('hex'))).size).toBe(1);
});

async function tagOf(port: number, path: string, coding: string): Promise<string | undefined> {
  return (await ask(port, path, { headers: { 'Accept-Encoding': coding } })).headers.etag;
}
