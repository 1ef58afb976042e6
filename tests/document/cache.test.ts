import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createDocumentCache } from '../../src/document/cache.ts';
import type { Document } from '../../src/document/document.ts';
import { FORMATS, type Format } from '../../src/feed/feeds.ts';

interface Run {
  readonly name: string;
  readonly at: number;
  readonly isAwaited: () => boolean;
  readonly finish: (text: string | undefined, nextChangeAt?: number) => void;
  readonly fail: (error: Error) => void;
}

function document(key: string, format: Format, text: string): Document {
  const feed = { key, title: '', description: '', language: 'en', entries: 1, content: 'full' as const };
  return { feed, format, bytes: Buffer.from(text), entries: [], changedAt: 0 };
}

/** Waits until what was asked for is being made. */
function begun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Documents whose making a test starts, watches and ends, and a clock that it sets. */
function workshop() {
  const runs: Run[] = [];
  const clock = { now: 100 };
  const arrange = (key: string, format: Format, at: number, isAwaited: () => boolean) =>
    new Promise<Document | undefined>((resolve, reject) => {
      const finish = (text: string | undefined, nextChangeAt?: number) => {
        const next = nextChangeAt === undefined ? {} : { nextChangeAt };
        resolve(text === undefined ? undefined : { ...document(key, format, text), ...next });
      };
      runs.push({ name: `${key}.${format}`, at, isAwaited, finish, fail: reject });
    });
  const elsewhere: string[] = [];
  const told: unknown[] = [];
  const externalChanges = { may: () => elsewhere.length > 0, touched: async () => elsewhere.splice(0) };
  const documentCache = createDocumentCache({
    arrange,
    externalChanges,
    bytes: 1e6,
    now: () => clock.now,
    fail: (error) => told.push(error),
  });
  const text = async (key = 'latest', format: Format = 'rss') =>
    (await documentCache.get(key, format))?.document.bytes.toString();
  /** Asks, and answers what that started. */
  const make = async (answer: string, nextChangeAt?: number) => {
    const asked = text();
    await begun();
    runs.at(-1)?.finish(answer, nextChangeAt);
    return asked;
  };
  return { runs, clock, elsewhere, externalChanges, told, documentCache, text, make };
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
  const { runs, documentCache, text, make } = workshop();
  await make('a');
  documentCache.forget(['tag/a']);
  expect(await text()).toBe('a');
  documentCache.forget(['latest']);
  expect(await make('b')).toBe('b');
  expect(runs).toHaveLength(2);
});

test('what is forgotten while it is made answers those who asked before, and nobody after', async () => {
  const { runs, documentCache, text } = workshop();
  const before = text();
  await begun();
  documentCache.forget(['latest']);
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
  const { runs, documentCache, text, make } = workshop();
  const before = text();
  await begun();
  documentCache.forget(['latest']);
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
  const { elsewhere, documentCache, text, make } = workshop();
  await make('old');
  elsewhere.push('latest');
  const first = text();
  expect(elsewhere).toEqual([]); // asked, and not answered yet: so finds it the second of two requests in one packet
  expect(documentCache.getIfReady('latest.rss')).toBeUndefined();
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
  const externalChanges = { may: () => answers.length > 0, touched: () => answers.shift()?.() ?? Promise.resolve([]) };
  const documentCache = createDocumentCache({ arrange, externalChanges, bytes: 1e6, now: () => 0, fail: () => {} });

  await expect(documentCache.get('latest', 'rss')).rejects.toThrow('disk');
  expect(await documentCache.get('latest', 'rss')).toBeUndefined();
  expect(answers).toEqual([]);
});

/** Milliseconds after a change at which documents are made again. */
const BURST = 50;
/** Milliseconds between looks for what other processes changed. */
const LOOK = 50;

/** Time that passes when a test says so. */
function standingClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
}

async function pass(milliseconds: number): Promise<void> {
  vi.advanceTimersByTime(milliseconds);
  await idle();
}

