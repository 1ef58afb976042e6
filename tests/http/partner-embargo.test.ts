import { copyFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { DIALECTS_BY_NAME } from '../../src/format/dialect/registry.ts';
import { storeFile } from '../../src/service/data-folder.ts';
import { dataFolder, PUBLICATION, record } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';
import { type Api, clientOf, NOW, SECOND } from './api.ts';
import { bearer, partnerKeys } from './partners.ts';
import { createSeeing, type Headers, type Seen } from './seen.ts';

const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const DIALECTS = Object.values(DIALECTS_BY_NAME);
type Dialect = (typeof DIALECTS)[number];

const iso = (moment: number) => new Date(moment).toISOString();

/** A story that no dialect refuses: with two pictures, and a film with its length. */
function story(name: string, more: Readonly<Record<string, unknown>>) {
  return record({
    id: name,
    url: `/${name}`,
    title: 'The river rises behind the dams',
    summary: 'It rose in the night.',
    body: '<p>The river rose in the night, and it rises still.</p>',
    image: { url: 'https://media.example/1.jpg', type: 'image/jpeg', length: 90_000, width: 1600, height: 900 },
    media: [
      { url: 'https://media.example/2.jpg', type: 'image/jpeg', length: 90_000, title: 'The dam' },
      { url: 'https://media.example/film.mp4', type: 'video/mp4', length: 9_000_000, duration: 60 },
    ],
    ...more,
  });
}

/** A partner of the tests, as its file and as the tests know it. */
interface Partner {
  readonly id: string;
  readonly dialect: Dialect;
  /** Milliseconds. */
  readonly delay: number;
  /** The names of its feeds in addresses. */
  readonly names: readonly string[];
  readonly file: object;
}

interface Twin {
  readonly api: Api;
  readonly see: ReturnType<typeof createSeeing>;
}

interface Twins {
  readonly clock: { now: number };
  /** Never gets a story that partners cannot see yet. */
  readonly plain: Twin;
  readonly secretive: Twin;
  readonly keys: ReadonlyMap<string, string>;
}

/** Two publications that share a clock, and have the same partners with the same keys. */
async function twinsWith(partners: readonly Partner[]): Promise<Twins> {
  const clock = { now: NOW };
  const files = {
    'publication.yaml': PUBLICATION,
    'articles/.keep': '',
    'media/.keep': '',
    ...Object.fromEntries(partners.map(({ id, file }) => [`partners/${id}.yaml`, JSON.stringify(file)])),
  };
  const folders = [await dataFolder(files), await dataFolder(files)] as const;
  const [first, second] = folders.map(storeFile) as [string, string];
  const made = await partnerKeys(
    folders[0],
    partners.map(({ id }) => id),
  );
  const keys = new Map([...made].map(([id, { key }]) => [id, key]));
  await mkdir(dirname(second), { recursive: true });
  await copyFile(first, second);
  const open = async (folder: string): Promise<Twin> => {
    const api = await clientOf(folder, { now: () => clock.now });
    return { api, see: createSeeing(api.port) };
  };
  return { clock, keys, plain: await open(folders[0]), secretive: await open(folders[1]) };
}

async function expectDone(answer: ReturnType<Api['put']>) {
  const { status, text } = await answer;
  expect(status, text).toBeLessThan(300);
}

/** The addresses of a partner's documents. */
function documentsOf({ id, names, dialect }: Partner): string[] {
  const formats = Object.keys(dialect.formats);
  return names.flatMap((name) => formats.map((format) => `/partners/${id}/${name}.${format}`));
}

const headerOf = ({ headers }: Seen, name: string) =>
  headers.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);

function without(names: readonly string[], { headers, ...seen }: Seen): Seen {
  return { ...seen, headers: headers.filter((line) => !names.some((name) => line.startsWith(`${name}: `))) };
}

/** A connection ends after a number of requests, and these are not equal. */
const CONNECTION = ['Connection', 'Keep-Alive'];

