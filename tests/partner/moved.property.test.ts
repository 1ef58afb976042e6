// @module-tag soak
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sized } from '../soak/sizes.ts';
import { listing, MINUTE, NOW, partner, room } from './room.ts';

const FEEDS = ['section/world', 'section/sport'] as const;
const RETENTION = 20;
const DELAY = 2;
const wire = partner(
  'wire',
  `feeds: [${FEEDS.join(', ')}]\ndelay: { minutes: ${DELAY} }\nretention: { minutes: ${RETENTION} }`,
);

/** Times in this file are minutes. */
interface Step {
  readonly wait: number;
  readonly id: string;
  readonly change: 'withdraw' | { readonly sections: readonly string[]; readonly isForOthers: boolean };
}

const step: fc.Arbitrary<Step> = fc.record({
  wait: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 30 })),
  id: fc.constantFrom('a', 'b'),
  change: fc.oneof(
    { weight: 1, arbitrary: fc.constant('withdraw' as const) },
    {
      weight: 4,
      arbitrary: fc.record({
        sections: fc.constantFrom([], ['world'], ['sport'], ['world', 'sport']),
        isForOthers: fc.integer({ min: 0, max: 5 }).map((one) => one === 0),
      }),
    },
  ),
});

/** What the partner has seen of a story, by the words of docs/partner-changes.md. */
interface Modelled {
  readonly published: number;
  feeds: readonly string[];
  withdrawn: number | undefined;
  changed: number;
  /** By feed: until when its documents had the story. */
  readonly had: Map<string, number>;
}

function isLicensed({ feeds, withdrawn }: Modelled): boolean {
  return feeds.length > 0 && withdrawn === undefined;
}

/** Notes what the documents had before a change. */
function passTo(story: Modelled, at: number): void {
  if (isLicensed(story) && Math.max(story.changed, story.published + DELAY) <= at)
    for (const feed of story.feeds) story.had.set(feed, at);
  story.changed = at;
}

function lineOf(id: string, story: Modelled, feed: string, at: number): string[] {
  if (isLicensed(story)) return story.feeds.includes(feed) && story.published + DELAY <= at ? [id] : [];
  const had = story.had.get(feed);
  if (had === undefined) return [];
  const last = Math.max(...story.had.values());
  const { withdrawn } = story;
  const lost = withdrawn !== undefined && withdrawn < last + RETENTION ? withdrawn : last;
  return lost < had + RETENTION && at < lost + RETENTION ? [`-${id}`] : [];
}

test('each document has the stories and the marks that the words of the page say, and another date with each change', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), follow), {
    numRuns: sized({ short: 6, soak: 200, full: 20_000 }),
  });
});

async function follow(steps: readonly Step[]): Promise<void> {
  const made = await room([wire], { dialect: listing() });
  const stories = new Map<string, Modelled>();
  const last = new Map<string, { readonly at: number; readonly lines: string; readonly date: number }>();
  let now = 0;

  async function look(): Promise<void> {
    made.clock.now = NOW + now * MINUTE;
    for (const feed of FEEDS) {
      const lines = (await made.ids(wire, feed)).toSorted().join();
      const expected = [...stories].flatMap(([id, story]) => lineOf(id, story, feed, now));
      expect([now, feed, lines]).toEqual([now, feed, expected.toSorted().join()]);
      const date = (await made.documents.get(wire, feed, 'json'))?.lastModified ?? 0;
      const before = last.get(feed);
      // Time and a change of one second have one date.
      const isLater = before !== undefined && before.date < NOW + before.at * MINUTE;
      if (isLater && before.lines !== lines) expect(date).toBeGreaterThan(before.date);
      if (before !== undefined) expect(date).toBeGreaterThanOrEqual(before.date);
      last.set(feed, { at: now, lines, date });
    }
  }

  async function apply(id: string, change: Step['change']): Promise<void> {
    const known = stories.get(id);
    if (change === 'withdraw') {
      if (known === undefined || known.withdrawn !== undefined) return;
      passTo(known, now);
      known.withdrawn = now;
      await made.withdraw(id);
      return;
    }
    const story = known ?? { published: now, feeds: [], withdrawn: undefined, changed: now, had: new Map() };
    stories.set(id, story);
    passTo(story, now);
    story.withdrawn = undefined;
    story.feeds = change.isForOthers ? [] : change.sections.map((section) => `section/${section}`);
    await made.publish({
      id,
      title: `${id} at ${now}`,
      url: `https://news.example/${id}`,
      publishedAt: new Date(NOW + story.published * MINUTE).toISOString(),
      sections: change.sections,
      ...(change.isForOthers ? { rights: { partners: ['paper'] } } : {}),
    });
  }

  for (const { wait, id, change } of steps) {
    for (const until = now + wait; now < until; ) {
      now += 1;
      await look();
    }
    await apply(id, change);
    await look();
  }
  for (let minutes = 0; minutes <= 2 * RETENTION; minutes += 1) {
    now += 1;
    await look();
  }
  await made.store.close();
}
