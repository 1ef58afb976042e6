import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createDocumentCache } from '../../src/document/cache.ts';
import type { Document } from '../../src/document/document.ts';
import { type DocumentFormat, FORMATS, type Format } from '../../src/feed/feeds.ts';

interface Run {
  readonly name: string;
  readonly at: number;
  readonly isAwaited: () => boolean;
  readonly finish: (text: string | undefined, nextChangeAt?: number) => void;
  readonly fail: (error: Error) => void;
}

function document(key: string, format: DocumentFormat, text: string): Document {
  const feed = { key, title: '', description: '', language: 'en', entries: 1, content: 'full' as const };
  return { feed, format, bytes: Buffer.from(text), entries: [], changedAt: 0 };
}

/** Waits until the documents that were requested are being made. */
function begun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A cache whose documents a test makes, with a clock that the test sets. */
function workshop() {
  const runs: Run[] = [];
  const clock = { now: 100 };
  const making = (key: string, format: DocumentFormat, at: number, isAwaited: () => boolean) =>
    new Promise<Document | undefined>((resolve, reject) => {
      const finish = (text: string | undefined, nextChangeAt?: number) => {
        const next = nextChangeAt === undefined ? {} : { nextChangeAt };
        resolve(text === undefined ? undefined : { ...document(key, format, text), ...next });
      };
      runs.push({ name: `${key}.${format}`, at, isAwaited, finish, fail: reject });
    });
  const changedExternally: string[] = [];
  const failures: unknown[] = [];
  const externalChanges = {
    mayHaveExternalChanges: () => changedExternally.length > 0,
    takeExternallyChangedFeeds: async () => changedExternally.splice(0),
  };
  const told = { externalChanges: 0 };
  const documentCache = createDocumentCache({
    arrange: making,
    arrangePage: (key, at) => making(key, 'html', at, () => true),
    externalChanges,
    bytes: 1e6,
    now: () => clock.now,
    onExternalChanges: () => {
      told.externalChanges += 1;
    },
    fail: (error) => failures.push(error),
  });
  const text = async (key = 'latest', format: DocumentFormat = 'rss') =>
    (await documentCache.get(key, format))?.document.bytes.toString();
  /** Requests a document, and finishes the run that the request started. */
  const make = async (answer: string, nextChangeAt?: number) => {
    const asked = text();
    await begun();
    runs.at(-1)?.finish(answer, nextChangeAt);
    return asked;
  };
  return { runs, clock, changedExternally, externalChanges, failures, documentCache, text, make, told };
}

test('a document is made once, however many requests come at the same time', async () => {
  const { runs, text } = workshop();
  const asked = [text(), text(), text()];
  await begun();
  runs[0]?.finish('a');
  expect(await Promise.all(asked)).toEqual(['a', 'a', 'a']);
  expect(await text()).toBe('a');
  expect(runs).toHaveLength(1);
});

test('each feed and format has its own document', async () => {
  const { runs, text } = workshop();
  const asked = [text('latest', 'rss'), text('latest', 'atom'), text('tag/a', 'rss')];
  await begun();
  for (const run of runs) run.finish(run.name);
  expect(await Promise.all(asked)).toEqual(['latest.rss', 'latest.atom', 'tag/a.rss']);
});

test('a document that is made again and is the same keeps its codings', async () => {
  const { documentCache, make } = workshop();
  await make('a', 500);
  const before = documentCache.getIfReady('latest.rss');
  await before?.body.bytes('br');
  documentCache.forget(['latest']);
  expect(documentCache.getIfReady('latest.rss')).toBeUndefined();
  await make('a', 300);
  expect(documentCache.getIfReady('latest.rss')).toBe(before);
  const bytes = documentCache.counts().bytes;
  const gzip = await before?.body.bytes('gzip');
  expect(documentCache.counts().bytes).toBe(bytes + (gzip?.length ?? 0));
  documentCache.forget(['latest']);
  await make('b', 300);
  expect(documentCache.getIfReady('latest.rss')).not.toBe(before);
  expect(documentCache.getIfReady('latest.rss')?.body.identity.toString()).toBe('b');
});

test('a document from before an erasure leaves the memory, and one that is current stays', async () => {
  const { clock, documentCache, make } = workshop();
  await make('a', 500);
  documentCache.removeOutdated();
  expect([documentCache.counts().count, documentCache.getIfReady('latest.rss')?.document.bytes.toString()]).toEqual([
    1,
    'a',
  ]);
  documentCache.forget(['latest']);
  documentCache.removeOutdated();
  expect(documentCache.counts()).toMatchObject({ count: 0, bytes: 0 });
  await make('b', 500);
  clock.now = 500;
  documentCache.removeOutdated();
  expect(documentCache.counts()).toMatchObject({ count: 0, bytes: 0 });
});

