import { join } from 'node:path';
import { setImmediate as iteration } from 'node:timers/promises';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type ArticleFile,
  isUnchanged,
  type RefusedFile,
  readArticle,
} from '../../../src/ingest/folder/article-file.ts';
import { dirtyKey, dirtyPaths } from '../../../src/ingest/folder/dirty-keys.ts';
import { createFileIndex, type FileIndex } from '../../../src/ingest/folder/file-index.ts';
import { queueChange } from '../../../src/ingest/folder/folder-sync.ts';
import { divideByClaim, refuseClaim } from '../../../src/ingest/folder/id-claims.ts';
import { createIncompleteFiles } from '../../../src/ingest/folder/incomplete-files.ts';
import { LOOK_EVERY, startPeriodicLooks } from '../../../src/ingest/folder/periodic-looks.ts';
import { createRefusalReports } from '../../../src/ingest/folder/refusal-reports.ts';
import { createRescans } from '../../../src/ingest/folder/rescans.ts';
import { createWatchFailures, explained, failureKey } from '../../../src/ingest/folder/watch-failures.ts';
import { createOverflowDetector } from '../../../src/ingest/folder/watch-overflow.ts';
import { dataFolder, put, record } from '../../helpers.ts';

function file(path: string, id: string, fields: Partial<ArticleFile> = {}): ArticleFile {
  const raw = { locate: () => ({ line: 2, column: 7 }) };
  return { path, id, raw, json: JSON.stringify({ id }), media: [], modified: 0, signature: '', ...fields };
}

function refused(path: string, id: string, media: readonly string[] = []): RefusedFile {
  return { path, id, media, signature: 'refused', code: 'invalid_article', problems: [{ field: '', rule: 'is bad' }] };
}

function fakeTimers(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 100_000 });
    return () => vi.useRealTimers();
  });
}

describe('incomplete files', () => {
  test.each<[string, string, number, boolean]>([
    ['a text that was just written', 'a.txt', 10_000, true],
    ['a text that was written almost a second ago', 'a.md', 9001, true],
    ['a text that was written a second ago', 'a.md', 9000, false],
    ['a text with a date in the near future', 'a.txt', 10_999, true],
    ['a text with a date of another clock', 'a.txt', 11_000, false],
    ['JSON, which shows its end', 'a.json', 10_000, false],
  ])('%s', (_, path, modified, expected) => {
    const incomplete = createIncompleteFiles(() => 10_000);

    expect(incomplete.mayGrow({ path, modified })).toBe(expected);
    expect([...incomplete.takeRechecks()]).toEqual(expected ? [[path, modified + 1000]] : []);
    expect([...incomplete.takeRechecks()]).toEqual([]);
  });

  test.each<[string, readonly ('renamed' | 'written' | 'forget')[], boolean]>([
    ['was renamed is complete', ['renamed'], false],
    ['was renamed and then written to may grow', ['renamed', 'written'], true],
    ['was written to and then renamed is complete', ['written', 'renamed'], false],
    ['was forgotten since may grow', ['renamed', 'forget'], true],
  ])('a text that %s', (_, events, expected) => {
    const incomplete = createIncompleteFiles(() => 10_000);
    for (const event of events) incomplete[event]('a.txt');

    expect(incomplete.mayGrow({ path: 'a.txt', modified: 10_000 })).toBe(expected);
  });
});

describe('a media file in another form of Unicode than the record names', () => {
  const NFC = 'caf\u00e9.png';
  const NFD = 'cafe\u0301.png';

  test.each([NFC, NFD])('is a file of the article: %j', (name) => {
    const files = createFileIndex();
    files.setPublished({ path: 'a.json', id: 'a', media: [NFC], signature: '' });
    const dirty: string[] = [];
    const queue = { markDirty: (path: string) => dirty.push(path), markRemoved: () => {}, recheckAt: () => {} };
    queueChange({ files, incomplete: createIncompleteFiles(Date.now), queue }, `media/${name}`, 'written');

    expect(dirty).toEqual(['a.json']);
  });

  test.each([
    [NFC, NFD],
    [NFD, NFC],
  ])('shows its changes: %j is named, %j is stored', async (named, stored) => {
    const folder = await dataFolder({
      'articles/a.json': JSON.stringify(record({ body: `<p><img src="/media/${encodeURI(named)}" alt=""></p>` })),
      [`media/${stored}`]: 'picture',
    });
    const folders = { articles: join(folder, 'articles'), media: join(folder, 'media') };
    const read = await readArticle(folders, 'a.json');
    if (read === undefined) throw new Error('the file was not read');

    expect(read.media).toEqual([NFC]);
    expect(await isUnchanged(folders, 'a.json', read)).toBe(true);
    await put(folder, `media/${stored}`, 'another picture');
    expect(await isUnchanged(folders, 'a.json', read)).toBe(false);
  });
});

