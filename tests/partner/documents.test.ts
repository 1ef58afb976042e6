import { describe, expect, test } from 'vitest';
import { MOST_TAKEN_BACK } from '../../src/store/partner-store.ts';
import { CONFIGURED_AT } from '../../src/store/store.ts';
import { DAY, HOUR, listing, MINUTE, NOW, partner, room, stories } from './room.ts';

const dialect = listing();

describe('the window of a partner', () => {
  test.each<[string, string, readonly string[]]>([
    ['that of the dialect', 'feeds: [latest]', ['g', 'f', 'e', 'd', 'c']],
    ['of two', 'feeds: [latest]\nwindow: { entries: 2 }', ['g', 'f']],
    ['of two after three', 'feeds: [latest]\nwindow: { entries: 2, offset: 3 }', ['d', 'c']],
    ['of three minutes', 'feeds: [latest]\nwindow: { minutes: 3 }', ['g', 'f']],
    ['of more than there is', 'feeds: [latest]\nwindow: { entries: 100 }', ['g', 'f', 'e', 'd', 'c', 'b', 'a']],
    ['after all there is', 'feeds: [latest]\nwindow: { offset: 100 }', []],
  ])('%s', async (_, lines, expected) => {
    const { publish, ids } = await room([partner('wire', lines)], { dialect });
    await publish(...stories(['a', 'b', 'c', 'd', 'e', 'f', 'g']));
    expect(await ids()).toEqual(expected);
  });

  test('has older stories in the place of those that are left out', async () => {
    const { publish, ids, reads } = await room([partner('wire', 'feeds: [latest]\nwindow: { entries: 3 }')], {
      dialect,
    });
    await publish(
      ...stories(['a', 'b', 'c']),
      ...stories(
        Array.from({ length: 12 }, (_, index) => `bad${index}`),
        { title: 'bad' },
      ).map((story, index) => ({ ...story, publishedAt: new Date(NOW - 30_000 + index * 1000).toISOString() })),
    );
    expect(await ids()).toEqual(['c', 'b', 'a']);
    expect(reads.articles).toBe(15);
  });

  test('reads a bounded part of the feed', async () => {
    const { publish, ids, reads } = await room([partner('wire', 'feeds: [latest]\nwindow: { entries: 1 }')], {
      dialect,
    });
    await publish(
      ...stories(['a']),
      ...stories(
        Array.from({ length: 20 }, (_, index) => `b${index}`),
        { title: 'bad' },
      ).map((story, index) => ({ ...story, publishedAt: new Date(NOW - 30_000 + index * 1000).toISOString() })),
    );
    expect(await ids()).toEqual([]);
    expect(reads.articles).toBe(10);
  });

  test('is named by stories that are too old, also where the window has room for one', async () => {
    const wire = partner('wire', 'feeds: [section/harbour-news]\nwindow: { entries: 1, minutes: 5 }');
    const { publish, documents } = await room([wire], { dialect });
    const named = { sections: ['Harbour News'] };
    await publish(
      ...stories(['a'], named).map((story) => ({ ...story, publishedAt: new Date(NOW - HOUR).toISOString() })),
      ...stories(['b'], { ...named, rights: { partners: ['paper'] } }).map((story) => ({
        ...story,
        publishedAt: new Date(NOW - HOUR / 2).toISOString(),
      })),
    );
    const made = await documents.get(wire, 'section/harbour-news', 'json');
    expect(made?.document.feed.title).toContain('Harbour News');
  });

  test('loses a story when it is too old, and the date of the document says when', async () => {
    const wire = partner('wire', 'feeds: [latest]\nwindow: { minutes: 3 }\ndelay: { minutes: 1 }');
    const { publish, documents, clock, ids } = await room([wire], { dialect });
    await publish(...stories(['a', 'b']));
    const leaves = NOW - 2 * MINUTE + 4 * MINUTE;
    clock.now = leaves - 1;
    expect(await ids()).toEqual(['b', 'a']);
    clock.now = leaves;
    expect(await ids()).toEqual(['b']);
    expect((await documents.get(wire, 'latest', 'json'))?.document).toMatchObject({
      changedAt: leaves,
      nextChangeAt: leaves + MINUTE,
    });
  });
});

