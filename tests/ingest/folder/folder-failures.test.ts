import { watch } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { PublisherError } from '../../../src/errors.ts';
import { openArticleFolder } from '../../../src/ingest/folder/articles-folder.ts';
import { createPublisher, parseHere } from '../../../src/publish/publish.ts';
import { openDataFolder } from '../../../src/service/data-folder.ts';
import { serve } from '../../../src/service/serve.ts';
import { ask, dataFolder, listen, put, record, start } from '../../helpers.ts';
import { folderReports } from './reports.ts';

vi.mock('node:fs', { spy: true });
vi.mock('node:fs/promises', { spy: true });

/** Failures of the disk have no article withdrawn. */

const json = (id: string, title = id.toUpperCase()) => JSON.stringify(record({ id, title }));

async function titles({ port }: { readonly port: number }): Promise<string[]> {
  const { items }: { items: { title: string }[] } = JSON.parse((await ask(port, '/feeds/latest.json')).text);
  return items.map(({ title }) => title).sort();
}

/** Timers run by themselves, and faster when a test advances them. */
function hurriedTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
}

describe('a folder that cannot be read', () => {
  /** Denies reading and watching folders of this name, until the returned function is called. */
  async function closed(name: string): Promise<() => void> {
    const fs = await vi.importActual<typeof import('node:fs')>('node:fs');
    const refuse = (path: unknown, what: string) => {
      if (!String(path).endsWith(`/${name}`)) return;
      throw Object.assign(new Error(`EACCES: permission denied, ${what} ${name}`), { code: 'EACCES', path });
    };
    const actual = promisify(fs.readdir) as typeof readdir; // the one of promises is the spy
    vi.mocked(readdir).mockImplementation((async (...parameters: Parameters<typeof readdir>) => {
      refuse(parameters[0], 'scandir');
      return actual(...parameters);
    }) as typeof readdir);
    vi.mocked(watch).mockImplementation((...parameters) => {
      refuse(parameters[0], 'watch');
      return fs.watch(...parameters);
    });
    const open = () => {
      vi.mocked(readdir).mockReset();
      vi.mocked(watch).mockReset();
    };
    onTestFinished(open);
    return open;
  }

  const closedFolder = (folder: string, path: string) =>
    `The folder ${join(folder, path)} cannot be watched or read (EACCES: permission denied, watch closed): let the service read it. Its articles stay published. Until then, the service checks every file by size and time every 30 seconds.`;

  test('is logged and skipped at the start, and its articles stay published', async () => {
    const folder = await dataFolder({
      'articles/a.json': json('a'),
      'articles/closed/b.json': json('b'),
      'articles/z.json': json('z'),
    });
    const first = await start(folder);
    await first.close();
    await rm(join(folder, 'articles/z.json'));
    await put(folder, 'articles/c.json', json('c'));
    await closed('closed');
    const service = await start(folder);

    expect(await titles(service)).toEqual(['A', 'B', 'C']);
    expect(service.lines).toEqual([closedFolder(folder, 'articles/closed')]);
  });

  test('does not delay the other folders, and is read as soon as it can be', async () => {
    hurriedTimers();
    const folder = await dataFolder({ 'articles/a.json': json('a'), 'articles/closed/b.json': json('b') });
    const open = await closed('closed');
    const service = await start(folder);
    expect(await titles(service)).toEqual(['A']);
    vi.advanceTimersByTime(30_000);
    await put(folder, 'articles/new/c.json', json('c'));
    expect(await titles(service)).toEqual(['A', 'C']);
    open();
    vi.advanceTimersByTime(30_000);

    expect(await titles(service)).toEqual(['A', 'B', 'C']);
    expect(service.lines).toEqual([closedFolder(folder, 'articles/closed')]);
  });

  test('in a new folder does not delay the other folders in it', async () => {
    const folder = await dataFolder({
      'articles/a.json': json('a'),
      'new/closed/x.json': json('x'),
      'new/later/b.json': json('b'),
    });
    await closed('closed');
    const service = await start(folder);
    await rename(join(folder, 'new'), join(folder, 'articles/new'));

    expect(await titles(service)).toEqual(['A', 'B']);
    expect(service.lines).toEqual([closedFolder(folder, 'articles/new/closed')]);
  });

  test('is logged while the service runs, and its articles stay published', async () => {
    const folder = await dataFolder({ 'articles/a.json': json('a'), 'articles/closed/b.json': json('b') });
    const service = await start(folder);
    await closed('closed');
    await utimes(join(folder, 'articles/closed'), new Date(), new Date());

    expect(await titles(service)).toEqual(['A', 'B']);
    expect(service.lines).toEqual([closedFolder(folder, 'articles/closed')]);
  });
});

