import { describe, expect, test } from 'vitest';
import { DAY, HOUR, listing, MINUTE, NOW, partner, room, stories } from './room.ts';

const dialect = listing();

type Room = Awaited<ReturnType<typeof room>>;

/** The story `a`, published a minute ago, with these fields. */
const story = (fields: object) =>
  stories(['a'], fields).map((one) => ({ ...one, publishedAt: new Date(NOW - MINUTE) }));
const inSection = (...sections: string[]) => story({ sections });

async function changed({ publish, clock }: Room, after: number, ...records: object[]): Promise<void> {
  clock.now += after;
  await publish(...records);
}

describe('a story that leaves a partner’s feeds', () => {
  test.each<[string, string, object, object]>([
    ['its section', 'feeds: [section/world]', { sections: ['World'] }, { sections: ['Sport'] }],
    ['its tag', 'feeds: [tag/river]', { tags: ['river'] }, { tags: ['lake'] }],
    ['its author', 'feeds: [author/ada]', { authors: [{ name: 'Ada' }] }, { authors: [{ name: 'Bob' }] }],
    ['its language', 'feeds: [language/de]', { language: 'de' }, { language: 'en' }],
    ['its urgency', 'select: { any: [latest], urgency: 4 }', { urgency: 3 }, { urgency: 6 }],
    ['an urgency', 'select: { any: [latest], urgency: 4 }', { urgency: 4 }, {}],
    ['its selection', 'select: { any: [section/world], none: [tag/x] }', { sections: ['World'] }, { tags: ['x'] }],
    ['its partners', 'feeds: [latest]', {}, { rights: { partners: ['paper'] } }],
    [
      'some of its partners',
      'feeds: [latest]',
      { rights: { partners: ['wire', 'x'] } },
      { rights: { partners: ['x'] } },
    ],
    ['its acceptable title', 'feeds: [latest]', {}, { title: 'bad' }],
  ])('by %s has a mark until it is back, or the retention is over', async (_, lines, before, after) => {
    const wire = partner('wire', `${lines}\nretention: { days: 2 }`);
    const name = wire.select === undefined ? String(wire.feeds[0]) : 'selection';
    const made = await room([wire], { dialect });
    const modified = async () => (await made.documents.get(wire, name, 'json'))?.lastModified ?? 0;
    await made.publish(...story(before));
    const seen = [await made.ids(wire, name)];
    const dates = [await modified()];
    for (const fields of [after, before, after]) {
      await changed(made, MINUTE, ...story(fields));
      seen.push(await made.ids(wire, name));
      dates.push(await modified());
    }
    made.clock.now += 2 * DAY - 1;
    seen.push(await made.ids(wire, name));
    made.clock.now += 1;
    seen.push(await made.ids(wire, name));
    dates.push(await modified());

    expect(seen).toEqual([['a'], ['-a'], ['a'], ['-a'], ['-a'], []]);
    expect(dates).toEqual([...new Set(dates)].toSorted((one, other) => one - other));
  });

  test.each<[string, string, (made: Room) => Promise<unknown>]>([
    ['before its delay is over', 'delay: { hours: 1 }', (made) => made.publish(...inSection('Sport'))],
    [
      'and is withdrawn then',
      'delay: { hours: 1 }',
      async (made) => {
        await made.publish(...inSection('Sport'));
        return made.withdraw('a');
      },
    ],
  ])('%s has none', async (_, lines, leave) => {
    const wire = partner('wire', `feeds: [section/world]\n${lines}`);
    const made = await room([wire], { dialect });
    await made.publish(...inSection('World'));
    const before = await made.text(wire, 'section/world');
    await leave(made);
    expect(await made.text(wire, 'section/world')).toBe(before);
    made.clock.now += 2 * HOUR;
    expect(await made.text(wire, 'section/world')).toBe(before);
  });

  test('that was never for the partner has none', async () => {
    const wire = partner('wire', 'feeds: [section/world]');
    const made = await room([wire], { dialect });
    await made.publish(...story({ sections: ['World'], rights: { partners: ['paper'] } }));
    await changed(made, MINUTE, ...inSection('Sport'));
    await made.withdraw('a');
    expect(await made.ids(wire, 'section/world')).toEqual([]);
  });

  test('under embargo has none', async () => {
    const wire = partner('wire', 'feeds: [section/world]');
    const made = await room([wire], { dialect });
    const embargoed = (section: string) =>
      stories(['a'], { sections: [section] }).map((one) => ({ ...one, embargoUntil: new Date(NOW + HOUR) }));
    await made.publish(...embargoed('World'));
    await changed(made, MINUTE, ...embargoed('Sport'));
    made.clock.now += 2 * HOUR;
    expect(await made.ids(wire, 'section/world')).toEqual([]);
  });

  test('keeps its mark for as long again when it is withdrawn, erased, or ends later', async () => {
    const wire = partner('wire', 'feeds: [section/world]\nretention: { hours: 10 }');
    const made = await room([wire], { dialect });
    const ids = ['withdrawn', 'erased', 'expired', 'unlicensed'];
    const end = new Date(NOW + 5 * HOUR).toISOString();
    const fields = { expired: { expiresAt: end }, unlicensed: { rights: { endsAt: end } } } as Record<string, object>;
    const all = (section: string) =>
      ids.flatMap((id) =>
        stories([id], { sections: [section], ...fields[id] }).map((one) => ({
          ...one,
          publishedAt: new Date(NOW - MINUTE),
        })),
      );
    await made.publish(...all('World'));
    await changed(made, HOUR, ...all('Sport'));
    const marks = ids.map((id) => `-${id}`).toSorted();
    const listed = async () => (await made.ids(wire, 'section/world')).toSorted();
    expect(await listed()).toEqual(marks);
    made.clock.now = NOW + 5 * HOUR;
    await made.withdraw('withdrawn');
    await made.erase('erased');
    made.clock.now = NOW + 15 * HOUR - 1;
    expect(await listed()).toEqual(marks);
    made.clock.now = NOW + 15 * HOUR + 2000;
    expect(await listed()).toEqual([]);
  });
});

