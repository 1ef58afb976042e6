import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadPublication, type Publication } from '../../src/config/publication.ts';
import { PublisherError } from '../../src/errors.ts';
import { readPublication } from '../../src/service/publication-file.ts';
import { openPublicationFiles } from '../../src/service/publication-files.ts';
import { watchPublication } from '../../src/service/publication-watch.ts';
import { manualTimers, settle } from '../document/manual-timers.ts';
import { dataFolder, listen, PUBLICATION } from '../helpers.ts';

/** Milliseconds between two looks. */
const LOOK = 500;

async function watched(failures: readonly PublisherError[] = []) {
  const folder = await dataFolder({});
  const timers = manualTimers();
  const events: string[] = [];
  const left = [...failures];
  const { log, told } = listen();
  const watch = watchPublication({
    files: openPublicationFiles(folder),
    publication: loadPublication(folder),
    load: () => readPublication({ path: folder, publicUrl: undefined }),
    apply: async ({ title, partners = [] }: Publication) => {
      const failure = left.shift();
      if (failure !== undefined) throw failure;
      events.push([`applied ${title}`, ...partners.map(({ id, name }) => `${id}: ${name}`)].join(', '));
    },
    refuse: ({ code, problems }) => events.push(`refused ${code}: ${problems.map(({ field }) => field).join()}`),
    accept: () => events.push('accepted'),
    log: log.log,
    fail: (error) => events.push(`failed: ${error}`),
    timers,
  });
  onTestFinished(watch.close);
  async function look(times = 1): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      timers.pass(LOOK);
      await settle();
    }
  }
  const write = (text: string) => writeFile(join(folder, 'publication.yaml'), text);
  return { folder, watch, events, told, look, write };
}

const titled = (title: string) => PUBLICATION.replace('The Test Post', title);

test('a changed file is read once it is the same in two looks', async () => {
  const { events, look, write } = await watched();
  await look(3);
  expect(events).toEqual([]);
  await write('title: Half');
  await look();
  await write(titled('Whole'));
  await look();
  expect(events).toEqual([]);
  await look(3);
  expect(events).toEqual(['applied Whole', 'accepted']);
});

test('a file that another one replaces is read, and one that is missing for a moment is no mistake', async () => {
  const { folder, events, look } = await watched();
  await rm(join(folder, 'publication.yaml'));
  await look();
  await writeFile(join(folder, 'new.yaml'), titled('New'));
  await rename(join(folder, 'new.yaml'), join(folder, 'publication.yaml'));
  await look(2);
  expect(events).toEqual(['applied New', 'accepted']);
});

test('a file that is missing for good is a problem, and nothing else changes', async () => {
  const { folder, events, look, write } = await watched();
  await rm(join(folder, 'publication.yaml'));
  await look(4);
  await write(PUBLICATION);
  await look(3);
  expect(events).toEqual(['refused invalid_publication: ', 'accepted']);
});

const partner = (name: string) => `name: ${name}\ndialect: plain\nfeeds: [latest]\n`;

test('the partners are read when one comes, changes or goes, and not for what an editor leaves behind', async () => {
  const { folder, events, look } = await watched();
  const file = (name: string) => join(folder, 'partners', name);
  const expectNext = async (...expected: readonly string[]) => {
    await look(4);
    expect(events.splice(0)).toEqual(expected);
  };
  await mkdir(file(''));
  await expectNext('accepted');
  await writeFile(file('a.yaml'), partner('A'));
  await expectNext('applied The Test Post, a: A', 'accepted');
  await writeFile(file('a.yaml'), partner('Bb'));
  await expectNext('applied The Test Post, a: Bb', 'accepted');
  await writeFile(file('.a.yaml.swp'), 'x');
  await writeFile(file('a.yaml~'), 'x');
  await expectNext();
  await writeFile(file('new'), partner('C'));
  await rename(file('new'), file('a.yaml'));
  await expectNext('applied The Test Post, a: C', 'accepted');
  await rename(file('a.yaml'), file('b.yaml'));
  await expectNext('applied The Test Post, b: C', 'accepted');
  await writeFile(file('c.yaml'), 'name: C');
  await expectNext('refused invalid_publication: dialect');
  await rm(file('c.yaml'));
  await expectNext('accepted');
  await rm(file(''), { recursive: true });
  await expectNext('applied The Test Post', 'accepted');
});

test('many partners are looked at in pieces, and every change is found', async () => {
  const ids = Array.from({ length: 40 }, (_, index) => `p${index}`);
  const folder = await dataFolder(Object.fromEntries(ids.map((id) => [`partners/${id}.yaml`, partner(id)])));
  const files = openPublicationFiles(folder, 0); // one file a look
  onTestFinished(files.close);
  const rounds = (count: number) => {
    for (let look = 0; look < count * (ids.length + 1); look += 1) files.look();
    return files.version();
  };
  const before = files.version();
  expect(rounds(2)).toBe(before);
  await writeFile(join(folder, 'partners/p7.yaml'), partner('Other'));
  const changed = rounds(2);
  await rm(join(folder, 'partners/p30.yaml'));
  const removed = rounds(2);
  expect(new Set([before, changed, removed]).size).toBe(3);
  expect(rounds(2)).toBe(removed);
});

const OBSTACLES: readonly [string, (file: string) => unknown][] = [
  ['a circle of links', (file) => symlink('publication.yaml', file)],
  ['a link that leads nowhere', (file) => symlink('missing', file)],
  ['a folder', (file) => mkdir(file)],
  ['a pipe', (file) => execFileSync('mkfifo', [file])],
  ['a device without an end', (file) => symlink('/dev/zero', file)],
];