test('an articles folder that cannot be created does not stop the start', async () => {
  const folder = await dataFolder({ articles: 'a file' });
  const service = await start(folder);
  const articles = join(folder, 'articles');
  expect([await titles(service), service.lines]).toEqual([
    [],
    [
      `The folder ${articles} cannot be created: there is a file of this name already (EEXIST). The service runs without it: create it yourself.`,
    ],
  ]);
  await rm(join(folder, 'articles'));
  await put(folder, 'articles/a.json', json('a'));

  expect(await titles(service)).toEqual(['A']);
});

test('a full disk does not stop the start, and files are published as soon as there is room', async () => {
  const folder = await dataFolder({ 'articles/a.json': json('a'), 'articles/b.json': json('b') });
  await (await start(folder)).close();
  await put(folder, 'articles/a.json', json('a', 'A, mended'));
  await rm(join(folder, 'articles/b.json'));
  hurriedTimers();
  const openedFolder = openDataFolder(folder);
  let hasRoom = false;
  const apply: typeof openedFolder.store.apply = async (changes, at) => {
    if (!hasRoom) throw new PublisherError('insufficient_storage', 'There is no room left.');
    return openedFolder.store.apply(changes, at);
  };
  const { log, lines } = listen();
  const service = await serve(
    { ...openedFolder, store: { ...openedFolder.store, apply } },
    { host: '127.0.0.1', port: 0, log, version: '0.0.0' },
  );
  onTestFinished(() => service.close());
  expect(await titles(service)).toEqual(['A', 'B']);
  expect(lines).toContain('There is no room left.');
  hasRoom = true;
  vi.advanceTimersByTime(1000);

  await expect.poll(() => titles(service)).toEqual(['A, mended']);
});

describe('an articles folder without files', () => {
  const nothing = (folder: string, count: number) =>
    `The articles folder ${join(folder, 'articles')} is empty or missing, but ${count} published articles come from it. The service withdraws none. Restore or mount the folder. If you removed the files on purpose, put any file into it, such as .keep.`;

  async function published() {
    const folder = await dataFolder({ 'articles/a.json': json('a'), 'articles/en/b.json': json('b') });
    await (await start(folder)).close();
    const away = () => rename(join(folder, 'articles'), join(folder, 'away'));
    return { folder, away };
  }

  test.each<[string, (folder: string) => unknown]>([
    ['is missing', () => {}],
    ['is empty', (folder) => mkdir(join(folder, 'articles'))],
  ])('that %s at the start has nothing withdrawn and is logged', async (_, make) => {
    const { folder, away } = await published();
    await away();
    await make(folder);
    const service = await start(folder);

    expect([await titles(service), service.lines]).toEqual([['A', 'B'], [nothing(folder, 2)]]);
    const { level, ...fields } = service.told.find(({ msg }) => msg === nothing(folder, 2)) ?? {};
    expect([level, Object.keys(fields)]).toEqual(['warn', ['time', 'pid', 'msg']]); // no stack
  });

  test('is read every half minute, because the system reports no mount of a volume', async () => {
    const { folder, away } = await published();
    await away();
    hurriedTimers();
    const fs = await vi.importActual<typeof import('node:fs')>('node:fs');
    vi.mocked(watch).mockImplementation((path) => fs.watch(path));
    onTestFinished(() => void vi.mocked(watch).mockReset());
    const service = await start(folder);
    vi.advanceTimersByTime(30_000);
    expect(await titles(service)).toEqual(['A', 'B']);
    await rm(join(folder, 'articles'), { recursive: true });
    await rm(join(folder, 'away/a.json'));
    await rename(join(folder, 'away'), join(folder, 'articles'));
    expect(await titles(service)).toEqual(['A', 'B']);
    vi.advanceTimersByTime(30_000);

    expect(await titles(service)).toEqual(['B']);
    expect(service.lines).toEqual([nothing(folder, 2)]);
  });

  test('has nothing withdrawn while the service runs', async () => {
    const { folder, away } = await published();
    const service = await start(folder);
    await away();
    expect([await titles(service), service.lines]).toEqual([['A', 'B'], [nothing(folder, 2)]]);
    await rename(join(folder, 'away'), join(folder, 'articles'));
    await put(folder, 'articles/c.json', json('c'));

    expect(await titles(service)).toEqual(['A', 'B', 'C']);
  });

  test('has all articles withdrawn if every file was removed while it was watched', async () => {
    const { folder } = await published();
    const service = await start(folder);
    await rm(join(folder, 'articles'), { recursive: true });
    expect([await titles(service), service.lines]).toEqual([[], []]);
    await service.close();
    const next = await start(folder);

    expect([await titles(next), next.lines]).toEqual([[], []]);
  });

  test('has all articles withdrawn if it holds any other file, even a hidden one', async () => {
    const { folder, away } = await published();
    await away();
    await put(folder, 'articles/.keep', '');
    const service = await start(folder);

    expect([await titles(service), service.lines]).toEqual([[], []]);
  });
});