describe('periodic looks', () => {
  fakeTimers();

  /** Looks that take so many milliseconds. */
  function started(duration: number) {
    const began: number[] = [];
    const looks = startPeriodicLooks({
      now: Date.now,
      async look() {
        began.push(Date.now() - 100_000);
        await new Promise((resolve) => setTimeout(resolve, duration));
      },
    });
    return { ...looks, began };
  }

  test.each([
    ['short looks come every half minute', 200, 30_000],
    ['long looks take a tenth of the time at most', 6000, 60_000],
  ])('%s', async (_, duration, rest) => {
    const { began, close } = started(duration);
    await vi.advanceTimersByTimeAsync(LOOK_EVERY + 2 * (duration + rest));
    close();
    await vi.advanceTimersByTimeAsync(10 * rest);

    expect(began).toEqual([0, 1, 2].map((number) => LOOK_EVERY + number * (duration + rest)));
  });

  test('close during a look ends them', async () => {
    const { began, close } = started(500);
    await vi.advanceTimersByTimeAsync(LOOK_EVERY + 100);
    close();
    await vi.advanceTimersByTimeAsync(10 * LOOK_EVERY);

    expect(began).toEqual([LOOK_EVERY]);
  });
});

describe('refusal reports', () => {
  fakeTimers();

  function opened() {
    const reported: string[] = [];
    const rechecked: string[] = [];
    const reports = createRefusalReports({
      now: Date.now,
      report: ({ path }) => reported.push(path),
      recheck: (path) => {
        rechecked.push(path);
        reports.reportUnlessHalfWritten(refused(path, 'one'));
      },
    });
    return { reports, reported, rechecked };
  }

  test('a file that stays invalid is read every quarter of a second and reported after one', () => {
    const { reports, reported, rechecked } = opened();
    reports.reportUnlessHalfWritten(refused('a', 'one'));
    vi.advanceTimersByTime(999);
    expect([reported, rechecked.length]).toEqual([[], 3]);
    vi.advanceTimersByTime(5000);

    expect([reported, rechecked.length]).toEqual([['a'], 4]);
  });

  test('a file that was published meanwhile gets a whole second again', () => {
    const { reports, reported } = opened();
    reports.reportUnlessHalfWritten(refused('a', 'one'));
    vi.advanceTimersByTime(900);
    reports.clear('a');
    vi.advanceTimersByTime(600);
    expect(reported).toEqual([]);
    vi.advanceTimersByTime(1000);

    expect(reported).toEqual(['a']);
  });

  test('a file is reported at once where nobody can be writing it', () => {
    const { reports, reported } = opened();
    reports.report(refused('a', 'one'));

    expect(reported).toEqual(['a']);
  });
});

describe('claims of ids', () => {
  const [a, b, other] = [file('a.json', 'one'), file('b.json', 'one'), file('c.json', 'two')];
  const [without, alsoWithout] = [file('d.json', ''), file('e.json', '')];
  const bad = refused('f.json', 'one');

  test.each<[string, readonly (ArticleFile | RefusedFile)[], Readonly<Record<string, string>>, object]>([
    ['the first file has it', [a, b, other], {}, { owners: [a, other], claims: [{ file: b, owner: 'a.json' }] }],
    ['the file that published it has it', [a], { one: 'b.json' }, { claims: [{ file: a, owner: 'b.json' }] }],
    ['a file keeps its own', [a, b], { one: 'b.json' }, { owners: [b], claims: [{ file: a, owner: 'b.json' }] }],
    ['files without an id claim none', [without, alsoWithout], {}, { owners: [without, alsoWithout] }],
    ['an unreadable file claims none', [bad, a], {}, { owners: [a], refused: [bad] }],
  ])('%s', (_, files, published, expected) => {
    const ownerOf = (id: string) => published[id];

    expect(divideByClaim(files, ownerOf)).toEqual({ owners: [], claims: [], refused: [], ...expected });
  });

  test('a refused claim names the owner, and where the id is in the file', () => {
    expect(refuseClaim({ file: b, owner: 'a.json' }).problems).toEqual([
      {
        field: 'id',
        value: 'one',
        rule: 'is already the id of articles/a.json: each file needs an id of its own',
        line: 2,
        column: 7,
      },
    ]);
  });
});

