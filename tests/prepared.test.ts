import { expect, test } from 'vitest';
import type { Document } from '../src/document.ts';
import type { Format } from '../src/feeds.ts';
import { keepPrepared } from '../src/prepared.ts';

interface Run {
  readonly name: string;
  readonly at: number;
  readonly finish: (text: string | undefined, nextChangeAt?: number) => void;
  readonly fail: (error: Error) => void;
}

/** Waits until what was asked for is being made. */
function begun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Documents whose making a test starts, watches and ends, and a clock that it sets. */
function workshop() {
  const runs: Run[] = [];
  const clock = { now: 100 };
  const arrange = (key: string, format: Format, at: number) =>
    new Promise<Document | undefined>((resolve, reject) => {
      const finish = (text: string | undefined, nextChangeAt?: number) => {
        const feed = { key, title: '', description: '', language: 'en', entries: 1, content: 'full' as const };
        const next = nextChangeAt === undefined ? {} : { nextChangeAt };
        const bytes = Buffer.from(text ?? '');
        resolve(text === undefined ? undefined : { feed, format, bytes, entries: [], changedAt: 0, ...next });
      };
      runs.push({ name: `${key}.${format}`, at, finish, fail: reject });
    });
  const elsewhere: string[] = [];
  const told: unknown[] = [];
  const news = { may: () => elsewhere.length > 0, touched: async () => elsewhere.splice(0) };
  const prepared = keepPrepared({ arrange, news, bytes: 1e6, now: () => clock.now, fail: (error) => told.push(error) });
  const text = async (key = 'latest', format: Format = 'rss') =>
    (await prepared.get(key, format))?.document.bytes.toString();
  /** Asks, and answers what that started. */
  const make = async (answer: string, nextChangeAt?: number) => {
    const asked = text();
    await begun();
    runs.at(-1)?.finish(answer, nextChangeAt);
    return asked;
  };
  return { runs, clock, elsewhere, told, prepared, text, make };
}

test('a document is made once, however many ask at the same time', async () => {
  const { runs, text } = workshop();
  const asked = [text(), text(), text()];
  await begun();
  runs[0]?.finish('a');
  expect(await Promise.all(asked)).toEqual(['a', 'a', 'a']);
  expect(await text()).toBe('a');
  expect(runs).toHaveLength(1);
});

test('each feed and format is its own', async () => {
  const { runs, text } = workshop();
  const asked = [text('latest', 'rss'), text('latest', 'atom'), text('tag/a', 'rss')];
  await begun();
  for (const run of runs) run.finish(run.name);
  expect(await Promise.all(asked)).toEqual(['latest.rss', 'latest.atom', 'tag/a.rss']);
});

test('what is forgotten is made again', async () => {
  const { runs, prepared, text, make } = workshop();
  await make('a');
  prepared.forget(['tag/a']);
  expect(await text()).toBe('a');
  prepared.forget(['latest']);
  expect(await make('b')).toBe('b');
  expect(runs).toHaveLength(2);
});

test('what is forgotten while it is made answers those who asked before, and nobody after', async () => {
  const { runs, prepared, text } = workshop();
  const before = text();
  await begun();
  prepared.forget(['latest']);
  const after = text();
  await begun();
  runs[1]?.finish('new');
  expect(await after).toBe('new');
  runs[0]?.finish('old');
  expect(await before).toBe('old');
  expect(await text()).toBe('new');
  expect(runs).toHaveLength(2);
});

test('what is forgotten while it is made is not kept', async () => {
  const { runs, prepared, text, make } = workshop();
  const before = text();
  await begun();
  prepared.forget(['latest']);
  runs[0]?.finish('old');
  expect(await before).toBe('old');
  expect(await make('new')).toBe('new');
});

test.each([
  [199, 'a'],
  [200, 'b'],
  [201, 'b'],
])('a document that time changes at 200 is at %d: %s', async (now, expected) => {
  const { clock, make } = workshop();
  await make('a', 200);
  clock.now = now;
  expect(await make('b')).toBe(expected);
});

test.each([
  [101, 'a'],
  [100, 'a'],
  [99, 'b'],
])('a document made at 100, with the clock set to %d: %s', async (now, expected) => {
  const { clock, make } = workshop();
  await make('a');
  clock.now = now;
  expect(await make('b')).toBe(expected);
});

test('it is made for the moment somebody asked', async () => {
  const { runs, clock, make } = workshop();
  await make('a', 200);
  clock.now = 250;
  await make('b');
  expect(runs.map(({ at }) => at)).toEqual([100, 250]);
});

test('who asks after the moment of change does not get what was begun before it', async () => {
  const { runs, clock, text } = workshop();
  const before = text();
  await begun();
  clock.now = 200;
  const after = text();
  await begun();
  runs[0]?.finish('old', 200);
  expect(await before).toBe('old');
  await begun();
  runs[1]?.finish('new');
  expect(await after).toBe('new');
});

test('a feed that is not there is asked for each time', async () => {
  const { runs, text } = workshop();
  const asked = [text(), text()];
  await begun();
  runs[0]?.finish(undefined);
  expect(await Promise.all(asked)).toEqual([undefined, undefined]);
  const later = text();
  await begun();
  runs[1]?.finish('a');
  expect(await later).toBe('a');
});

test('a failure reaches all who asked, and is not kept', async () => {
  const { runs, text, make } = workshop();
  const asked = Promise.allSettled([text(), text()]);
  await begun();
  runs[0]?.fail(new Error('disk'));
  expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await make('a')).toBe('a');
});

test('what another process changed is made again', async () => {
  const { runs, elsewhere, text, make } = workshop();
  await make('a');
  elsewhere.push('tag/a');
  expect(await text()).toBe('a');
  elsewhere.push('latest');
  expect(await make('b')).toBe('b');
  expect(runs).toHaveLength(2);
});

test('who asks while it is found out what another process changed does not get what was kept before', async () => {
  const { elsewhere, prepared, text, make } = workshop();
  await make('old');
  elsewhere.push('latest');
  const first = text();
  expect(elsewhere).toEqual([]); // asked, and not answered yet: so finds it the second of two requests in one packet
  expect(prepared.atHand('latest', 'rss')).toBeUndefined();
  const second = make('new');

  expect(await Promise.all([first, second])).toEqual(['new', 'new']);
});

test('a change while it is found out what changed is found out as well', async () => {
  const { elsewhere, text, make } = workshop();
  await make('old');
  elsewhere.push('tag/a');
  const first = text();
  elsewhere.push('latest');
  const second = make('new');

  expect(await Promise.all([first, second])).toEqual(['old', 'new']);
});

test('what cannot be found out is asked again by the next', async () => {
  const answers = [() => Promise.reject(new Error('disk')), () => Promise.resolve([])];
  const arrange = async () => undefined;
  const news = { may: () => answers.length > 0, touched: () => answers.shift()?.() ?? Promise.resolve([]) };
  const prepared = keepPrepared({ arrange, news, bytes: 1e6, now: () => 0, fail: () => {} });

  await expect(prepared.get('latest', 'rss')).rejects.toThrow('disk');
  expect(await prepared.get('latest', 'rss')).toBeUndefined();
  expect(answers).toEqual([]);
});