describe('a change of a folder itself', () => {
  /** Opens a folder. Returns how many files it gives to the publisher each time. */
  async function opened(folder: string) {
    const { store, newsroom } = openDataFolder(folder);
    const publisher = createPublisher({ store, parse: parseHere(newsroom), now: Date.now, announce: () => {} });
    const batchSizes: number[] = [];
    const publish: typeof publisher.publish = (submissions) => {
      if (submissions.length > 0) batchSizes.push(submissions.length);
      return publisher.publish(submissions);
    };
    const articles = openArticleFolder({
      dataFolder: folder,
      store,
      publisher: { ...publisher, publish },
      reports: folderReports((report) => expect.fail(String(report))),
      progress: () => {},
    });
    onTestFinished(async () => {
      await articles.close();
      await store.close();
    });
    await articles.start();
    batchSizes.length = 0;
    return { batchSizes };
  }

  const many = Object.fromEntries(
    Array.from({ length: 600 }, (_, index) => [`articles/en/${index}.json`, json(`story-${index}`)]),
  );

  test('has no unchanged file read again', async () => {
    const folder = await dataFolder(many);
    const { batchSizes } = await opened(folder);
    vi.mocked(readFile).mockClear();
    await utimes(join(folder, 'articles/en'), new Date(), new Date());
    await utimes(join(folder, 'articles'), new Date(), new Date());
    await put(folder, 'articles/last.json', json('last'));
    await expect.poll(() => batchSizes.length).toBeGreaterThan(0);

    expect(new Set(vi.mocked(readFile).mock.calls.map(([file]) => file))).toEqual(
      new Set([join(folder, 'articles/last.json')]),
    );
    expect(new Set(batchSizes)).toEqual(new Set([1]));
  });

  test('has changed files published in batches', async () => {
    const fs = await vi.importActual<typeof import('node:fs')>('node:fs');
    vi.mocked(watch).mockImplementation(((path: string, tell: (event: string, name: string | null) => void) =>
      fs.watch(path, (event, name) => {
        if (!name?.endsWith('.json')) tell(event, name); // the system reports changes of folders only
      })) as typeof watch);
    onTestFinished(() => void vi.mocked(watch).mockReset());
    const folder = await dataFolder(many);
    const { batchSizes } = await opened(folder);
    for (const path of Object.keys(many)) await put(folder, path, json(path.replace(/\W/g, '-')));
    await utimes(join(folder, 'articles/en'), new Date(), new Date());

    await expect.poll(() => batchSizes).toEqual([500, 100]);
  });
});