/** Waits until all has been done that needs no more than its turn. */
async function idle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await begun();
}

describe('a document that was asked for', () => {
  /** A workshop with `latest.rss` in it, which was asked for. */
  async function withLatest() {
    standingClock();
    const shop = workshop();
    await shop.make('a');
    return shop;
  }

  test('is made again after a change, without being asked for', async () => {
    const { runs, documentCache } = await withLatest();
    documentCache.forget(['latest']);
    expect(documentCache.getIfReady('latest.rss')).toBeUndefined();
    await pass(BURST - 1);
    expect(runs).toHaveLength(1);
    await pass(1);
    expect(runs.map(({ name }) => name)).toEqual(['latest.rss', 'latest.rss']);
    runs[1]?.finish('b');
    await idle();
    expect(documentCache.getIfReady('latest.rss')?.document.bytes.toString()).toBe('b');
    expect(runs).toHaveLength(2);
  });

  test('is made again in the codings that it was asked for in', async () => {
    const { runs, documentCache } = await withLatest();
    const before = documentCache.getIfReady('latest.rss')?.whole;
    await before?.bytes('gzip');
    const underWay = before?.bytes('br');
    documentCache.forget(['latest']);
    await pass(BURST);
    runs[1]?.finish('b');
    await underWay;
    const after = await vi.waitUntil(() => documentCache.getIfReady('latest.rss')?.whole, 60_000);
    await vi.waitUntil(() => after.getIfReady('br') !== undefined, 60_000);
    expect([...after.codings()].sort()).toEqual(['br', 'gzip', 'identity']);
  });

  test('is made again once for a burst of changes', async () => {
    const { runs, documentCache } = await withLatest();
    for (let change = 0; change < 10; change += 1) {
      documentCache.forget(['latest']);
      await pass(BURST / 10 - 1);
    }
    expect(runs).toHaveLength(1);
    await pass(10);
    expect(runs).toHaveLength(2);
    runs[1]?.finish('b');
    await idle();
    await pass(BURST);
    expect(runs).toHaveLength(2);
  });

  test('is made again in time however many other changes keep coming', async () => {
    const { runs, documentCache } = await withLatest();
    documentCache.forget(['latest']);
    for (let passed = 0; passed < BURST; passed += BURST / 5) {
      documentCache.forget(['tag/a']);
      await pass(BURST / 5);
    }
    expect(runs).toHaveLength(2);
  });

  test('is made again once in a burst, however often it is asked for while changes keep coming', async () => {
    const { runs, documentCache, text } = await withLatest();
    let asked = 0;
    for (let passed = 0; passed < 4 * BURST; passed += BURST / 5) {
      documentCache.forget(['latest']);
      const before = runs.length;
      const answer = text();
      await begun();
      asked += runs.length - before;
      runs.at(-1)?.finish('new');
      await answer;
      await pass(BURST / 5);
    }
    expect(runs).toHaveLength(1 + asked); // whoever asks first makes it
  });

  test('is not made again twice where somebody asks first', async () => {
    const { runs, documentCache, make } = await withLatest();
    documentCache.forget(['latest']);
    expect(await make('b')).toBe('b');
    await pass(BURST);
    expect(runs).toHaveLength(2);
  });

  test('is not made twice where somebody asks while it is made again', async () => {
    const { runs, documentCache, text } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    const asked = text();
    await begun();
    runs[1]?.finish('b');
    expect(await asked).toBe('b');
    expect(runs).toHaveLength(2);
  });

  test('is made again at leisure, until somebody asks for it', async () => {
    const { runs, documentCache, text } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    expect(runs.map(({ isAwaited }) => isAwaited())).toEqual([true, false]);
    const asked = text();
    await begun();
    expect(runs[1]?.isAwaited()).toBe(true);
    runs[1]?.finish('b');
    expect(await asked).toBe('b');
  });

  test('is made at leisure no longer where it changes meanwhile and somebody asks', async () => {
    const { runs, documentCache, text } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    documentCache.forget(['latest']);
    const asked = text();
    await begun();
    expect(runs.slice(1).map(({ isAwaited }) => isAwaited())).toEqual([false, true]);
    runs[2]?.finish('c');
    expect(await asked).toBe('c');
  });

  test('and changes while it is made again at leisure is made again after that, although nobody asks', async () => {
    const { runs, documentCache } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    documentCache.forget(['latest']);
    runs[1]?.finish('b');
    await idle();
    expect(documentCache.getIfReady('latest.rss')).toBeUndefined();
    await pass(BURST);
    runs[2]?.finish('c');
    await idle();
    expect(documentCache.getIfReady('latest.rss')?.document.bytes.toString()).toBe('c');
    expect(runs).toHaveLength(3);
  });

  test('is finished without pauses where the service ends', async () => {
    const { runs, documentCache } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    const closing = documentCache.close();
    expect(runs[1]?.isAwaited()).toBe(true);
    runs[1]?.finish('b');
    await closing;
  });

  test('is not made again a second time where nobody asked for it since', async () => {
    const { runs, documentCache } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    runs[1]?.finish('b');
    await idle();
    documentCache.forget(['latest']);
    await pass(BURST);
    expect(runs).toHaveLength(2);
  });

  test('is made again however often it changes, as long as somebody asks in between', async () => {
    const { runs, documentCache, text } = await withLatest();
    for (let change = 1; change <= 5; change += 1) {
      documentCache.forget(['latest']);
      await pass(BURST);
      runs[change]?.finish(`change ${change}`);
      await idle();
      expect(await text()).toBe(`change ${change}`);
    }
    expect(runs).toHaveLength(6);
  });

  test('is not made again where another feed changed', async () => {
    const { runs, documentCache, text } = await withLatest();
    documentCache.forget(['tag/a', 'section/latest']);
    await pass(BURST);
    expect(await text()).toBe('a');
    expect(runs).toHaveLength(1);
  });

  test('is alone made again of the formats of its feed', async () => {
    const { runs, documentCache } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    runs[1]?.finish('b');
    await idle();
    await pass(BURST);
    expect(runs.map(({ name }) => name)).toEqual(['latest.rss', 'latest.rss']);
  });

  test('that is gone is asked for no more', async () => {
    const { runs, documentCache, told } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    runs[1]?.finish(undefined);
    await idle();
    documentCache.forget(['latest']);
    await pass(BURST);
    expect(runs).toHaveLength(2);
    expect(told).toEqual([]);
  });

  test('and changes while it is made again is made again once more, and what was begun before is not shown', async () => {
    const { runs, documentCache, text } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    const early = text();
    await begun();
    documentCache.forget(['latest']);
    const late = text();
    await begun();
    runs[2]?.finish('c');
    expect(await late).toBe('c');
    runs[1]?.finish('b');
    expect(await early).toBe('b');
    await pass(BURST);
    expect(await text()).toBe('c');
    documentCache.forget(['latest']);
    await pass(BURST);
    expect(runs.map(({ name }) => name)).toEqual(Array(4).fill('latest.rss'));
  });

  test('and changes while another is made again has its turn after that one', async () => {
    const { runs, documentCache, text } = await withLatest();
    const asked = text('tag/a');
    await begun();
    runs[1]?.finish('tag');
    await asked;
    documentCache.forget(['latest']);
    await pass(BURST);
    documentCache.forget(['tag/a']);
    await pass(BURST);
    expect(runs.map(({ name }) => name)).toEqual(['latest.rss', 'tag/a.rss', 'latest.rss']);
    runs[2]?.finish('b');
    await idle();
    await pass(BURST);
    expect(runs.slice(3).map(({ name }) => name)).toEqual(['tag/a.rss']);
  });

  test('by another process is made again like any other', async () => {
    const { runs, elsewhere, documentCache, text } = await withLatest();
    elsewhere.push('latest', 'tag/a');
    const other = text('tag/b');
    await begun();
    runs[1]?.finish('other');
    await other;
    await pass(BURST);
    expect(runs.map(({ name }) => name)).toEqual(['latest.rss', 'tag/b.rss', 'latest.rss']);
    runs[2]?.finish('b');
    await idle();
    expect(documentCache.getIfReady('latest.rss')?.document.bytes.toString()).toBe('b');
  });

  test('and cannot be made again is told of, and made when somebody asks', async () => {
    const { runs, told, documentCache, make } = await withLatest();
    const failure = new Error('disk');
    documentCache.forget(['latest']);
    await pass(BURST);
    runs[1]?.fail(failure);
    await idle();
    expect(told).toEqual([failure]);
    expect(await make('b')).toBe('b');
    documentCache.forget(['latest']);
    await pass(BURST);
    expect(runs).toHaveLength(4);
  });
});

