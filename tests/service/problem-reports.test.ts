import { expect, test } from 'vitest';
import { PublisherError } from '../../src/errors.ts';
import type { Published, Publisher } from '../../src/publish/publish.ts';
import { createProblemReports } from '../../src/service/problem-reports.ts';
import { listen } from '../helpers.ts';

test('a publication whose report fails is answered all the same: its records are committed', async () => {
  const failures: unknown[] = [];
  const unreadable = new Error('The store cannot be read.');
  const revisions = async () => {
    throw unreadable;
  };
  const { follow } = createProblemReports({
    store: { lastRevision: async () => 1, revisions },
    log: listen().log.log,
    counters: { refusedFiles: 0 },
    now: Date.now,
    fail: (error) => void failures.push(error),
  });
  const refused = new PublisherError('invalid_article', 'The article cannot be published.');
  const published: readonly Published[] = [{ refused }];
  const publish: Publisher['publish'] = async () => published;
  const withdraw = async () => [];
  const actor = { kind: 'key', id: 'k', name: 'CMS' } as const;
  const submission = { id: 'a', json: Buffer.from('{}'), actor };

  expect(await follow({ publish, withdraw, erase: withdraw }).publish([submission])).toBe(published);
  expect(failures).toEqual([unreadable]);
});

test('a refused publication is a problem of each file that has mistakes, until the file has none', () => {
  const { log, told } = listen();
  const reports = createProblemReports({
    store: { lastRevision: async () => 1, revisions: async () => new Map() },
    log: log.log,
    counters: { refusedFiles: 0 },
    now: () => 1,
    fail: () => {},
  });
  const refused = (...files: readonly string[]) =>
    reports.refusedPublication(
      new PublisherError('invalid_publication', 'The publication is not valid.', {
        problems: files.map((file) => ({ field: 'name', rule: 'is required', ...(file === '' ? {} : { file }) })),
        ...(files.includes('') ? { file: '/data/publication.yaml' } : {}),
      }),
    );
  const open = () =>
    reports.list({ before: Number.POSITIVE_INFINITY, limit: 10 }).map(({ source }) => Object(source).path as string);

  refused('', '/data/partners/a.yaml', '/data/partners/b.yaml', '/data/partners/a.yaml');
  expect(open().sort()).toEqual(['partners/a.yaml', 'partners/b.yaml', 'publication.yaml']);
  expect(told.map(({ level, file, problems }) => [level, file, problems?.length])).toEqual([
    ['error', 'publication.yaml', 1],
    ['error', 'partners/a.yaml', 2],
    ['error', 'partners/b.yaml', 1],
  ]);
  expect(JSON.stringify(told)).not.toContain('/data/');

  refused('/data/partners/b.yaml', '/data/partners');
  expect(open().sort()).toEqual(['partners', 'partners/b.yaml']);
  reports.acceptedPublication();
  expect(open()).toEqual([]);
  // A file that is gone, or beside one that is still refused, is not in force.
  const ends = told.filter(({ level }) => level === 'info').map(({ msg }) => msg);
  expect(ends.sort()).toEqual(
    ['partners', 'partners/a.yaml', 'partners/b.yaml', 'publication.yaml'].map(
      (file) => `${file} was corrected or removed: the problem is gone.`,
    ),
  );
});
