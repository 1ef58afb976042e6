// @module-tag soak
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { createArranger } from '../../src/document/arranger.ts';
import { createDocumentCache } from '../../src/document/cache.ts';
import { assertWellFormed } from '../../src/format/xml.ts';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { ask, newsroom, PUBLICATION, record } from '../helpers.ts';
import { FORMATS, NOW, startApi } from '../http/api.ts';
import { sized } from '../soak/sizes.ts';

const WRITERS = 10;

const titled = (count: number) => record({ title: `Count ${count}` });

function countIn(titleOrDocument: string): number {
  const counts = [...titleOrDocument.matchAll(/Count (\d+)/g)].map(([, count]) => Number(count));
  expect(counts.length, titleOrDocument).toBeGreaterThan(0);
  expect(new Set(counts).size, 'one article, one title').toBe(1);
  return counts[0] ?? Number.NaN;
}

const publication = parsePublication(PUBLICATION, 'publication.yaml');

/** A store whose answers come when the scheduler decides. */
function scheduledStore(store: Store, scheduler: fc.Scheduler): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...parameters: unknown[]) => {
        // Some answers wait before the work begins, and some after it is done.
        const before = scheduler.schedule(Promise.resolve(), `${String(name)} begins`);
        const done = before.then(() => Reflect.apply(member, target, parameters) as Promise<unknown>);
        return done.then((result) => scheduler.schedule(Promise.resolve(result), `${String(name)} answers`));
      };
    },
  });
}

test('ten writers with a condition lose no update, in whatever order their steps run', async () => {
  let failed = 0;
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const real = openSqliteStore(':memory:');
      const store = scheduledStore(real, scheduler);
      const { arrange } = createArranger({
        store,
        publication,
        entryBytes: 1e6,
        report: (id, format, error) => expect.fail(`${id} ${format}: ${error}`),
      });
      const documentCache = createDocumentCache({
        arrange,
        bytes: 1e7,
        now: () => NOW,
        fail: (error) => expect.fail(String(error)),
        externalChanges: {
          mayHaveExternalChanges: () => true,
          takeExternallyChangedFeeds: store.takeExternallyChangedFeeds,
        },
      });
      const parts = { parse: parseHere(newsroom), now: () => NOW, announce: documentCache.forget };
      await createPublisher({ ...parts, store: real }).publish([unparsedRecord(titled(0))]);
      const publisher = createPublisher({ ...parts, store });
      /** The highest count that was acknowledged to a writer. */
      let acknowledged = 0;

      const write = async () => {
        for (;;) {
          const found = await store.find('a');
          const count = countIn(found?.article.title ?? '');
          const condition = { revisions: [found?.revision ?? 0] };
          const [result] = await publisher.publish([{ ...unparsedRecord(titled(count + 1)), condition }]);
          if (result === undefined || 'refused' in result) return expect.fail('refused');
          if (result.outcome.result === 'updated') {
            acknowledged = Math.max(acknowledged, count + 1);
            return;
          }
          expect(result.outcome.result).toBe('condition-failed');
          failed += 1;
        }
      };
      const read = async (format: (typeof FORMATS)[number]) => {
        for (let times = 0; times < 6; times += 1) {
          const least = acknowledged;
          const text = (await documentCache.get('latest', format))?.document.bytes.toString() ?? '';
          expect(countIn(text), 'a GET shows what was acknowledged before it').toBeGreaterThanOrEqual(least);
        }
      };

      await scheduler.waitFor(Promise.all([...Array.from({ length: WRITERS }, write), ...FORMATS.map(read)]));

      const last = await real.find('a');
      expect([last?.article.title, last?.revision]).toEqual([`Count ${WRITERS}`, WRITERS + 1]);
      for (const format of FORMATS) {
        const reading = scheduler.waitFor(documentCache.get('latest', format));
        expect(countIn((await reading)?.document.bytes.toString() ?? '')).toBe(WRITERS);
      }
      await real.close();
    }),
    { numRuns: sized({ short: 4, soak: 25, full: 2000 }) },
  );

  expect(failed, 'some writers wrote between the reading and the writing of another').toBeGreaterThan(0);
});

test('without a condition, updates are lost: the test above would notice', async () => {
  const losses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const real = openSqliteStore(':memory:');
      const store = scheduledStore(real, scheduler);
      const parts = { parse: parseHere(newsroom), now: () => NOW, announce: () => {} };
      await createPublisher({ ...parts, store: real }).publish([unparsedRecord(titled(0))]);
      const publisher = createPublisher({ ...parts, store });
      const write = async () => {
        const found = await store.find('a');
        await publisher.publish([unparsedRecord(titled(countIn(found?.article.title ?? '') + 1))]);
      };
      await scheduler.waitFor(Promise.all(Array.from({ length: 3 }, write)));
      losses.add(3 - countIn((await real.find('a'))?.article.title ?? ''));
      await real.close();
    }),
    { numRuns: sized({ short: 10, soak: 20, full: 500 }) },
  );

  expect(Math.max(...losses)).toBeGreaterThan(0);
});

test('ten clients write several times each over HTTP: the record has all updates, and readers get complete documents', async () => {
  const EACH = sized({ short: 2, soak: 6, full: 200 });
  const { port, get, put } = await startApi();
  await put('/a', { body: titled(0) });
  let acknowledged = 0;
  let writing = true;

  const write = async () => {
    for (let done = 0; done < EACH; ) {
      const { text, headers } = await get('/a');
      const count = countIn(JSON.parse(text).record.title);
      const { status } = await put('/a', { body: titled(count + 1), headers: { 'If-Match': headers.etag } });
      expect([200, 412]).toContain(status);
      if (status === 412) continue;
      acknowledged = Math.max(acknowledged, count + 1);
      done += 1;
    }
  };
  const read = async (format: (typeof FORMATS)[number]) => {
    let last = 0;
    let times = 0;
    for (; writing; times += 1) {
      const least = Math.max(acknowledged, last);
      const { status, headers, text } = await ask(port, `/feeds/latest.${format}`);
      expect([status, Number(headers['content-length'])]).toEqual([200, Buffer.byteLength(text)]);
      if (format === 'json') expect(JSON.parse(text).items).toHaveLength(1);
      else assertWellFormed(text);
      last = countIn(text);
      expect(last, 'never older than an acknowledged or an earlier count').toBeGreaterThanOrEqual(least);
    }
    return times;
  };

  const reading = Promise.all(FORMATS.map(read));
  await Promise.all(Array.from({ length: WRITERS }, write)).finally(() => {
    writing = false;
  });
  const times = await reading;
  const { text, headers } = await get('/a');

  expect([countIn(JSON.parse(text).record.title), headers.etag]).toEqual([WRITERS * EACH, `"${WRITERS * EACH + 1}"`]);
  expect(Math.min(...times)).toBeGreaterThan(3);
});

test('ten clients create the same article with If-None-Match: one of them succeeds', async () => {
  const { put } = await startApi();
  const answers = await Promise.all(
    Array.from({ length: WRITERS }, (_, count) =>
      put('/a', { body: titled(count), headers: { 'If-None-Match': '*' } }),
    ),
  );

  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(WRITERS - 1).fill(412)]);
});