describe('a document that another process changed', () => {
  /** A workshop that keeps up with others, with `latest.rss` in it, which was asked for. */
  async function keptUp() {
    standingClock();
    const shop = workshop();
    await shop.make('a');
    shop.documentCache.keepUp();
    return shop;
  }

  test('is made again before anybody asks', async () => {
    const { runs, elsewhere, documentCache } = await keptUp();
    elsewhere.push('latest', 'tag/a');
    await pass(LOOK - 1);
    expect(elsewhere).toHaveLength(2);
    await pass(1);
    expect(elsewhere).toEqual([]);
    await pass(BURST);
    expect(runs.map(({ name }) => name)).toEqual(['latest.rss', 'latest.rss']);
    runs[1]?.finish('b');
    await idle();
    expect(documentCache.getIfReady('latest.rss')?.document.bytes.toString()).toBe('b');
  });

  test('is not made again a second time where nobody asked for it since', async () => {
    const { runs, elsewhere } = await keptUp();
    for (let change = 0; change < 5; change += 1) {
      elsewhere.push('latest');
      await pass(LOOK);
      await pass(BURST);
      runs[1]?.finish('b');
      await idle();
    }
    expect(elsewhere).toEqual([]);
    expect(runs).toHaveLength(2);
  });

  test('waits for a request where nobody keeps up', async () => {
    standingClock();
    const { elsewhere, make } = workshop();
    await make('a');
    elsewhere.push('latest');
    await pass(10 * LOOK);
    expect(elsewhere).toEqual(['latest']);
    expect(await make('b')).toBe('b');
  });

  test('is made again where looking for it failed before, and nobody is told of that', async () => {
    const { runs, elsewhere, told, externalChanges } = await keptUp();
    const { may, touched } = externalChanges;
    elsewhere.push('latest');
    externalChanges.may = () => {
      throw new Error('disk');
    };
    await pass(LOOK);
    Object.assign(externalChanges, { may, touched: () => Promise.reject(new Error('disk')) });
    await pass(LOOK);
    externalChanges.touched = touched;
    await pass(LOOK);
    await pass(BURST);
    expect(elsewhere).toEqual([]);
    expect(runs).toHaveLength(2);
    expect(told).toEqual([]);
  });

  test('is looked for once at a time, however long it takes', async () => {
    const { externalChanges } = await keptUp();
    const asked: (() => void)[] = [];
    externalChanges.may = () => true;
    externalChanges.touched = () => new Promise((resolve) => asked.push(() => resolve([])));
    await pass(3 * LOOK);
    expect(asked).toHaveLength(1);
    asked[0]?.();
    await idle();
    expect(asked).toHaveLength(1);
    await pass(LOOK);
    expect(asked).toHaveLength(2);
  });

  test('is looked for no more once it is closed, which waits for the last look', async () => {
    const { elsewhere, documentCache, externalChanges } = await keptUp();
    const { touched } = externalChanges;
    let answer = () => {};
    elsewhere.push('latest');
    externalChanges.touched = () =>
      new Promise((resolve) => {
        answer = () => resolve(touched());
      });
    await pass(LOOK);
    let isClosed = false;
    const closing = documentCache.close().then(() => {
      isClosed = true;
    });
    await idle();
    expect(isClosed).toBe(false);
    answer();
    await closing;
    elsewhere.push('latest');
    await pass(10 * LOOK);
    expect(elsewhere).toEqual(['latest']);
  });
});

