import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Partner } from '../../src/config/partners.ts';
import { sized } from '../soak/sizes.ts';
import { HOUR, MINUTE, NOW, partner, room } from './room.ts';

/** A story and its later versions. Moments are minutes after the beginning. */
interface Plan {
  readonly id: string;
  readonly sections: readonly string[];
  /** When the record comes, and when it is published. */
  readonly comes: number;
  readonly published: number;
  readonly corrected?: number;
  /** What the correction changes besides the title. */
  readonly moved: { readonly sections?: readonly string[]; readonly rights?: { readonly partners: readonly string[] } };
  readonly withdrawn?: number;
  readonly expires?: number;
  readonly rightsEnd?: number;
}

const RUNS = sized({ short: 3, soak: 40, full: 4000 });
const DELAYS = [0, 7 * MINUTE, HOUR];
const START = NOW;

const plan = fc.record(
  {
    sections: fc.constantFrom([], ['World'], ['World', 'Sport']),
    comes: fc.integer({ min: 0, max: 60 }),
    published: fc.integer({ min: -30, max: 150 }),
    corrected: fc.integer({ min: 1, max: 90 }),
    moved: fc.constantFrom(
      {},
      { sections: [] },
      { sections: ['Sport'] },
      { sections: ['World'] },
      { rights: { partners: ['after7', 'own60'] } },
    ),
    withdrawn: fc.integer({ min: 1, max: 120 }),
    expires: fc.integer({ min: 151, max: 200 }),
    rightsEnd: fc.integer({ min: 30, max: 200 }),
  },
  { requiredKeys: ['sections', 'comes', 'published', 'moved'] },
);

const iso = (minutes: number) => new Date(START + minutes * MINUTE).toISOString();

function recordOf({ id, sections, published, expires, rightsEnd }: Plan, version: number): object {
  return {
    id,
    url: `https://news.example/${id}`,
    title: `Story ${id}, version ${version}`,
    sections,
    publishedAt: iso(published),
    ...(expires === undefined ? {} : { expiresAt: iso(expires) }),
    ...(rightsEnd === undefined ? {} : { rights: { endsAt: iso(rightsEnd) } }),
  };
}

type Room = Awaited<ReturnType<typeof room>>;

/** What happens, in the order of time. */
function eventsOf(
  plans: readonly Plan[],
): { readonly at: number; readonly id: string; readonly act: (to: Room) => Promise<unknown> }[] {
  return plans
    .flatMap((each) => {
      const { id, comes, corrected = Number.POSITIVE_INFINITY, withdrawn = Number.POSITIVE_INFINITY } = each;
      const put = { at: comes, id, act: (to: Room) => to.publish(recordOf(each, 1)) };
      const correct = {
        at: corrected,
        id,
        act: (to: Room) => to.publish({ ...recordOf(each, 2), updatedAt: iso(corrected), ...each.moved }),
      };
      const withdraw = { at: withdrawn, id, act: (to: Room) => to.withdraw(id) };
      return [put, correct, withdraw].filter(({ at }) => at >= comes && Number.isFinite(at));
    })
    .sort((one, other) => one.at - other.at);
}

const partners = DELAYS.map((delay) =>
  partner(`after${delay / MINUTE}`, `feeds: [latest, section/world]\ndelay: { minutes: ${delay / MINUTE} }`),
).concat(
  DELAYS.map((delay) =>
    partner(`own${delay / MINUTE}`, `select: { any: [section/world] }\ndelay: { minutes: ${delay / MINUTE} }`),
  ),
);

/** Whether a story leaves a selection of World before it appears there, or never comes to it. */
function isNeverIn({ select, delay }: Partner, { sections, comes, published, corrected, moved }: Plan): boolean {
  if (select === undefined) return false;
  const isMoved = corrected !== undefined && corrected >= comes && moved.sections !== undefined;
  const [was, is] = [sections, isMoved ? moved.sections : sections].map((some) => some.includes('World'));
  if (isMoved && was && !is) return corrected < published + delay / MINUTE;
  return !was && !is;
}

/** All that an answer tells: bytes, tags and date, in each format. */
async function told(of: Room, own: (typeof partners)[number]) {
  const names = own.select === undefined ? own.feeds : ['selection'];
  const documents = names.flatMap((name) =>
    (['rss', 'atom', 'json'] as const).map((format) => of.documents.get(own, name, format)),
  );
  return (await Promise.all(documents)).map((found) => ({
    text: found?.document.bytes.toString(),
    tag: found?.etag('identity'),
    date: found?.lastModified,
  }));
}

describe('a story that a partner may not see yet', () => {
  test('is in no byte, tag or date: the answers are those of a store that never had it', {
    tags: ['soak'],
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(plan, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 220 }),
        async (given, moment) => {
          const plans = given.map((each, index): Plan => ({ ...each, id: `s${index}` }));
          const whole = await room(partners);
          const events = eventsOf(plans).filter(({ at }) => at <= moment);
          for (const { at, act } of events) {
            whole.clock.now = START + at * MINUTE;
            await act(whole);
          }
          for (const own of partners) {
            // Published by then with its delay, at the latest when its record comes.
            const hidden = new Set(
              plans
                .filter((each) => each.published * MINUTE + own.delay > moment * MINUTE || isNeverIn(own, each))
                .map(({ id }) => id),
            );
            if (hidden.size === 0) continue;
            const without = await room(partners);
            for (const { at, id, act } of events) {
              without.clock.now = START + at * MINUTE;
              if (!hidden.has(id)) await act(without);
            }
            whole.clock.now = START + moment * MINUTE;
            without.clock.now = whole.clock.now;
            expect(await told(whole, own)).toEqual(await told(without, own));
            await without.store.close();
          }
          await whole.store.close();
        },
      ),
      { numRuns: RUNS },
    );
  });

  test.each(DELAYS)(
    'appears at its moment, after a delay of %d milliseconds, and not a second before',
    async (delay) => {
      const own = partner('own', `feeds: [latest]\ndelay: { minutes: ${delay / MINUTE} }`);
      const it = await room([own]);
      await it.publish({ id: 'a', title: 'Secret', publishedAt: iso(30) });
      const appears = START + 30 * MINUTE + delay;
      const before = await told(it, own);
      it.clock.now = appears - 1;
      expect(await told(it, own)).toEqual(before);
      expect(JSON.stringify(before)).not.toContain('Secret');
      it.clock.now = appears;
      for (const { text, date } of await told(it, own))
        expect([text?.includes('Secret'), date]).toEqual([true, appears]);
    },
  );

  test.each<[string, (of: Room) => Promise<unknown>]>([
    ['withdrawn', (of) => of.withdraw('a')],
    ['corrected', (of) => of.publish({ id: 'a', title: 'Corrected', publishedAt: iso(0) })],
    ['moved again', (of) => of.publish({ id: 'a', sections: ['Culture'], publishedAt: iso(0) })],
  ])('and that leaves its feeds before then moves no date when it is %s', async (_name, change) => {
    const own = partner('own', 'feeds: [section/world]\ndelay: { hours: 1 }');
    const it = await room([own]);
    await it.publish({ id: 'a', sections: ['World'], publishedAt: iso(0) });
    it.clock.now += MINUTE;
    await it.publish({ id: 'a', sections: ['Sport'], publishedAt: iso(0) });
    it.clock.now += 2 * HOUR;
    await change(it);
    expect((await told(it, own)).map(({ date }) => date)).toEqual([0, 0, 0]);
  });
});