test('keys of the queue tell reported paths from discovered ones', () => {
  const keys = [
    dirtyKey('a', 'renamed'),
    dirtyKey('b', 'written'),
    dirtyKey('c', 'discovered'),
    dirtyKey('', 'discovered'),
  ];

  expect(keys).toEqual(['a', 'b', 'c/', '/']);
  expect(dirtyPaths([...keys, ''])).toEqual({ reported: new Set(['a', 'b', '']), discovered: new Set(['c', '']) });
});

describe('the index of files', () => {
  const source = (path: string, id: string, media: readonly string[] = []) => ({ path, id, media, signature: 's' });

  function indexed(...changes: readonly ((files: FileIndex) => void)[]): FileIndex {
    const files = createFileIndex();
    for (const change of changes) change(files);
    return files;
  }

  const add = (path: string, id: string) => (files: FileIndex) => files.setPublished(source(path, id));

  test.each<[string, FileIndex, string | undefined, boolean]>([
    ['published', indexed(add('a', 'one')), 'a', true],
    ['removed', indexed(add('a', 'one'), (files) => files.remove('a')), undefined, false],
    ['published under another id', indexed(add('a', 'one'), add('a', 'two')), undefined, false],
    [
      'restored',
      indexed(
        add('a', 'one'),
        (files) => files.remove('a'),
        (files) => files.restore(source('a', 'one')),
      ),
      'a',
      true,
    ],
    [
      'released, while its file still publishes it',
      indexed(add('a', 'one'), (files) => files.releaseFormerId({ path: 'a', id: 'two' })),
      undefined,
      false,
    ],
    [
      'not released for the same id',
      indexed(add('a', 'one'), (files) => files.releaseFormerId({ path: 'a', id: 'one' })),
      'a',
      true,
    ],
    [
      'not released for a file without an id',
      indexed(add('a', 'one'), (files) => files.releaseFormerId({ path: 'a', id: '' })),
      'a',
      true,
    ],
    ['taken by a renamed file', indexed(add('a', 'one'), add('b', 'one'), (files) => files.remove('a')), 'b', true],
  ])('an id that is %s', (_, files, owner, isPublished) => {
    expect([files.ownerOf('one'), files.isPublished('one')]).toEqual([owner, isPublished]);
  });

  test('a removed file is not restored once its path has published again', () => {
    const files = indexed(add('a', 'two'), (index) => index.restore(source('a', 'one')));

    expect([files.hasId('a', 'two'), files.hasId('a', 'one')]).toEqual([true, false]);
  });

  test.each<[string, readonly string[]]>([
    ['', ['x/y/a', 'x/b.json/c', 'd']],
    ['x', ['x/y/a', 'x/b.json/c']],
    ['x/b.json', ['x/b.json/c']],
    ['d', []],
    ['missing', []],
  ])('the published files below the folder %j', (folder, expected) => {
    const files = indexed(add('x/y/a', '1'), add('x/b.json/c', '2'), add('d', '3'));

    expect(files.publishedBelow(folder)).toEqual(expected);
  });

  test.each<[string, readonly string[]]>([
    ['p.gif', ['a', 'c']],
    ['sub', ['b']],
    ['sub/q.gif', ['b']],
    ['su', []],
  ])('the files that use the media %s, published or refused', (media, expected) => {
    const files = indexed(
      (index) => index.setPublished(source('a', '1', ['p.gif'])),
      (index) => index.setPublished(source('b', '2', ['sub/q.gif'])),
      (index) => index.setRefused(refused('c', '3', ['p.gif'])),
    );

    expect(files.usingMedia(media)).toEqual(expected);
    expect([files.usesMedia('b', 'sub/q.gif'), files.usesMedia('b', 'sub')]).toEqual([true, false]);
  });

  test('a refused file is known as it was refused, and waits for its id', () => {
    const files = indexed(add('a', 'one'), (index) => index.setRefused(refused('a', 'two')));

    expect(files.lastRead('a')?.signature).toBe('refused');
    expect(files.refusedWithIds(new Set(['two']))).toEqual(['a']);
    expect(files.refusedWithIds(new Set(['one']))).toEqual([]);
  });
});