test('a forgotten document is made again', async () => {
  const { runs, documentCache, text, make } = workshop();
  await make('a');
  documentCache.forget(['tag/a']);
  expect(await text()).toBe('a');
  documentCache.forget(['latest']);
  expect(await make('b')).toBe('b');
  expect(runs).toHaveLength(2);
});

describe('a page', () => {
  test('is made again after any change, when it is requested: every change may change each page', async () => {
    const { runs, documentCache, text, changedExternally } = workshop();
    const see = async (key: string, made: string) => {
      const asked = text(key, 'html');
      await begun();
      runs.at(-1)?.finish(made);
      return asked;
    };
    expect([await see('tag/a', 'a'), await see('', 'index')]).toEqual(['a', 'index']);
    expect([await text('tag/a', 'html'), await text('', 'html'), runs.length]).toEqual(['a', 'index', 2]);
    documentCache.forget([]);
    expect(documentCache.getIfReady('tag/a.html')).toBeDefined();
    documentCache.forget(['tag/b']);
    expect(documentCache.getIfReady('tag/a.html')).toBeUndefined();
    expect([await see('tag/a', 'b'), await see('', 'index 2')]).toEqual(['b', 'index 2']);
    changedExternally.push('tag/c');
    expect(await see('tag/a', 'c')).toBe('c');
    expect(runs).toHaveLength(5);
  });

  test('that was being made before a change is for nobody who asks after it', async () => {
    const { runs, documentCache, text } = workshop();
    const before = text('tag/a', 'html');
    await begun();
    documentCache.forget(['latest']);
    const after = text('tag/a', 'html');
    await begun();
    runs[0]?.finish('old');
    expect(await before).toBe('old');
    await begun();
    runs[1]?.finish('new');
    expect(await after).toBe('new');
    expect(documentCache.getIfReady('tag/a.html')?.document.bytes.toString()).toBe('new');
  });

  test('is kept with its codings where a change did not change it', async () => {
    const { runs, documentCache, text } = workshop();
    const see = async () => {
      const asked = text('tag/a', 'html');
      await begun();
      runs.at(-1)?.finish('a');
      await asked;
      return documentCache.getIfReady('tag/a.html');
    };
    const first = await see();
    documentCache.forget(['latest']);
    expect(await see()).toBe(first);
  });
});

test('changes by other processes are reported, changes by this one are not', async () => {
  const { changedExternally, documentCache, make, told } = workshop();
  await make('a');
  documentCache.forget(['latest']);
  await make('b');
  expect(told.externalChanges).toBe(0);
  changedExternally.push('latest');
  expect(await make('c')).toBe('c');
  expect(told.externalChanges).toBe(1);
});

