// @module-tag soak
import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeFolder, PUBLICATION, put, record } from '../../helpers.ts';
import { sized } from '../../soak/sizes.ts';
import { exporter, memoryTarget, NOW } from './site.ts';

const HOUR = 3_600_000;
const STORIES = 9;
const RUNS = sized({ short: 1, soak: 40, full: 400 });

/** Documents of two entries: nine stories make an archive. */
const SMALL = `${PUBLICATION}entries: 2\n`;

const story = fc.record({
  number: fc.integer({ min: 1, max: STORIES }),
  title: fc.constantFrom('As it was', 'Corrected', 'Another'),
  /** Hours from the moment of the first export: a story may be under embargo. */
  published: fc.integer({ min: -40, max: 6 }),
  expires: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
  section: fc.constantFrom('One', 'Two'),
  tag: fc.option(fc.constantFrom('Rare', 'rare'), { nil: undefined }),
});

const step = fc.record({
  put: fc.array(story, { maxLength: 3 }),
  removed: fc.option(fc.integer({ min: 1, max: STORIES }), { nil: undefined }),
  /** Hours. */
  later: fc.integer({ min: 0, max: 3 }),
});

test('an export after changes leaves the same files as a first one', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 4 }), async (steps) => {
      const folder = await makeFolder({ 'publication.yaml': SMALL });
      try {
        const target = memoryTarget();
        const { write } = exporter(folder, () => target);
        let now = NOW;
        for (const [index, { put: stories, removed, later }] of steps.entries()) {
          now += later * HOUR + 1;
          for (const each of stories) await put(folder, `articles/${each.number}.json`, recordOf(each));
          if (removed !== undefined) await rm(`${folder}/articles/${removed}.json`, { force: true });
          await write({ now: () => now });
          const fresh = { ...memoryTarget(), name: `fresh ${index}` };
          await exporter(folder, () => fresh).write({ now: () => now });
          expect(documents(target.files)).toEqual(documents(fresh.files));
        }
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS },
  );
});

function recordOf({
  number,
  title,
  published,
  expires,
  section,
  tag,
}: typeof story extends fc.Arbitrary<infer Story> ? Story : never): string {
  const iso = (hours: number) => new Date(NOW + hours * HOUR).toISOString();
  return JSON.stringify(
    record({
      id: `s${number}`,
      url: `https://news.example/s${number}`,
      title: `${title} ${number}`,
      sections: [section],
      tags: tag === undefined ? [] : [tag],
      publishedAt: iso(published),
      ...(expires === undefined || expires <= published ? {} : { expiresAt: iso(expires) }),
    }),
  );
}

/** The files without the manifest, whose dates tell when a document was looked at. */
function documents(files: ReadonlyMap<string, Buffer>): Record<string, string> {
  const all = [...files].filter(([file]) => !file.startsWith('manifest'));
  return Object.fromEntries(all.map(([file, bytes]) => [file, bytes.toString('base64')]).toSorted());
}