describe('rescans', () => {
  fakeTimers();

  function opened() {
    const scans: PromiseWithResolvers<void>[] = [];
    const rescans = createRescans(() => {
      const scan = Promise.withResolvers<void>();
      scans.push(scan);
      return scan.promise;
    }, 30_000);
    return { rescans, scans };
  }

  test('a later rescan starts once after the delay', () => {
    const { rescans, scans } = opened();
    rescans.startLater();
    vi.advanceTimersByTime(20_000);
    rescans.startLater();
    expect([scans.length, rescans.isScheduled()]).toEqual([0, true]);
    vi.advanceTimersByTime(60_000);

    expect([scans.length, rescans.isScheduled()]).toEqual([1, false]);
  });

  test('a rescan that starts at once replaces the scheduled one', () => {
    const { rescans, scans } = opened();
    rescans.startLater();
    void rescans.startNow();
    vi.advanceTimersByTime(60_000);

    expect(scans.length).toBe(1);
  });

  test('a rescan that starts during another is delayed', async () => {
    const { rescans, scans } = opened();
    const first = rescans.startNow();
    await rescans.startNow();
    expect([scans.length, rescans.isScheduled()]).toEqual([1, true]);
    scans[0]?.resolve();
    await first;
    vi.advanceTimersByTime(30_000);

    expect(scans.length).toBe(2);
  });

  test('nothing starts after the end', async () => {
    const { rescans, scans } = opened();
    rescans.startLater();
    rescans.close();
    vi.advanceTimersByTime(60_000);
    await rescans.startNow();
    rescans.startLater();

    expect([scans.length, rescans.isScheduled()]).toEqual([0, false]);
  });
});

describe('failures of watches', () => {
  const failure = (fields: object) => Object.assign(new Error('m'), fields);

  test.each([
    ['the limit of watches, for every folder', failure({ code: 'ENOSPC', path: '/a' }), 'ENOSPC'],
    ['the limit of open files, for every folder', failure({ code: 'EMFILE', path: '/b' }), 'EMFILE'],
    ['one folder', failure({ code: 'EACCES', path: '/a' }), 'EACCES /a'],
    ['anything else', failure({ code: 'EIO' }), 'Error: m'],
  ])('one failure is %s', (_, error, expected) => {
    expect(failureKey(error)).toBe(expected);
  });

  test('each is reported once until all are cleared, and a missing folder is none', () => {
    const reports: unknown[] = [];
    const failures = createWatchFailures((error) => reports.push(error));
    const denied = failure({ code: 'EIO' });
    expect([denied, denied, failure({ code: 'ENOENT' })].map(failures.report)).toEqual([true, true, false]);
    expect(reports).toEqual([denied]);
    failures.clear();
    failures.report(denied);

    expect(reports).toEqual([denied, denied]);
  });

  test('an error that does not come from a folder stays as it is', () => {
    const error = new Error('m');
    expect(explained(error)).toBe(error);
  });
});

describe('dropped events', () => {
  test.each([
    [3, 0],
    [4, 1],
    [20, 1],
  ])('%i events in one iteration of the event loop, with a limit of 8, are %i overflows', async (events, expected) => {
    const onOverflow = vi.fn();
    const count = createOverflowDetector(8, onOverflow);
    for (let event = 0; event < events; event += 1) count();
    await iteration();

    expect(onOverflow).toHaveBeenCalledTimes(expected);
  });

  test('events of several iterations are no overflow', async () => {
    const onOverflow = vi.fn();
    const count = createOverflowDetector(8, onOverflow);
    for (let event = 0; event < 20; event += 1) {
      count();
      await iteration();
    }

    expect(onOverflow).not.toHaveBeenCalled();
  });
});