/** A page of the change feed without cursors: each is another one, and of the same length. */
function withoutCursors(seen: Seen): Seen {
  const { status, headers, body } = without([...CONNECTION, 'Repr-Digest'], seen);
  const replaced = (text: string) => text.replace(/(?<="cursor":"|since=)[\w-]+/g, ({ length }) => `of ${length}`);
  return { status, headers: headers.map(replaced), body: replaced(body) };
}

const cursorOf = ({ body }: Seen): string => JSON.parse(body).cursor;

/** Asks both publications the same, and compares everything of their answers. */
function createComparison({ plain, secretive, keys }: Twins) {
  const tags = new Map<string, string>();
  const dates = new Map<string, string>();
  /** By partner: how far it has read the change feed of each publication. */
  const cursors = new Map<string, string[]>();
  const statuses = new Set<number | undefined>();
  let asked = 0;

  /** The partners whose documents may be dated by stories that never come to them. */
  let redated: ReadonlySet<string> = new Set();

  async function compare(path: string, headers: Headers, method = 'GET'): Promise<void> {
    const isRedated = redated.has(path.split('/')[2] ?? '');
    if (isRedated && headers['If-Modified-Since'] !== undefined) return;
    const [expected, seen] = (await Promise.all([plain, secretive].map(({ see }) => see(path, headers, method)))).map(
      (each) => without(isRedated ? [...CONNECTION, 'Last-Modified'] : CONNECTION, each),
    );
    expect(seen, `${method} ${path.replace(/\/fp_[^/]+/, '/KEY')} with ${Object.keys(headers)}`).toEqual(expected);
    if (expected === undefined) return;
    statuses.add(expected.status);
    const [tag, date] = [headerOf(expected, 'ETag'), headerOf(expected, 'Last-Modified')];
    const name = `${path} ${headers['Accept-Encoding']}`;
    if (tag !== undefined) tags.set(name, tag);
    if (date !== undefined) dates.set(path, date);
  }

  /** One of many ways to fetch a document: each time the next one. */
  async function compareDocument(path: string, key: string): Promise<void> {
    asked += 1;
    const coding = asked % 3 === 0 ? 'gzip' : 'identity';
    const headers: Headers = { ...(bearer(key) as Headers), 'Accept-Encoding': coding };
    const tag = tags.get(`${path} ${coding}`);
    const date = dates.get(path);
    switch (asked % 7) {
      case 1:
      case 2:
        if (tag !== undefined) return compare(path, { ...headers, 'If-None-Match': tag });
        break;
      case 3:
      case 4:
        if (date !== undefined) return compare(path, { ...headers, 'If-Modified-Since': date });
        break;
      case 5:
        return compare(path, headers, 'HEAD');
      case 6:
        return compare(path.replace(/^\/partners\/[^/]+/, `$&/${key}`), { 'Accept-Encoding': coding });
    }
    return compare(path, headers);
  }

  /** The change feed: from where each publication had the partner, and now and then from the beginning. */
  async function compareChanges({ id }: Partner, key: string): Promise<void> {
    asked += 1;
    const known = asked % 40 === 0 ? undefined : cursors.get(id);
    const query = ['?limit=2', '?limit=1&format=ninjs', ''][asked % 3] ?? '';
    const headers = { ...(bearer(key) as Headers), 'Accept-Encoding': 'identity' };
    for (let since = known; ; ) {
      const pages = await Promise.all(
        [plain, secretive].map(({ see }, twin) => {
          const from = since === undefined ? query : `${query === '' ? '?' : `${query}&`}since=${since[twin]}`;
          return see(`/partners/${id}/changes${from}`, headers);
        }),
      );
      const [expected, seen] = pages.map(withoutCursors);
      expect(seen, `the changes for ${id}`).toEqual(expected);
      statuses.add(expected?.status);
      if (expected?.status === 410) {
        since = undefined; // the cursor is older than the retention
        continue;
      }
      expect(expected?.status).toBe(200);
      since = pages.map(cursorOf);
      cursors.set(id, since);
      if (JSON.parse(expected?.body ?? '').hasMore === false) return;
    }
  }

  /** An address that has no document for the partner. */
  async function compareOther({ id, names }: Partner, key: string): Promise<void> {
    const [name = ''] = names;
    const own = bearer(key) as Headers;
    switch (asked % 6) {
      case 0:
        return compare(`/partners/${id}/nothing.rss`, own);
      case 1:
        return compare(`/partners/${id}/${name}.txt`, own);
      case 2:
        return compare(`/partners/${id}/${name}.rss`, {});
      case 3:
        return compare(`/partners/${id}/wrong/${name}.rss`, {});
      case 4:
        return compare(`/partners/${id}/section/other.rss`, own);
      default:
        return compare(`/partners/${id}/${name}.rss`, own, 'OPTIONS');
    }
  }

  return {
    statuses,
    redate: (partners: readonly Partner[]) => {
      redated = new Set(partners.map(({ id }) => id));
    },
    async partner(partner: Partner): Promise<void> {
      const key = keys.get(partner.id) ?? '';
      for (const path of documentsOf(partner)) await compareDocument(path, key);
      await compareChanges(partner, key);
      await compareOther(partner, key);
      expect(skipsIn(secretive, partner)).toEqual(skipsIn(plain, partner));
    },
  };
}

/** What the log says of stories that a partner does not get. */
function skipsIn({ api }: Twin, { id }: Partner): string[] {
  return api.told.filter(({ partner }) => partner === id).map(({ msg }) => msg);
}

/** Whether a document of the partner has the story in its publication with secrets. */
async function hasStory({ secretive, keys }: Twins, partner: Partner, name: string): Promise<boolean> {
  const headers = { ...(bearer(keys.get(partner.id) ?? '') as Headers), 'Accept-Encoding': 'identity' };
  for (const path of documentsOf(partner)) {
    if ((await secretive.see(path, headers)).body.includes(name)) return true;
  }
  return false;
}

describe('a story that partners of every dialect cannot see yet', () => {
  const KINDS = {
    'is under embargo': { delay: 0, fields: (end: number) => ({ embargoUntil: iso(end) }) },
    'is held back and was corrected': {
      delay: 30 * MINUTE,
      fields: (end: number) => ({
        publishedAt: iso(end - 30 * MINUTE),
        updatedAt: iso(end - 20 * MINUTE),
        correction: { note: 'The river was another one.' },
        title: 'The river rises before the dams',
      }),
    },
  };

  test.each(Object.entries(KINDS))('%s', async (_, { delay, fields }) => {
    const partners = DIALECTS.map((dialect): Partner => {
      const id = dialect.name.replace('.', '-');
      const names = ['section/world', 'section/secret'];
      const file = { name: dialect.title, dialect: dialect.name, feeds: names, delay: { minutes: delay / MINUTE } };
      return { id, dialect, delay, names, file };
    });
    const twins = await twinsWith(partners);
    const { clock, plain, secretive } = twins;
    const comparison = createComparison(twins);
    const end = NOW + 10 * MINUTE;
    const older = story('older', { sections: ['World'], publishedAt: iso(NOW - 2 * DAY) });
    for (const { api } of [plain, secretive]) await expectDone(api.put('/older', { body: older }));
    for (const partner of partners) await comparison.partner(partner);

    clock.now = NOW + MINUTE;
    // A spelling of the section that names its feed anew, and a section that has no feed yet.
    const secret = story('secret', { sections: ['WORLD', 'Secret'], ...fields(end) });
    await expectDone(secretive.api.put('/secret', { body: secret }));
    for (const moment of [clock.now, end - SECOND, end - 1]) {
      clock.now = moment;
      for (const partner of partners) await comparison.partner(partner);
    }
    clock.now = end;
    for (const partner of partners) expect(await hasStory(twins, partner, 'secret'), partner.id).toBe(true);
    expect([...comparison.statuses].sort()).toEqual([200, 304, 401, 404]);
  });
});

test('a large document keeps its coding while stories are written that its partner cannot see yet', async () => {
  const file = { name: 'Wire', dialect: 'plain', feeds: ['latest'], delay: { minutes: 30 } };
  const wire: Partner = {
    ...{ id: 'wire', names: ['latest'], delay: 30 * MINUTE, file },
    dialect: DIALECTS_BY_NAME.plain as Dialect,
  };
  const { plain, secretive, keys } = await twinsWith([wire]);
  const headers = { ...(bearer(keys.get('wire') ?? '') as Headers), 'Accept-Encoding': 'br, identity;q=0.1' };
  const path = '/partners/wire/latest.rss';
  const long = { body: `<p>${'The river rose in the night. '.repeat(3000)}</p>`, publishedAt: iso(NOW - DAY) };
  for (const { api, see } of [plain, secretive]) {
    await expectDone(api.put('/long', { body: story('long', long) }));
    await vi.waitFor(async () => expect((await see(path, headers)).headers).toContain('Content-Encoding: br'), 60_000);
  }
  for (const fields of [
    { embargoUntil: iso(NOW + HOUR) },
    { embargoUntil: iso(NOW - MINUTE) },
    { title: 'Corrected' },
  ]) {
    const secret = story('secret', { publishedAt: iso(NOW - MINUTE), ...fields });
    await expectDone(secretive.api.put('/secret', { body: secret }));
    const [expected, seen] = [await plain.see(path, headers), await secretive.see(path, headers)];
    expect(without(CONNECTION, seen)).toEqual(without(CONNECTION, expected));
  }
});

describe('a partner that waits for changes', () => {
  const file = { name: 'Wire', delay: { minutes: 30 } };
  const partners = [
    { id: 'feeds', names: ['latest'], file: { ...file, dialect: 'plain', feeds: ['latest'] } },
    { id: 'own', names: ['selection'], file: { ...file, dialect: 'ninjs', select: { any: ['section/world'] } } },
  ].map((each): Partner => ({ ...each, dialect: DIALECTS_BY_NAME.plain as Dialect, delay: 30 * MINUTE }));

  /** Polls of all partners, which wait from here on. */
  async function waitIn({ see }: Twin, keys: Twins['keys']) {
    const polls = [];
    for (const { id } of partners) {
      const headers = { ...(bearer(keys.get(id) ?? '') as Headers), 'Accept-Encoding': 'identity' };
      const cursor = cursorOf(await see(`/partners/${id}/changes`, headers));
      const poll = { answered: false, answer: see(`/partners/${id}/changes?wait=60&since=${cursor}`, headers) };
      const note = () => {
        poll.answered = true;
      };
      void poll.answer.then(note, note); // polls that still wait at the end break off
      polls.push(poll);
      await see(`/partners/${id}/changes?since=${cursor}`, headers); // by then, the poll waits
    }
    return polls;
  }

  test('is not woken by a story that it cannot see yet', async () => {
    const { clock, plain, secretive, keys } = await twinsWith(partners);
    const sections = ['World'];
    const polls = { plain: await waitIn(plain, keys), secretive: await waitIn(secretive, keys) };
    const hidden: Readonly<Record<string, object>> = {
      embargoed: { embargoUntil: iso(NOW + HOUR) },
      held: { publishedAt: iso(NOW - MINUTE) },
      corrected: { publishedAt: iso(NOW - MINUTE), updatedAt: iso(NOW), correction: { note: 'A name was wrong.' } },
      expired: { publishedAt: iso(NOW - HOUR), expiresAt: iso(NOW - 40 * MINUTE) },
      'of-others': { publishedAt: iso(NOW - HOUR), rights: { partners: ['others'] } },
      withdrawn: { publishedAt: iso(NOW - MINUTE) },
    };
    for (const [name, fields] of Object.entries(hidden))
      await expectDone(secretive.api.put(`/${name}`, { body: story(name, { sections, ...fields }) }));
    await expectDone(
      secretive.api.put('/held', { body: story('held', { sections, ...hidden.held, title: 'Another title for it' }) }),
    );
    await expectDone(secretive.api.remove('/withdrawn'));
    for (const poll of await waitIn(secretive, keys)) expect(poll.answered).toBe(false);
    expect(polls.secretive.map(({ answered }) => answered)).toEqual([false, false]);

    clock.now += SECOND;
    const shared = story('shared', { sections, publishedAt: iso(NOW - HOUR) });
    for (const { api } of [plain, secretive]) await expectDone(api.put('/shared', { body: shared }));
    for (const [index, poll] of polls.plain.entries()) {
      const expected = withoutCursors(await poll.answer);
      expect(withoutCursors((await polls.secretive[index]?.answer) as Seen)).toEqual(expected);
      expect(expected.body).toContain('shared');
    }
  });

  test('is answered at the moment at which the story appears, and not a millisecond before', async () => {
    const { clock, secretive, keys } = await twinsWith(partners);
    const body = story('held', { sections: ['World'], publishedAt: iso(NOW - 29 * MINUTE) });
    await expectDone(secretive.api.put('/held', { body }));
    const appears = NOW + MINUTE;
    clock.now = appears - 1;
    // The service looks at its clock each millisecond from now on.
    const polls = await waitIn(secretive, keys);
    for (const poll of [...polls, ...(await waitIn(secretive, keys))]) expect(poll.answered).toBe(false);
    clock.now = appears;
    for (const { answer } of polls) {
      const { items } = JSON.parse((await answer).body);
      expect(items).toMatchObject([{ change: 'published', at: iso(appears).replace('.000', '') }]);
    }
  });
});

/** The partners of a generation: their stories have sections and tags of their own. */
const PARTNERS = 4;
const DELAYS = [0, 5 * MINUTE, 90 * MINUTE, 26 * HOUR] as const;
const WINDOWS = [undefined, { entries: 2 }, undefined, { entries: 5, offset: 1 }, { hours: 30 }] as const;

/** A partner of the property: with its selection, as the test knows it. */
interface Wire extends Partner {
  readonly index: number;
  readonly hasWindow: boolean;
  /** Whether its feeds hold such a story. */
  readonly holds: (fields: Fields) => boolean;
  /** Whether it gets such a story of its feeds. */
  readonly wants: (fields: Fields) => boolean;
}

/** Of so many partners, each has another combination of dialect, delay, window and selection. */
function wireOf(index: number): Wire {
  const generation = Math.floor(index / PARTNERS);
  const round = Math.floor(index / DIALECTS.length);
  const dialect = DIALECTS[index % DIALECTS.length] as Dialect;
  const contentType = dialect.contentTypes[round % dialect.contentTypes.length];
  const delay = DELAYS[(index + round) % DELAYS.length] ?? 0;
  const window = WINDOWS[(index + 2 * round) % WINDOWS.length];
  const urgency = index % 5 === 3 ? 4 : undefined;
  const hasSelection = (index + round) % 3 === 1;
  const names = hasSelection ? ['selection'] : [`section/world-${generation}`, `tag/dams-${generation}`];
  const select = {
    any: [`section/world-${generation}`, `tag/dams-${generation}`],
    none: [`author/ann-${generation}`],
    urgency,
  };
  const file = {
    ...{ name: `Wire ${index}`, dialect: dialect.name, contentType, window },
    delay: { minutes: delay / MINUTE },
    retention: index % 2 === 0 ? { hours: 1 } : { days: 30 },
    ...(hasSelection ? { select } : { feeds: names }),
  };
  return {
    ...{ id: `wire-${index}`, index, dialect, delay, names, file },
    hasWindow: window !== undefined,
    holds: ({ section, tag, author }) =>
      (section !== 'Home' || tag !== undefined) && (!hasSelection || author === undefined),
    wants: ({ urgency: own = 5 }) => !hasSelection || own <= (urgency ?? 9),
  };
}

const fields = fc.record(
  {
    section: fc.constantFrom('World', 'WORLD', 'Home'),
    tag: fc.constantFrom('Dams', 'DAMS'),
    author: fc.constantFrom('Ann', 'ANN'),
    urgency: fc.constantFrom(2, 6),
    title: fc.constantFrom('The water of the river rises', 'Snow fell on the dams again'),
  },
  { requiredKeys: ['section'] },
);
type Fields = typeof fields extends fc.Arbitrary<infer Value> ? Value : never;

/** How a story is hidden, in minutes. */
const hiding = fc.record(
  {
    /** Before now. */
    published: fc.integer({ min: 0, max: 120 }),
    /** After now. */
    embargo: fc.integer({ min: 1, max: 20 }),
    /** After its publication. */
    expires: fc.integer({ min: 1, max: 100 }),
    rights: fc.integer({ min: 1, max: 100 }),
    /** The one that has the rights, of the partners of the generation; an other one beyond. */
    partner: fc.integer({ min: 0, max: PARTNERS }),
    isCorrected: fc.boolean(),
  },
  { requiredKeys: ['published'] },
);
type Hiding = typeof hiding extends fc.Arbitrary<infer Value> ? Value : never;

type Step =
  | { readonly kind: 'publish'; readonly id: string; readonly fields: Fields; readonly minutes: number }
  | { readonly kind: 'hide'; readonly id: string; readonly fields: Fields; readonly hiding: Hiding }
  | { readonly kind: 'withdraw'; readonly id: string }
  | { readonly kind: 'withdrawHidden'; readonly id: string }
  | { readonly kind: 'wait'; readonly seconds: number };

const id = fc.constantFrom('x', 'y');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('publish'), id, fields, minutes: fc.integer({ min: 0, max: 200 }) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('hide'), id, fields, hiding }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('withdraw'), id }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('withdrawHidden'), id }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait'), seconds: fc.integer({ min: 0, max: 7200 }) }) },
);