describe('documents that were asked for', () => {
  /** Feeds with these names, each asked for as often, and a workshop that makes at once whatever is begun. */
  async function asked(times: Readonly<Record<string, number>>) {
    standingClock();
    const made: string[] = [];
    const failing = new Set<string>();
    const told: unknown[] = [];
    const arrange = async (key: string, format: Format) => {
      made.push(key);
      if (failing.has(key)) throw new Error(key);
      return document(key, format, key);
    };
    const externalChanges = { may: () => false, touched: async () => [] };
    const documentCache = createDocumentCache({
      arrange,
      externalChanges,
      bytes: 1e7,
      now: () => 100,
      fail: (error) => told.push(error),
    });
    for (const [key, count] of Object.entries(times)) {
      for (let time = 0; time < count; time += 1) await documentCache.get(key, 'rss');
    }
    made.length = 0;
    /** Waits until nothing more comes of it. */
    const whenIdle = async () => {
      for (let before = -1; before < made.length; ) {
        before = made.length;
        await idle();
      }
    };
    return { documentCache, made, failing, told, whenIdle };
  }

  const numbered = (count: number, times: (index: number) => number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`feed-${index}`, times(index)]));

  test('are made again the most asked for first', async () => {
    const { documentCache, made, whenIdle } = await asked({ once: 1, often: 5, twice: 2, unasked: 0 });
    documentCache.forget(['once', 'twice', 'often', 'unasked']);
    await pass(BURST);
    await whenIdle();
    expect(made).toEqual(['often', 'twice', 'once']);
  });

  test('are made again as far as they are the hundred most asked for', async () => {
    const times = numbered(130, (index) => 1 + (index % 10));
    const { documentCache, made, whenIdle } = await asked(times);
    documentCache.forget(Object.keys(times));
    await pass(BURST);
    await whenIdle();
    await pass(BURST);
    await whenIdle();
    const counts = made.map((key) => times[key] ?? 0);
    expect(made).toHaveLength(100);
    expect(counts).toEqual(counts.toSorted((one, other) => other - one));
    expect(Math.min(...counts)).toBe(3);
    expect(counts.filter((count) => count > 3)).toHaveLength(91);
  });

  test('are made again although one of them cannot be', async () => {
    const { documentCache, made, failing, told, whenIdle } = await asked({ a: 3, b: 2, c: 1 });
    failing.add('b');
    documentCache.forget(['a', 'b', 'c']);
    await pass(BURST);
    await whenIdle();
    expect(made).toEqual(['a', 'b', 'c']);
    expect(told).toEqual([new Error('b')]);
  });

  test('let requests come first', async () => {
    const { documentCache, made, whenIdle } = await asked({ a: 3, b: 2, c: 1 });
    documentCache.forget(['a', 'b', 'c']);
    vi.advanceTimersByTime(BURST);
    setImmediate(() => made.push('a request'));
    await whenIdle();
    expect(made.indexOf('a request')).toBeLessThan(made.indexOf('b'));
  });

  test('are not made again once it is closed', async () => {
    const { documentCache, made, whenIdle } = await asked({ a: 1 });
    documentCache.forget(['a']);
    await documentCache.close();
    await pass(BURST);
    await whenIdle();
    documentCache.forget(['a']);
    await pass(BURST);
    await whenIdle();
    expect(made).toEqual([]);
  });
});

