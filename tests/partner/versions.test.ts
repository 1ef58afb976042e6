import { expect, test } from 'vitest';
import { DIALECTS_BY_NAME } from '../../src/format/dialect/registry.ts';
import { createChangeItems } from '../../src/partner/change-items.ts';
import { createChangeFeed } from '../../src/partner/changes.ts';
import { lastChangeIn } from '../../src/partner/last-change.ts';
import { MINUTE, NOW, partner, room, stories } from './room.ts';

/** Consumers of ninjs and MSN drop an item that is no newer than the one that they have. */

const agency = { ...partner('wire'), dialect: 'ninjs' as const };
const [STORY] = stories(['a'], { body: '<p>A story.</p>' });

async function newsroom() {
  const own = await room([agency]);
  const { store, publication, clock } = own;
  const items = createChangeItems({ publication, dialects: DIALECTS_BY_NAME, report: () => {} });
  const feed = createChangeFeed({ store, now: () => clock.now, refusalOf: items.refusalOf });
  let position = await feed.begin(agency);

  /** The version of the story in the document, and in the change feed. */
  async function versions(): Promise<readonly number[]> {
    const { items: listed } = JSON.parse(await own.text(agency, 'latest', 'json'));
    const page = await feed.page(agency, position, 10);
    position = page.position;
    const [change] = items.render(page.changes, agency, 'ninjs');
    return [listed[0].version, JSON.parse(change ?? '{}').item?.version].map(Number);
  }

  return { ...own, versions };
}

test('each state of a story has a later version, also without a new updatedAt', async () => {
  const { publish, withdraw, clock, versions } = await newsroom();
  const steps: (() => Promise<unknown>)[] = [
    () => publish({ ...STORY }),
    () => publish({ ...STORY, title: 'A title without a mistake' }),
    () => withdraw('a'),
    () => publish({ ...STORY }),
    () => publish({ ...STORY, rights: { endsAt: new Date(clock.now + 2 * MINUTE).toISOString() } }),
    async () => {
      clock.now += 2 * MINUTE;
    },
    () => publish({ ...STORY, title: 'Its rights are longer now' }),
    () => withdraw('a'),
  ];
  let last = 0;
  for (const step of steps) {
    clock.now += MINUTE;
    await step();
    const [inDocument = 0, inChanges] = await versions();
    expect(inChanges).toBe(inDocument);
    expect(inDocument).toBeGreaterThan(last);
    last = inDocument;
  }
});

test('each state of a story is newer for MSN than the one before', async () => {
  const msn = { ...partner('msn'), dialect: 'msn' as const };
  const { publish, withdraw, clock, text } = await room([msn]);
  const story = {
    ...STORY,
    title: 'A title of more than twenty letters',
    body: `<p>${'A story of many words. '.repeat(60)}</p>`,
    image: { url: 'https://pictures.example/a.jpg', type: 'image/jpeg', width: 1920, height: 1080 },
  };
  const modified = async () => Date.parse(/modified>([^<]+)</.exec(await text(msn, 'latest', 'rss'))?.[1] ?? '');
  const endsAt = new Date(clock.now + 4 * MINUTE).toISOString();
  await publish(story);
  expect(await modified()).toBeNaN();
  const steps: (() => Promise<unknown>)[] = [
    () => withdraw('a'),
    () => publish(story),
    () => publish({ ...story, title: 'Another title of more than twenty letters', rights: { endsAt } }),
    async () => {}, // its rights end
    () => publish(story),
  ];
  for (const step of steps) {
    clock.now += MINUTE;
    await step();
    expect(await modified()).toBe(clock.now);
  }
});

test.each<[dialect: 'ninjs' | 'msn' | 'smartnews', date: RegExp]>([
  ['ninjs', /"version":"(\d+)"/],
  ['msn', /modified>([^<]+)</],
  ['smartnews', /<item>.*?<pubDate>([^<]+)</s],
])('%s: states of a story within one second have later dates', async (dialect, date) => {
  const own = { ...partner('own', 'feeds: [section/world]'), dialect };
  const { publish, withdraw, clock, text } = await room([own]);
  const title = 'A title of more than twenty letters';
  const story = { ...STORY, title, body: '<p>A story.</p>', sections: ['World'] };
  const dateNow = async () => {
    const [, found = ''] = date.exec(await text(own, 'section/world', dialect === 'ninjs' ? 'json' : 'rss')) ?? [];
    return /^\d+$/.test(found) ? Number(found) * 1000 : Date.parse(found);
  };
  const move = () => publish({ ...story, sections: ['Sport'] });
  const states = [
    () => publish({ ...story, title: `${title} and more` }),
    ...[move, () => publish(story), () => withdraw('a'), () => publish(story)],
    ...[() => withdraw('a'), () => publish(story), move, () => publish({ ...story, title: `${title} again` })],
  ];
  await publish(story);
  const dates: number[] = [];
  for (const change of states) {
    clock.now += 1;
    await change();
    dates.push(await dateNow());
  }

  expect(dates).toEqual([...new Set(dates)].sort((one, other) => one - other));
  clock.now += MINUTE;
  await move();
  await publish(story);
  expect(await dateNow()).toBeLessThan(clock.now + 3000);
});

test('a story that is saved each second has dates that grow, and stay near the present', () => {
  const history = Array.from({ length: 1000 }, (_, index) => ({
    ...({ what: index === 0 ? 'published' : 'corrected', status: 'visible' } as const),
    ...{ at: NOW + index * 1000, revision: index },
  }));
  const dates = history.slice(1).map(({ revision }) => lastChangeIn(history, revision).datedAt ?? 0);
  const ahead = dates.map((date, index) => date - NOW - (index + 1) * 1000);

  expect(dates).toEqual([...new Set(dates)].sort((one, other) => one - other));
  expect(Math.min(...ahead)).toBe(0);
  expect(Math.max(...ahead)).toBe(60_000);
});