/** A story that only one of the publications has. */
interface Hidden {
  readonly fields: Fields;
  /** When readers see it. */
  readonly published: number;
  readonly expires: number;
  readonly rightsEnd: number;
  /** The index of the partner that has the rights alone. */
  readonly partner: number | undefined;
}

/** When a partner sees a hidden story; undefined where it never will, as long as nobody changes the story. */
function appearance({ fields: own, published, expires, rightsEnd, partner }: Hidden, wire: Wire): number | undefined {
  const appears = published + wire.delay;
  const isNever = !wire.holds(own) || expires <= appears || rightsEnd <= appears;
  return isNever || isForOthers({ fields: own, partner }, wire) ? undefined : appears;
}

function isForOthers({ fields: own, partner }: Pick<Hidden, 'fields' | 'partner'>, wire: Wire): boolean {
  return !wire.wants(own) || (partner !== undefined && partner !== wire.index);
}

function fieldsIn(generation: number, { section, tag, author, ...rest }: Fields) {
  return {
    ...rest,
    sections: [`${section} ${generation}`],
    ...(tag === undefined ? {} : { tags: [`${tag} ${generation}`] }),
    ...(author === undefined ? {} : { authors: [{ name: `${author} ${generation}` }] }),
  };
}

test('two publications that differ only in stories that a partner cannot see yet give it the same answers', {
  tags: ['soak'],
}, async () => {
  const runs = sized({ short: 4, soak: 25, full: 1000 });
  const wires = Array.from({ length: (runs + 1) * PARTNERS }, (_, index) => wireOf(index));
  /** A partner of all stories: it sees none of those that are hidden. */
  const late: Partner = {
    ...{ id: 'late', dialect: DIALECTS_BY_NAME.plain as Dialect, delay: 3000 * DAY, names: ['latest', 'language/en'] },
    file: { name: 'Late', dialect: 'plain', feeds: ['latest', 'language/en'], delay: { days: 3000 } },
  };
  const twins = await twinsWith([...wires, late]);
  const { clock, plain, secretive } = twins;
  const comparison = createComparison(twins);
  let generation = 0;
  let hidden = new Map<string, Hidden>();
  /** The partners that have seen no hidden story. */
  let unaware: Wire[] = [];
  /** The partners whose feeds had a story that never comes to them: it is for others, or ended before. */
  let redated = new Set<Wire>();
  let appearances = 0;
  /** The dates of first publication. */
  const published = new Map<string, string>();

  const wiresNow = () => wires.slice(generation * PARTNERS, (generation + 1) * PARTNERS);

  async function compareAll(): Promise<void> {
    for (const wire of unaware) await comparison.partner(wire);
  }

  function forgetAware(): void {
    const { now } = clock;
    const isSeen = (each: Hidden, wire: Wire) => (appearance(each, wire) ?? Number.POSITIVE_INFINITY) <= now;
    // A story that never comes to a partner may date its document, but only when it would have come.
    const mayDate = (each: Hidden, wire: Wire) => wire.holds(each.fields) && each.published + wire.delay <= now;
    for (const each of hidden.values()) {
      for (const wire of unaware) if (mayDate(each, wire)) redated.add(wire);
      unaware = unaware.filter((wire) => !isSeen(each, wire));
    }
    comparison.redate([...redated]);
  }

  async function hide(name: string, own: Fields, how: Hiding): Promise<void> {
    const { now } = clock;
    const minutes = (from: number, count: number | undefined) =>
      count === undefined ? undefined : from + count * MINUTE;
    const embargo = minutes(Math.floor(now / SECOND) * SECOND, how.embargo);
    const first = embargo ?? now - how.published * MINUTE;
    const expires = minutes(first, how.expires);
    const rightsEnd = minutes(first, how.rights);
    const partner = how.partner === undefined ? undefined : generation * PARTNERS + how.partner;
    const body = story(name, {
      ...fieldsIn(generation, own),
      publishedAt: iso(now - how.published * MINUTE),
      ...(embargo === undefined ? {} : { embargoUntil: iso(embargo) }),
      ...(expires === undefined ? {} : { expiresAt: iso(expires) }),
      ...(how.isCorrected === true ? { correction: { note: 'A name was wrong.' }, updatedAt: iso(now) } : {}),
      ...(rightsEnd === undefined && partner === undefined
        ? {}
        : {
            rights: {
              ...(rightsEnd === undefined ? {} : { endsAt: iso(rightsEnd) }),
              ...(partner === undefined ? {} : { partners: [`wire-${partner}`] }),
            },
          }),
    });
    const answer = await secretive.api.put(`/${name}`, { body });
    if (answer.status === 409) return; // readers have seen it: its date of publication stays
    expect(answer.status, answer.text).toBeLessThan(300);
    const { publishedAt } = JSON.parse((await secretive.api.get(`/${name}`)).text);
    const never = Number.POSITIVE_INFINITY;
    hidden.set(name, {
      ...{ fields: own, published: Date.parse(publishedAt), partner },
      expires: expires ?? never,
      rightsEnd: rightsEnd ?? never,
    });
    forgetAware();
  }

  /** Goes to the next moment at which a partner sees a hidden story, and looks just before and then. */
  async function goTo(moment: number): Promise<void> {
    const coming = unaware.filter((wire) => [...hidden.values()].some((each) => appearance(each, wire) === moment));
    for (const before of [moment - SECOND, moment - 1]) {
      clock.now = Math.max(clock.now, before);
      forgetAware();
      for (const wire of coming) await comparison.partner(wire);
    }
    clock.now = moment;
    forgetAware();
    for (const wire of coming) {
      if (wire.hasWindow) continue;
      for (const [name, each] of hidden) {
        if (appearance(each, wire) !== moment) continue;
        appearances += 1;
        expect(await hasStory(twins, wire, name), `${name} for ${wire.id}`).toBe(true);
      }
    }
  }

  async function wait(end: number): Promise<void> {
    for (;;) {
      const moments = [...hidden.values()].flatMap((each) => {
        const own = unaware.flatMap((wire) => appearance(each, wire) ?? []);
        return [...own, each.published, each.expires, each.rightsEnd];
      });
      const next = Math.min(...moments.filter((moment) => moment > clock.now));
      if (next > end) break;
      await goTo(next);
    }
    clock.now = end;
    forgetAware();
    await compareAll();
  }

  async function take(each: Step): Promise<void> {
    if (each.kind === 'publish') {
      const name = `${each.id}-${generation}`;
      const publishedAt = published.get(name) ?? iso(clock.now - each.minutes * MINUTE);
      published.set(name, publishedAt);
      const body = story(name, { ...fieldsIn(generation, each.fields), publishedAt, updatedAt: iso(clock.now) });
      for (const { api } of [plain, secretive]) await expectDone(api.put(`/${name}`, { body }));
    } else if (each.kind === 'hide') {
      await hide(`hidden-${each.id}-${generation}`, each.fields, each.hiding);
      await compareAll();
    } else if (each.kind === 'withdraw') {
      for (const { api } of [plain, secretive]) await api.remove(`/${each.id}-${generation}`);
    } else if (each.kind === 'withdrawHidden') {
      const name = `hidden-${each.id}-${generation}`;
      if (hidden.delete(name)) await expectDone(secretive.api.remove(`/${name}`));
      await compareAll();
    } else await wait(clock.now + each.seconds * SECOND);
  }

  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 6 }), async (steps) => {
      generation += 1;
      hidden = new Map();
      unaware = [...wiresNow()];
      redated = new Set();
      for (const each of steps) await take(each);
      await compareAll();
      await comparison.partner(late);
    }),
    { numRuns: runs, seed: 3, endOnFailure: true },
  );
  expect([...comparison.statuses].sort()).toEqual([200, 204, 304, 401, 404, 410]);
  expect(appearances).toBeGreaterThan(0);
});