test('closing waits for the document that is being made again, and begins no other', async () => {
  standingClock();
  const { runs, documentCache, text } = workshop();
  const asked = [text('a'), text('b')];
  await begun();
  for (const run of runs) run.finish('first');
  await Promise.all(asked);
  documentCache.forget(['a', 'b']);
  await pass(BURST);
  let closed = false;
  const closing = documentCache.close().then(() => {
    closed = true;
  });
  await begun();
  expect([runs.length, closed]).toEqual([3, false]);
  runs[2]?.finish('second');
  await closing;
  await pass(BURST);
  expect(runs).toHaveLength(3);
});

test('nothing that is shown is older than the last change before it was asked for', async () => {
  const command = fc.oneof(
    fc.record({ what: fc.constantFrom('change', 'ask', 'look', 'quiet'), format: fc.constantFrom(...FORMATS) }),
    fc.record({ what: fc.constant('finish'), which: fc.nat() }),
  );
  let shown = 0;
  let remade = 0;
  standingClock();
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 60 }), async (commands) => {
      let version = 0;
      const runs: (() => void)[] = [];
      const documentCache = createDocumentCache({
        arrange: (key, format) => {
          const begunAt = version;
          return new Promise((resolve) => runs.push(() => resolve(document(key, format, String(begunAt)))));
        },
        externalChanges: { may: () => false, touched: async () => [] },
        bytes: 1e6,
        now: () => 100,
        fail: (error) => expect.fail(String(error)),
      });
      const waiting: Promise<void>[] = [];
      for (const each of commands) {
        if ('which' in each) {
          runs.splice(each.which % Math.max(1, runs.length), 1)[0]?.();
        } else if (each.what === 'change') {
          version += 1;
          documentCache.forget(['latest']);
        } else if (each.what === 'ask') {
          const least = version;
          const answer = documentCache.get('latest', each.format).then((got) => {
            expect(Number(got?.document.bytes)).toBeGreaterThanOrEqual(least);
          });
          waiting.push(answer);
        } else if (each.what === 'look') {
          const found = documentCache.getIfReady(`latest.${each.format}`);
          if (found === undefined) continue;
          expect(Number(found.document.bytes), 'at hand is what is current').toBe(version);
          shown += 1;
        } else {
          const before = runs.length;
          await pass(BURST);
          remade += runs.length - before;
        }
        await begun();
      }
      while (runs.length > 0) {
        for (const run of runs.splice(0)) run();
        await begun();
      }
      await Promise.all(waiting);
      await documentCache.close();
    }),
    { numRuns: 600 },
  );
  expect(Math.min(shown, remade)).toBeGreaterThan(50);
});