describe('a story', () => {
  test.each<[string, object, string, boolean]>([
    ['for everybody', {}, 'feeds: [latest]', true],
    ['for this partner', { rights: { partners: ['wire', 'paper'] } }, 'feeds: [latest]', true],
    ['for another partner', { rights: { partners: ['paper'] } }, 'feeds: [latest]', false],
    ['that is urgent enough', { urgency: 4 }, 'select: { any: [latest], urgency: 4 }', true],
    ['that is not urgent enough', { urgency: 5 }, 'select: { any: [latest], urgency: 4 }', false],
    ['without an urgency, which is 5', {}, 'select: { any: [latest], urgency: 4 }', false],
    ['without an urgency, which is enough', {}, 'select: { any: [latest], urgency: 5 }', true],
    ['that the selection excludes', { sections: ['Sport'] }, 'select: { none: [section/sport] }', false],
    ['that the dialect refuses', { title: 'bad' }, 'feeds: [latest]', false],
    ['that cannot be rendered', { title: 'broken' }, 'feeds: [latest]', false],
  ])('%s, and its mark when it is withdrawn and when it is erased', async (_, fields, lines, isThere) => {
    const wire = partner('wire', lines);
    const name = wire.select === undefined ? 'latest' : 'selection';
    const { publish, withdraw, erase, ids } = await room([wire], { dialect: listing() });
    await publish(...stories(['a'], fields));
    const before = await ids(wire, name);
    await withdraw('a');
    const marked = await ids(wire, name);
    await erase('a');
    const isKnown = isThere || lines === 'feeds: [latest]' ? !('rights' in fields) || isThere : false;

    expect([before, marked]).toEqual([isThere ? ['a'] : [], isKnown ? ['-a'] : []]);
    expect(await ids(wire, name)).toEqual(marked);
  });

  test('appears when the delay is over, and a correction at once', async () => {
    const { publish, clock, ids, text } = await room(
      [partner('wire', 'feeds: [latest]\ndelay: { hours: 1 }\ncampaign: { v: x }')],
      { dialect },
    );
    await publish(...stories(['a']));
    const appears = NOW - MINUTE + HOUR;
    clock.now = appears - 1;
    expect(await text()).toBe('https://feeds.news.example/partners/wire/latest.json 1970-01-01T00:00:00.000Z\n\nend\n');
    clock.now = appears;
    expect(await ids()).toEqual(['a https://news.example/a?v=x']);
    await publish(
      ...stories(['a'], { url: 'https://news.example/new', updatedAt: new Date(appears).toISOString() }).map(
        (story) => ({ ...story, publishedAt: new Date(NOW - MINUTE).toISOString() }),
      ),
    );
    expect(await ids()).toEqual(['a https://news.example/new?v=x']);
  });

  test('that is gone has a mark at the top until the retention is over', async () => {
    const wire = partner('wire', 'feeds: [latest]\nretention: { days: 2 }');
    const { publish, withdraw, clock, ids, documents, text } = await room([wire], { dialect });
    await publish(...stories(['a', 'b', 'c']));
    const before = await documents.get(wire, 'latest', 'json');
    await withdraw('b');
    const after = await documents.get(wire, 'latest', 'json');
    expect(await ids()).toEqual(['-b', 'c', 'a']);
    expect(after?.lastModified).toBeGreaterThan(before?.lastModified ?? 0);
    expect(after?.document.partner?.revision).toBe(4);
    clock.now += 2 * DAY - 1;
    expect(await ids()).toEqual(['-b', 'c', 'a']);
    clock.now += 10_000; // a withdrawal may be dated a second later
    expect(await ids()).toEqual(['c', 'a']);
    expect(await text()).not.toContain('-b');
  });

  test('whose rights end is gone for partners at that moment', async () => {
    const { publish, clock, ids } = await room([partner('wire')], { dialect });
    await publish(...stories(['a'], { rights: { endsAt: new Date(NOW + HOUR).toISOString() } }));
    clock.now = NOW + HOUR - 1;
    expect(await ids()).toEqual(['a']);
    clock.now = NOW + HOUR;
    expect(await ids()).toEqual(['-a']);
  });

  test('that is erased leaves no text behind', async () => {
    const { publish, withdraw, erase, ids, documents } = await room(
      [partner('wire', 'feeds: [latest]\ncampaign: { v: x }')],
      { dialect },
    );
    await publish(...stories(['a']));
    await ids();
    await withdraw('a');
    await ids();
    await erase('a');
    await documents.forgetErased();
    expect(documents.counts().count).toBe(0);
    expect(await ids()).toEqual(['-a']);
  });
});