describe('a story that moves between feeds of a partner', () => {
  const wire = partner('wire', 'feeds: [section/world, section/sport]\nretention: { hours: 10 }');
  const both = async (made: Room) => [await made.ids(wire, 'section/world'), await made.ids(wire, 'section/sport')];

  test('is licensed on, and has no mark in the feed that it left', async () => {
    const made = await room([wire], { dialect });
    await made.publish(...inSection('World'));
    await changed(made, MINUTE, ...inSection('Sport'));
    expect(await both(made)).toEqual([[], ['a']]);
  });

  test.each<[string, object, (made: Room) => Promise<unknown>, number]>([
    ['is withdrawn', {}, (made) => made.withdraw('a'), 0],
    ['is erased', {}, (made) => made.erase('a'), 0],
    ['leaves the other feed as well', {}, (made) => made.publish(...inSection('Culture')), 0],
    [
      'goes to other partners',
      {},
      (made) => made.publish(...story({ sections: ['Sport'], rights: { partners: ['x'] } })),
      0,
    ],
    ['expires', { expiresAt: new Date(NOW + HOUR).toISOString() }, async () => {}, 0],
    ['loses its rights', { rights: { endsAt: new Date(NOW + HOUR).toISOString() } }, async () => {}, 0],
  ])('has a mark in both when it %s', async (_, fields, end) => {
    const made = await room([wire], { dialect });
    await made.publish(...story({ sections: ['World'], ...fields }));
    await changed(made, MINUTE, ...story({ sections: ['Sport'], ...fields }));
    expect(await both(made)).toEqual([[], ['a']]);
    const before = await made.documents.get(wire, 'section/world', 'json');
    made.clock.now = NOW + HOUR;
    await end(made);

    const marked = await made.documents.get(wire, 'section/world', 'json');
    expect(await both(made)).toEqual([['-a'], ['-a']]);
    expect(marked?.lastModified).toBeGreaterThan(before?.lastModified ?? 0);
    made.clock.now = NOW + 11 * HOUR + 2000;
    expect(await both(made)).toEqual([[], []]);
  });

  test('leaves the feed without a mark when the partner forgot that it was there', async () => {
    const made = await room([wire], { dialect });
    await made.publish(...inSection('World'));
    await changed(made, MINUTE, ...inSection('Sport'));
    made.clock.now += 10 * HOUR;
    await made.withdraw('a');
    expect(await both(made)).toEqual([[], ['-a']]);
  });
});

describe('a story that a rule refuses', () => {
  test('has a mark only if it was corrected after it appeared', async () => {
    const wire = partner('wire');
    const made = await room([wire], { dialect });
    await made.publish(...stories(['a', 'b'], { title: 'bad' }));
    expect(await made.ids(wire)).toEqual([]);
  });

  test('because it is old has none, whether it was corrected or not', async () => {
    const old = listing(new Map(), {
      rules: dialect.rules.slice(0, 1).map((rule) => ({
        ...rule,
        breach: ({ article }, at) => (at - article.publishedAt > DAY ? 'is old' : undefined),
      })),
    });
    const wire = partner('wire');
    const made = await room([wire], { dialect: old });
    await made.publish(...story({}));
    await changed(made, MINUTE, ...story({ title: 'Corrected' }));
    expect(await made.ids(wire)).toEqual(['a']);
    made.clock.now += 2 * DAY;
    expect(await made.ids(wire)).toEqual([]);
  });
});

test('another partner’s documents stay as they are when a story leaves', async () => {
  const [wire, paper] = [partner('wire', 'feeds: [section/world]'), partner('paper', 'feeds: [section/culture]')];
  const made = await room([wire, paper], { dialect });
  await made.publish(...inSection('World'));
  await changed(made, MINUTE, ...inSection('Sport'));
  expect([await made.ids(wire, 'section/world'), await made.ids(paper, 'section/culture')]).toEqual([['-a'], []]);
});