describe('the bytes that are kept', () => {
  const TEXT = 'The river rose in the night. '.repeat(2000);

  test('are counted with every coding that is made', async () => {
    const { documentCache, make } = workshop();
    await make(TEXT);
    const before = documentCache.counts();
    const gzip = await documentCache.getIfReady('latest.rss')?.whole.bytes('gzip');
    const br = await documentCache.getIfReady('latest.rss')?.whole.bytes('br');

    expect(before).toEqual({ count: 1, bytes: expect.any(Number), evicted: 0 });
    expect(before.bytes).toBeGreaterThanOrEqual(TEXT.length);
    expect([gzip?.length, br?.length]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(documentCache.counts().bytes - before.bytes).toBe((gzip?.length ?? 0) + (br?.length ?? 0));
  });

  test('are not more than may be', async () => {
    const { runs, documentCache, text } = workshop();
    for (let feed = 0; feed < 40; feed += 1) {
      const asked = text(`tag/${feed}`);
      await begun();
      runs[feed]?.finish(TEXT);
      await asked;
    }
    const { count, bytes, evicted } = documentCache.counts();

    expect(bytes).toBeLessThanOrEqual(1e6);
    expect([count, evicted]).toEqual([Math.floor(1e6 / (TEXT.length + 4096)), 40 - count]);
  });
});