describe('what a document reaches', () => {
  const ALL = { storiesFrom: 0, storiesTo: Number.MAX_SAFE_INTEGER, endsFrom: 0, endsFromNumber: 0 };
  const at = (minutes: number) => NOW - minutes * MINUTE;

  test.each<[string, string, string, object]>([
    ['few stories', 'abc', '', {}],
    ['as many as the window has', 'abcde', '', { storiesFrom: at(5) }],
    ['more', 'abcdefg', '', { storiesFrom: at(5) }],
    ['more than the partner wants', 'abcde', 'window: { entries: 2 }', { storiesFrom: at(2) }],
    ['an offset', 'abc', 'window: { offset: 1 }', { storiesTo: at(2) }],
    ['an age', 'abc', 'window: { minutes: 2 }', { storiesFrom: at(2) + 1 }],
    ['no story at all', '', '', {}],
  ])('of %s', async (_name, ids, lines, reach) => {
    const { publish, documents } = await room([partner('wire', `feeds: [latest]\n${lines}`)], { dialect: listing() });
    if (ids !== '') await publish(...stories([...ids]));
    const made = await documents.get(partner('wire', `feeds: [latest]\n${lines}`), 'latest', 'json');
    expect(made?.document.partner?.reach).toEqual({ ...ALL, ...reach });
  });

  test('of more ends than it can have', async () => {
    const own = partner('wire');
    const { publish, withdraw, clock, documents, text, full } = await room([own], { dialect: listing() });
    const ids = Array.from({ length: MOST_TAKEN_BACK + 1 }, (_, index) => `s${index}`);
    await publish(...stories(ids));
    for (const id of ids) {
      clock.now += 1000;
      await withdraw(id);
    }
    const made = await documents.get(own, 'latest', 'json');
    const marks = (await text(own)).split('\n').filter((line) => line.startsWith('-s'));
    expect([marks.length, marks.at(-1)]).toEqual([MOST_TAKEN_BACK, '-s1']);
    expect(full).toEqual(['wire latest']);
    clock.now += own.retention - 1000;
    await text(own);
    await publish(...stories(['later']));
    await withdraw('later');
    await text(own);
    expect(full).toEqual(['wire latest']); // said once, as long as others do not leave the retention
    expect(made?.document.partner?.reach).toMatchObject({ endsFrom: NOW + 2000, endsFromNumber: expect.any(Number) });
  });
});

test('a feed without stories is an empty document: whether it exists would tell of a story under embargo', async () => {
  const wire = partner('wire', 'feeds: [section/world, latest]');
  const { publish, text } = await room([wire], { dialect });
  const before = [await text(wire, 'section/world'), await text(wire, 'latest')];
  await publish({ sections: ['World'], embargoUntil: new Date(NOW + HOUR).toISOString() });
  expect([await text(wire, 'section/world'), await text(wire, 'latest')]).toEqual(before);
  expect(before[0]).toBe(
    'https://feeds.news.example/partners/wire/section/world.json 1970-01-01T00:00:00.000Z\n\nend\n',
  );
});