test.each(OBSTACLES)('%s in the place of the file is a problem, and nothing else changes', async (_, put) => {
  const { folder, events, look, write } = await watched();
  const file = join(folder, 'publication.yaml');
  await rm(file);
  await put(file);
  await look(4);
  await rm(file, { recursive: true });
  await write(titled('Good'));
  await look(3);
  expect(events).toEqual(['refused invalid_publication: ', 'applied Good', 'accepted']);
});

test('a wrong file is refused once, and is a problem no more when it says what is in force', async () => {
  const { events, look, write } = await watched();
  await write(`${PUBLICATION}titel: x\nmaxAge: many\n`);
  await look(5);
  await write(PUBLICATION);
  await look(3);
  expect(events).toEqual(['refused invalid_publication: maxAge,titel', 'accepted']);
});

test.each([
  ['url', PUBLICATION.replace('https://news', 'https://www.news')],
  ['feedsUrl', PUBLICATION.replace('https://feeds', 'https://new')],
  ['language', PUBLICATION.replace('language: en', 'language: ku')],
])('%s needs a restart: the whole file is refused', async (field, text) => {
  const { events, look, write } = await watched();
  await write(text.replace('The Test Post', 'Other'));
  await look(3);
  expect(events).toEqual([`refused restart_required: ${field}`]);
});

test('a file that was only touched is not put in force again', async () => {
  const { folder, events, look } = await watched();
  await utimes(join(folder, 'publication.yaml'), 1, 1);
  await look(3);
  expect(events).toEqual(['accepted']);
});

test('a request reads the file at once, and says so where nothing has changed', async () => {
  const { events, told, watch, write } = await watched();
  watch.reload();
  await settle();
  expect(told.map(({ msg }) => msg)).toEqual(['publication.yaml was read again, and says what is in force already.']);
  await write(titled('Asked for'));
  watch.reload();
  watch.reload();
  await settle();
  expect(events).toEqual(['accepted', 'applied Asked for', 'accepted', 'accepted']);
});

test('a large file is read in a thread, with the same result and the same mistakes', async () => {
  const feeds = Array.from(
    { length: 300 },
    (_, index) => `  - { id: f${index}, title: A feed of this newsroom, select: {} }\n`,
  );
  const text = `${PUBLICATION}feeds:\n${feeds.join('')}`;
  const folder = await dataFolder({ 'publication.yaml': text });
  const file = { path: folder, publicUrl: 'https://other.example/' };
  expect(await readPublication(file)).toEqual(loadPublication(folder, file.publicUrl));
  await writeFile(join(folder, 'publication.yaml'), `${text}titel: x\n`);
  await expect(readPublication(file)).rejects.toMatchObject({
    code: 'invalid_publication',
    problems: [{ field: 'titel', line: 307 }],
  });
});

test('what the store cannot take now is tried again, and reported once', async () => {
  const busy = () => new PublisherError('store_unavailable', 'Another process writes.');
  const { events, look, write } = await watched([busy(), busy()]);
  await write(titled('Later'));
  await look(6);
  expect(events).toEqual(['refused store_unavailable: ', 'applied Later', 'accepted']);
});

test('many partners are read in a thread, with the same result and the same mistakes', async () => {
  const ids = Array.from({ length: 60 }, (_, index) => `p${index}`);
  const folder = await dataFolder(Object.fromEntries(ids.map((id) => [`partners/${id}.yaml`, partner(id)])));
  const file = { path: folder, publicUrl: undefined };
  expect(await readPublication(file)).toEqual(loadPublication(folder));
  await writeFile(join(folder, 'partners/p5.yaml'), `${partner('P')}wimdow: {}\n`);
  await expect(readPublication(file)).rejects.toMatchObject({
    code: 'invalid_publication',
    problems: [
      { file: join(folder, 'partners/p5.yaml'), line: 4, rule: expect.stringContaining('Did you mean window?') },
    ],
  });
});

test('a file that takes more memory than its size allows is refused, and the service goes on', async () => {
  const folder = await dataFolder({ 'publication.yaml': '['.repeat(20_000) });
  await expect(readPublication({ path: folder, publicUrl: undefined }, () => 8)).rejects.toMatchObject({
    code: 'invalid_publication',
    problems: [{ field: '', rule: expect.stringContaining('memory') }],
  });
});

test('a stop waits for a publication that is put in force, and not for a file that takes long to read', async () => {
  const folder = await dataFolder({});
  const loaded = Promise.withResolvers<Publication>();
  const applied = Promise.withResolvers<void>();
  const events: string[] = [];
  const open = () =>
    watchPublication({
      files: openPublicationFiles(folder),
      publication: loadPublication(folder),
      load: () => loaded.promise,
      apply: () => applied.promise.then(() => void events.push('applied')),
      refuse: () => events.push('refused'),
      accept: () => events.push('accepted'),
      log: listen().log.log,
      fail: (error) => events.push(`failed: ${error}`),
      timers: manualTimers(),
    });
  const [reading, applying] = [open(), open()];
  reading.reload();
  applying.reload();
  await reading.close();
  loaded.resolve({ ...loadPublication(folder), title: 'Other' });
  await settle();
  const closed = applying.close().then(() => events.push('closed'));
  await settle();
  expect(events).toEqual([]);
  applied.resolve();
  await closed;
  expect(events).toEqual(['applied', 'accepted', 'closed']);
});
