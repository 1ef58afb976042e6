import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** The client of docs/partner-changes.md, as its page has it. */
const page = readFileSync(new URL('../../docs/partner-changes.md', import.meta.url), 'utf8');
const source = /^```js\nimport [^\n]+\n([\s\S]+?)^```$/m.exec(page)?.[1] ?? '';
const AsyncFunction: FunctionConstructor = Object.getPrototypeOf(async () => {}).constructor;
const BEGIN = 'https://feeds.example.com/partners/msn/changes?wait=30';

type Answer = number | Record<string, unknown> | 'no answer';

/** Runs the client until it has all these answers; returns the addresses that it asked for, and what it did. */
async function run(kept: string | undefined, answers: readonly Answer[]) {
  const asked: string[] = [];
  const done: string[] = [];
  const stop = new Error('no more answers');
  const world = {
    readFileSync: () => {
      if (kept === undefined) throw new Error('ENOENT');
      return kept;
    },
    writeFileSync: (_: string, text: string) => done.push(`noted ${text}`),
    fetch: async (address: string) => {
      const answer = answers[asked.length];
      if (answer === undefined) return { ok: true, json: () => Promise.reject(stop) };
      asked.push(address);
      if (answer === 'no answer') throw new TypeError('fetch failed');
      return typeof answer === 'number' ? { ok: false, status: answer } : { ok: true, json: async () => answer };
    },
    setTimeout: (next: () => void) => {
      done.push('waited');
      next();
    },
    save: (id: string, item: unknown) => done.push(`saved ${id} ${item}`),
    remove: (id: string) => done.push(`removed ${id}`),
    process: { env: { KEY: 'k' } },
  };
  const client = AsyncFunction(...Object.keys(world), source);
  await expect(client(...Object.values(world))).rejects.toBe(stop);
  return { asked, done };
}

const items = [
  { change: 'published', id: 'a', item: 'A' },
  { change: 'corrected', id: 'b', item: 'B' },
  { change: 'withdrawn', id: 'c', item: 'C' },
];
const PAGE = { items, next: 'next-1' };
const DONE = ['saved a A', 'saved b B', 'removed c', 'noted next-1'];

test.each<[string, string | undefined, readonly Answer[], { asked: readonly string[]; done: readonly string[] }]>([
  ['begins', undefined, [PAGE], { asked: [BEGIN], done: DONE }],
  ['begins where the file is empty', '', [PAGE], { asked: [BEGIN], done: DONE }],
  ['goes on', 'next-0', [PAGE, 503], { asked: ['next-0', 'next-1'], done: [...DONE, 'waited'] }],
  ['begins again after 400', 'next-0', [400, PAGE], { asked: ['next-0', BEGIN], done: DONE }],
  ['begins again after 410', 'next-0', [410, PAGE], { asked: ['next-0', BEGIN], done: DONE }],
  ['waits before it begins once more', undefined, [400, PAGE], { asked: [BEGIN, BEGIN], done: ['waited', ...DONE] }],
  [
    'tries again after other answers, and without one',
    'next-0',
    [401, 'no answer', PAGE],
    { asked: ['next-0', 'next-0', 'next-0'], done: ['waited', 'waited', ...DONE] },
  ],
])('the client in the documentation %s', async (_, kept, answers, expected) => {
  expect(await run(kept, answers)).toEqual(expected);
});