test('there are no other feeds and formats than those of the partner', async () => {
  const [wire, own] = [partner('wire'), partner('own', 'select: { any: [section/world] }')];
  const { text, documents } = await room([wire, own], { dialect });
  expect([
    await text(wire, 'section/world'),
    await text(wire, 'selection'),
    await text(own, 'latest'),
    await text(own, 'partner/own'),
  ]).toEqual(['none', 'none', 'none', 'none']);
  expect([await text(wire, 'latest', 'rss'), await documents.formats(wire)]).toEqual(['none', ['json']]);
  expect(await documents.addresses(own)).toEqual(['https://feeds.news.example/partners/own/selection.json']);
});

describe('documents', () => {
  test('are kept until their own feed changes', async () => {
    const [one, other] = [
      partner('one', 'select: { any: [section/one] }'),
      partner('other', 'select: { any: [section/other] }'),
    ];
    const { publish, documents, reads } = await room([one, other], { dialect });
    const get = (own: typeof one) => documents.get(own, 'selection', 'json');
    await publish(...stories(['a'], { sections: ['One'] }), ...stories(['b'], { sections: ['Other'] }));
    const before = [await get(one), await get(other)];
    const { snapshots } = reads;
    await publish(...stories(['c'], { sections: ['One'] }));
    const after = [await get(one), await get(other)];

    expect(after[1]).toBe(before[1]);
    expect(after[0]).not.toBe(before[0]);
    expect(reads.snapshots).toBe(snapshots + 1);
  });

  test('that are made again and are still the same keep their codings', async () => {
    const wire = partner('wire', 'feeds: [latest]\ndelay: { hours: 1 }');
    const { publish, documents, clock } = await room([wire], { dialect });
    await publish(...stories(['a']));
    clock.now = NOW + 2 * HOUR;
    const before = await documents.get(wire, 'latest', 'json');
    await publish({ id: 'b', publishedAt: new Date(clock.now).toISOString() });
    expect(await documents.get(wire, 'latest', 'json')).toBe(before);
  });

  test('of partners with equal options share their stories', async () => {
    const renders = new Map<string, number>();
    const partners = ['a', 'b', 'c'].map((id) => partner(id, 'feeds: [latest]\ncampaign: { from: them }'));
    const other = partner('d', 'feeds: [latest]\ncampaign: { from: me }');
    const { publish, ids, reads } = await room([...partners, other], { dialect: listing(renders) });
    await publish(...stories(['x', 'y']));
    for (const own of partners) await ids(own);
    expect([[...renders], reads.articles]).toEqual([
      [
        ['y', 1],
        ['x', 1],
      ],
      2,
    ]);
    await ids(other);
    expect([[...renders], reads.articles]).toEqual([
      [
        ['y', 2],
        ['x', 2],
      ],
      4,
    ]);
    await publish(...stories(['z']));
    for (const own of partners) await ids(own);
    expect(renders.get('z')).toBe(1);
    expect(reads.articles).toBe(5);
  });

  test('are made once for all who wait', async () => {
    const { publish, documents, reads } = await room([partner('wire')], { dialect });
    await publish(...stories(['a']));
    const all = await Promise.all(Array.from({ length: 20 }, () => documents.get(partner('wire'), 'latest', 'json')));
    expect([new Set(all).size, reads.snapshots]).toEqual([1, 1]);
  });

  test('stay within their bytes', async () => {
    const partners = Array.from({ length: 30 }, (_, index) =>
      partner(`p${index}`, 'feeds: [latest]\nwindow: { entries: 1000 }'),
    );
    const { publish, ids, documents } = await room(partners, { dialect, bytes: 40_000 });
    await publish(...stories(['a', 'b']));
    for (const own of partners) expect(await ids(own)).toEqual(['b', 'a']);
    expect(documents.counts().bytes).toBeLessThanOrEqual(20_000);
    expect(documents.counts().count).toBeLessThan(30);
  });

  test('are dated by a change of the publication', async () => {
    const { publish, store, documents, clock } = await room([partner('wire')], { dialect });
    await publish(...stories(['a']));
    await store.saveSetting(CONFIGURED_AT, String(NOW + HOUR));
    clock.now = NOW + 2 * HOUR;
    expect((await documents.get(partner('wire'), 'latest', 'json'))?.document.changedAt).toBe(NOW + HOUR);
  });
});

