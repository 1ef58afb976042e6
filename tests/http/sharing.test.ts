import { expect, test } from 'vitest';
import { ask, dataFolder, record } from '../helpers.ts';
import { clientOf, keyFor } from './api.ts';

const MANY = 30;

/** A record with a body of so many characters that takes some time to clean. */
function heavy(id: string, length: number) {
  const part = 'a <img src="javascript:b"> ';
  return record({ id, url: `/${id}`, body: part.repeat(length / part.length) });
}

test('many large records of one key hold up no record of another key, and no reader', async () => {
  const folder = await dataFolder();
  const { key: other } = await keyFor(folder);
  const { port, put } = await clientOf(folder);
  const warm = [put('/a', { body: heavy('a', 70_000) }), put('/b', { body: heavy('b', 70_000), key: other })];
  expect((await Promise.all(warm)).map(({ status }) => status)).toEqual([201, 201]); // both threads have started

  let answered = 0;
  const first = Promise.withResolvers<void>();
  const many = Array.from({ length: MANY }, async (_, index) => {
    const { status } = await put(`/many-${index}`, { body: heavy(`many-${index}`, 140_000) });
    answered += 1;
    first.resolve();
    return status;
  });
  await first.promise;
  const { status } = await put('/other', { body: heavy('other', 140_000), key: other });
  const beforeOther = answered;
  const { status: read } = await ask(port, '/feeds/latest.json');
  const beforeReader = answered;

  expect([status, read]).toEqual([201, 200]);
  expect(beforeOther).toBeLessThan(MANY / 2);
  expect(beforeReader).toBeLessThan(MANY);
  expect(await Promise.all(many)).toEqual(Array(MANY).fill(201));
}, 60_000);
