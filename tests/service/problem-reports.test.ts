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