test('a rule that depends on the moment is looked at again each hour, and the date of the document says so', async () => {
  const timed = listing(new Map(), {
    rules: [
      {
        ...(dialect.rules[0] as (typeof dialect.rules)[0]),
        id: 'old',
        breach: ({ article }, at) => (at >= article.publishedAt + 90 * MINUTE ? 'is old' : undefined),
      },
    ],
  });
  const { publish, clock, ids, documents } = await room([partner('wire')], { dialect: timed });
  await publish(...stories(['a']));
  const seen = [];
  for (clock.now = NOW; clock.now <= NOW + 3 * HOUR; clock.now += 30 * MINUTE) {
    const entries = await ids();
    seen.push([
      (clock.now - NOW) / MINUTE,
      entries.length,
      (await documents.get(partner('wire'), 'latest', 'json'))?.document.changedAt,
    ]);
  }
  expect(seen).toEqual([
    [0, 1, NOW],
    [30, 1, NOW],
    [60, 1, NOW],
    [90, 1, NOW],
    [120, 0, NOW + 2 * HOUR],
    [150, 0, NOW + 2 * HOUR],
    [180, 0, NOW + 2 * HOUR],
  ]);
});

describe('a story that is left out', () => {
  test('is in the list of the partner, with the rule and since when', async () => {
    const wire = partner('wire', 'feeds: [latest]\ndelay: { minutes: 10 }');
    const { publish, documents, clock } = await room([wire], { dialect });
    await publish(
      ...stories(['a', 'b', 'c'], { title: 'bad' }).map((story, index) =>
        index === 1 ? { ...story, title: 'good' } : story,
      ),
    );
    clock.now = NOW + HOUR;
    expect(await documents.skipped(wire, 'latest')).toEqual(
      ['c', 'a'].map((article) => ({
        article,
        revision: article === 'a' ? 1 : 3,
        since: article === 'a' ? NOW + 7 * MINUTE : NOW + 9 * MINUTE,
        rule: 'no-bad-titles',
        reason: 'has a bad title',
        asks: 'Titles are good.',
        field: 'title',
        evidence: 'T',
        source: 'https://consumer.example/rules',
        read: '2026-11-29',
      })),
    );
    expect(await documents.skipped(wire, 'section/world')).toEqual([]);
  });

  test('is left out since the change, whatever date the record gives its correction', async () => {
    const { publish, documents, clock } = await room([partner('wire')], { dialect });
    await publish(...stories(['a']));
    clock.now += HOUR;
    const updatedAt = new Date(NOW - MINUTE).toISOString();
    await publish(...stories(['a'], { title: 'bad', updatedAt }));
    expect(await documents.skipped(partner('wire'), 'latest')).toMatchObject([{ since: NOW + HOUR }]);
  });

  test('is reported once for each revision', async () => {
    const { publish, ids, skips, clock } = await room([partner('wire'), partner('paper')], { dialect });
    await publish(...stories(['a'], { title: 'bad' }));
    const look = async () => {
      for (const id of ['wire', 'paper']) await ids(partner(id));
      return skips.splice(0).map(([id, { article, revision }]) => `${id} ${article} ${revision}`);
    };
    expect(await look()).toEqual(['wire a 1', 'paper a 1']);
    await publish(...stories(['b']));
    expect(await look()).toEqual([]);
    clock.now += MINUTE;
    await publish(...stories(['a'], { title: 'bad', summary: 'Another.' }));
    expect(await look()).toEqual(['wire a 3', 'paper a 3']);
  });

  test('because it cannot be rendered is reported, and the others are served', async () => {
    const { publish, ids, reported, documents } = await room([partner('wire')], { dialect });
    await publish(...stories(['a', 'b'], { title: 'broken' }).slice(0, 1), ...stories(['b']));
    expect(await ids()).toEqual(['b']);
    expect(reported).toEqual(['a json cannot be rendered']);
    expect(await documents.skipped(partner('wire'), 'latest')).toMatchObject([
      { article: 'a', rule: 'unrenderable', reason: 'cannot be rendered' },
    ]);
  });
});