test('a document that is forgotten while it is made answers only the requests before that', async () => {
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

test('a document that is forgotten while it is made is not kept', async () => {
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

test('a document is made for the moment of its request', async () => {
  const { runs, clock, make } = workshop();
  await make('a', 200);
  clock.now = 250;
  await make('b');
  expect(runs.map(({ at }) => at)).toEqual([100, 250]);
});

test('a request after the moment of change does not get a document that was begun before it', async () => {
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

test('a feed that does not exist is looked up each time', async () => {
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

test('a failure reaches all requests, and is not kept', async () => {
  const { runs, text, make } = workshop();
  const asked = Promise.allSettled([text(), text()]);
  await begun();
  runs[0]?.fail(new Error('disk'));
  expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await make('a')).toBe('a');
});

test('a document that another process changed is made again', async () => {
  const { runs, changedExternally, text, make } = workshop();
  await make('a');
  changedExternally.push('tag/a');
  expect(await text()).toBe('a');
  changedExternally.push('latest');
  expect(await make('b')).toBe('b');
  expect(runs).toHaveLength(2);
});

test('a request while external changes are read does not get the document from before', async () => {
  const { changedExternally, documentCache, text, make } = workshop();
  await make('old');
  changedExternally.push('latest');
  const first = text();
  expect(changedExternally).toEqual([]); // being read: the second of two requests in one packet finds this state
  expect(documentCache.getIfReady('latest.rss')).toBeUndefined();
  const second = make('new');

  expect(await Promise.all([first, second])).toEqual(['new', 'new']);
});

test('an external change while others are read is found as well', async () => {
  const { changedExternally, text, make } = workshop();
  await make('old');
  changedExternally.push('tag/a');
  const first = text();
  changedExternally.push('latest');
  const second = make('new');

  expect(await Promise.all([first, second])).toEqual(['old', 'new']);
});

test('external changes that could not be read are read by the next request', async () => {
  const answers = [() => Promise.reject(new Error('disk')), () => Promise.resolve([])];
  const arrange = async () => undefined;
  const externalChanges = {
    mayHaveExternalChanges: () => answers.length > 0,
    takeExternallyChangedFeeds: () => answers.shift()?.() ?? Promise.resolve([]),
  };
  const documentCache = createDocumentCache({ arrange, externalChanges, bytes: 1e6, now: () => 0, fail: () => {} });

  await expect(documentCache.get('latest', 'rss')).rejects.toThrow('disk');
  expect(await documentCache.get('latest', 'rss')).toBeUndefined();
  expect(answers).toEqual([]);
});

/** Milliseconds from a change to the rewarming. */
const BURST = 50;
/** Milliseconds between looks for external changes. */
const LOOK = 50;

/** Timers whose time passes when a test calls `pass`. */
function fakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
}

async function pass(milliseconds: number): Promise<void> {
  vi.advanceTimersByTime(milliseconds);
  await idle();
}

/** Waits until everything has happened that needs no more than rounds of the event loop. */
async function idle(): Promise<void> {
  for (let round = 0; round < 5; round += 1) await begun();
}

describe('a hot document', () => {
  /** A cache with `latest.rss` in it, which was requested. */
  async function withLatest() {
    fakeTimers();
    const shop = workshop();
    await shop.make('a');
    return shop;
  }

  test('is made again after a change, without a request', async () => {
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

  test('is made again in the codings in which it was requested', async () => {
    const { runs, documentCache } = await withLatest();
    const before = documentCache.getIfReady('latest.rss')?.body;
    await before?.bytes('gzip');
    const underWay = before?.bytes('br');
    documentCache.forget(['latest']);
    await pass(BURST);
    runs[1]?.finish('b');
    await underWay;
    const after = await vi.waitUntil(() => documentCache.getIfReady('latest.rss')?.body, 60_000);
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

  test('is made again in time, however many other changes keep coming', async () => {
    const { runs, documentCache } = await withLatest();
    documentCache.forget(['latest']);
    for (let passed = 0; passed < BURST; passed += BURST / 5) {
      documentCache.forget(['tag/a']);
      await pass(BURST / 5);
    }
    expect(runs).toHaveLength(2);
  });

  test('is made again once in a burst, however often it is requested while changes keep coming', async () => {
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
    expect(runs).toHaveLength(1 + asked); // the first request makes it
  });

  test('is not made again if a request comes first', async () => {
    const { runs, documentCache, make } = await withLatest();
    documentCache.forget(['latest']);
    expect(await make('b')).toBe('b');
    await pass(BURST);
    expect(runs).toHaveLength(2);
  });

  test('is not made twice if a request comes while it is rewarmed', async () => {
    const { runs, documentCache, text } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    const asked = text();
    await begun();
    runs[1]?.finish('b');
    expect(await asked).toBe('b');
    expect(runs).toHaveLength(2);
  });

  test('is rewarmed at low priority until a request waits for it', async () => {
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

  test('is made at high priority if it changes meanwhile and a request waits for it', async () => {
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

  test('that changes while it is rewarmed is rewarmed again, although no request comes', async () => {
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

  test('is finished at high priority if the service stops', async () => {
    const { runs, documentCache } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    const closing = documentCache.close();
    expect(runs[1]?.isAwaited()).toBe(true);
    runs[1]?.finish('b');
    await closing;
  });

  test('is not made again a second time without a request in between', async () => {
    const { runs, documentCache } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    runs[1]?.finish('b');
    await idle();
    documentCache.forget(['latest']);
    await pass(BURST);
    expect(runs).toHaveLength(2);
  });

  test('is made again however often it changes, as long as requests come in between', async () => {
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

  test('is not made again if another feed changes', async () => {
    const { runs, documentCache, text } = await withLatest();
    documentCache.forget(['tag/a', 'section/latest']);
    await pass(BURST);
    expect(await text()).toBe('a');
    expect(runs).toHaveLength(1);
  });

  test('is made again without the other formats of its feed', async () => {
    const { runs, documentCache } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    runs[1]?.finish('b');
    await idle();
    await pass(BURST);
    expect(runs.map(({ name }) => name)).toEqual(['latest.rss', 'latest.rss']);
  });

  test('of a feed that no longer exists is made no more', async () => {
    const { runs, documentCache, failures } = await withLatest();
    documentCache.forget(['latest']);
    await pass(BURST);
    runs[1]?.finish(undefined);
    await idle();
    documentCache.forget(['latest']);
    await pass(BURST);
    expect(runs).toHaveLength(2);
    expect(failures).toEqual([]);
  });

  test('that changes while it is rewarmed and requested is made again, and later requests do not get the earlier one', async () => {
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

  test('that changes while another is rewarmed is rewarmed after that one', async () => {
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

  test('that another process changed is made again as well', async () => {
    const { runs, changedExternally, documentCache, text } = await withLatest();
    changedExternally.push('latest', 'tag/a');
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

  test('that cannot be made again is reported, and made for the next request', async () => {
    const { runs, failures, documentCache, make } = await withLatest();
    const failure = new Error('disk');
    documentCache.forget(['latest']);
    await pass(BURST);
    runs[1]?.fail(failure);
    await idle();
    expect(failures).toEqual([failure]);
    expect(await make('b')).toBe('b');
    documentCache.forget(['latest']);
    await pass(BURST);
    expect(runs).toHaveLength(4);
  });
});

describe('a document that another process changed', () => {
  /** A cache that follows external changes, with `latest.rss` in it, which was requested. */
  async function following() {
    fakeTimers();
    const shop = workshop();
    await shop.make('a');
    shop.documentCache.followExternalChanges();
    return shop;
  }

  test('is made again before a request comes', async () => {
    const { runs, changedExternally, documentCache } = await following();
    changedExternally.push('latest', 'tag/a');
    await pass(LOOK - 1);
    expect(changedExternally).toHaveLength(2);
    await pass(1);
    expect(changedExternally).toEqual([]);
    await pass(BURST);
    expect(runs.map(({ name }) => name)).toEqual(['latest.rss', 'latest.rss']);
    runs[1]?.finish('b');
    await idle();
    expect(documentCache.getIfReady('latest.rss')?.document.bytes.toString()).toBe('b');
  });

  test('is not made again a second time without a request in between', async () => {
    const { runs, changedExternally } = await following();
    for (let change = 0; change < 5; change += 1) {
      changedExternally.push('latest');
      await pass(LOOK);
      await pass(BURST);
      runs[1]?.finish('b');
      await idle();
    }
    expect(changedExternally).toEqual([]);
    expect(runs).toHaveLength(2);
  });

  test('is made for the next request if external changes are not followed', async () => {
    fakeTimers();
    const { changedExternally, make } = workshop();
    await make('a');
    changedExternally.push('latest');
    await pass(10 * LOOK);
    expect(changedExternally).toEqual(['latest']);
    expect(await make('b')).toBe('b');
  });

  test('is made again although a look for changes failed, and the failure is not reported', async () => {
    const { runs, changedExternally, failures, externalChanges } = await following();
    const { mayHaveExternalChanges, takeExternallyChangedFeeds } = externalChanges;
    changedExternally.push('latest');
    externalChanges.mayHaveExternalChanges = () => {
      throw new Error('disk');
    };
    await pass(LOOK);
    Object.assign(externalChanges, {
      mayHaveExternalChanges,
      takeExternallyChangedFeeds: () => Promise.reject(new Error('disk')),
    });
    await pass(LOOK);
    externalChanges.takeExternallyChangedFeeds = takeExternallyChangedFeeds;
    await pass(LOOK);
    await pass(BURST);
    expect(changedExternally).toEqual([]);
    expect(runs).toHaveLength(2);
    expect(failures).toEqual([]);
  });

  test('is found by one look at a time, however long a look takes', async () => {
    const { externalChanges } = await following();
    const asked: (() => void)[] = [];
    externalChanges.mayHaveExternalChanges = () => true;
    externalChanges.takeExternallyChangedFeeds = () => new Promise((resolve) => asked.push(() => resolve([])));
    await pass(3 * LOOK);
    expect(asked).toHaveLength(1);
    asked[0]?.();
    await idle();
    expect(asked).toHaveLength(1);
    await pass(LOOK);
    expect(asked).toHaveLength(2);
  });

  test('is looked for no more after closing, which waits for the last look', async () => {
    const { changedExternally, documentCache, externalChanges } = await following();
    const { takeExternallyChangedFeeds } = externalChanges;
    let answer = () => {};
    changedExternally.push('latest');
    externalChanges.takeExternallyChangedFeeds = () =>
      new Promise((resolve) => {
        answer = () => resolve(takeExternallyChangedFeeds());
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
    changedExternally.push('latest');
    await pass(10 * LOOK);
    expect(changedExternally).toEqual(['latest']);
  });
});

describe('hot documents', () => {
  /** A cache with these feeds, each requested as often as given, that makes every document at once. */
  async function requested(times: Readonly<Record<string, number>>) {
    fakeTimers();
    const made: string[] = [];
    const failing = new Set<string>();
    const failures: unknown[] = [];
    const arrange = async (key: string, format: Format) => {
      made.push(key);
      if (failing.has(key)) throw new Error(key);
      return document(key, format, key);
    };
    const externalChanges = { mayHaveExternalChanges: () => false, takeExternallyChangedFeeds: async () => [] };
    const documentCache = createDocumentCache({
      arrange,
      externalChanges,
      bytes: 1e7,
      now: () => 100,
      fail: (error) => failures.push(error),
    });
    for (const [key, count] of Object.entries(times)) {
      for (let time = 0; time < count; time += 1) await documentCache.get(key, 'rss');
    }
    made.length = 0;
    /** Waits until no more documents are made. */
    const whenIdle = async () => {
      for (let before = -1; before < made.length; ) {
        before = made.length;
        await idle();
      }
    };
    return { documentCache, made, failing, failures, whenIdle };
  }

  const numbered = (count: number, times: (index: number) => number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`feed-${index}`, times(index)]));

  test('are made again, the most requested first', async () => {
    const { documentCache, made, whenIdle } = await requested({ once: 1, often: 5, twice: 2, never: 0 });
    documentCache.forget(['once', 'twice', 'often', 'never']);
    await pass(BURST);
    await whenIdle();
    expect(made).toEqual(['often', 'twice', 'once']);
  });

  test('are made again if they are among the hundred most requested', async () => {
    const times = numbered(130, (index) => 1 + (index % 10));
    const { documentCache, made, whenIdle } = await requested(times);
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

  test('are made again although one of them fails', async () => {
    const { documentCache, made, failing, failures, whenIdle } = await requested({ a: 3, b: 2, c: 1 });
    failing.add('b');
    documentCache.forget(['a', 'b', 'c']);
    await pass(BURST);
    await whenIdle();
    expect(made).toEqual(['a', 'b', 'c']);
    expect(failures).toEqual([new Error('b')]);
  });

  test('let requests come first', async () => {
    const { documentCache, made, whenIdle } = await requested({ a: 3, b: 2, c: 1 });
    documentCache.forget(['a', 'b', 'c']);
    vi.advanceTimersByTime(BURST);
    setImmediate(() => made.push('a request'));
    await whenIdle();
    expect(made.indexOf('a request')).toBeLessThan(made.indexOf('b'));
  });

  test('are not made again after closing', async () => {
    const { documentCache, made, whenIdle } = await requested({ a: 1 });
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

test('closing waits for the document that is being rewarmed, and begins no other', async () => {
  fakeTimers();
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

test('no document is older than the last change before its request', async () => {
  const command = fc.oneof(
    fc.record({ what: fc.constantFrom('change', 'ask', 'look', 'quiet'), format: fc.constantFrom(...FORMATS) }),
    fc.record({ what: fc.constant('finish'), which: fc.nat() }),
  );
  let ready = 0;
  let rewarmed = 0;
  fakeTimers();
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 60 }), async (commands) => {
      let version = 0;
      const runs: (() => void)[] = [];
      const documentCache = createDocumentCache({
        arrange: (key, format) => {
          const begunAt = version;
          return new Promise((resolve) => runs.push(() => resolve(document(key, format, String(begunAt)))));
        },
        externalChanges: { mayHaveExternalChanges: () => false, takeExternallyChangedFeeds: async () => [] },
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
          expect(Number(found.document.bytes), 'a ready document is current').toBe(version);
          ready += 1;
        } else {
          const before = runs.length;
          await pass(BURST);
          rewarmed += runs.length - before;
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
  expect(Math.min(ready, rewarmed)).toBeGreaterThan(50);
});

describe('the bytes in the cache', () => {
  const TEXT = 'The river rose in the night. '.repeat(2000);

  test('are counted with every coding that is made', async () => {
    const { documentCache, make } = workshop();
    await make(TEXT);
    const before = documentCache.counts();
    const gzip = await documentCache.getIfReady('latest.rss')?.body.bytes('gzip');
    const br = await documentCache.getIfReady('latest.rss')?.body.bytes('br');

    expect(before).toEqual({ count: 1, bytes: expect.any(Number), evicted: 0 });
    expect(before.bytes).toBeGreaterThanOrEqual(TEXT.length);
    expect([gzip?.length, br?.length]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(documentCache.counts().bytes - before.bytes).toBe((gzip?.length ?? 0) + (br?.length ?? 0));
  });

  test('are not more than the limit', async () => {
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
