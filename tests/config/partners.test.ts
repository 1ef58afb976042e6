import { execFileSync } from 'node:child_process';
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadPartners } from '../../src/config/partner-files.ts';
import { type Partner, type PartnerFile, parsePartner } from '../../src/config/partners.ts';
import { loadPublication } from '../../src/config/publication.ts';
import { describeProblems, PublisherError } from '../../src/errors.ts';
import { command } from '../commands/terminal.ts';
import { dataFolder, PUBLICATION, put, serving } from '../helpers.ts';

const SMALLEST = 'name: Wire\ndialect: plain\nfeeds: [latest]\n';
const DAY = 86_400_000;

function parsed(text: string, more: Partial<PartnerFile> = {}): Partner {
  const partner = parsePartner({ id: 'wire', text, ...more });
  if (!('id' in partner)) throw new Error(JSON.stringify(partner));
  return partner;
}

/** `field: rule` of each problem. */
function rulesOf(text: string, more: Partial<PartnerFile> = {}): string[] {
  const result = parsePartner({ id: 'wire', text, ...more });
  return 'id' in result ? [] : result.map(({ field, rule }) => `${field}: ${rule}`);
}

async function problemsIn(folder: string): Promise<string[]> {
  try {
    loadPublication(folder);
  } catch (error) {
    if (error instanceof PublisherError) return describeProblems(error).map((line) => line.replace(`${folder}/`, ''));
    throw error;
  }
  return [];
}

test('the smallest partner, whole', () => {
  expect(parsed(SMALLEST)).toEqual({
    id: 'wire',
    name: 'Wire',
    dialect: 'plain',
    contentType: 'article',
    feeds: ['latest'],
    window: { offset: 0 },
    delay: 0,
    mediaRights: { withoutCredits: [], onlySyndicated: false },
    campaign: {},
    retention: 30 * DAY,
  });
});

test('every field, whole', () => {
  const text = `name: MSN
dialect: msn
contentType: slideshow
language: en-gb
content: summary
feeds: [Latest, Section/Middle East, rivers, latest]
window: { entries: 20, offset: 2, days: 7 }
delay: { minutes: 30 }
copyright: "{copyright}, via MSN"
terms: https://news.example/terms
media: { withoutCredits: [Reuters, 24], onlySyndicated: true }
campaign: { utm_source: msn, utm_id: 1.10 }
rate: 60
retention: { hours: 12 }
`;
  expect(parsed(text)).toEqual({
    id: 'wire',
    name: 'MSN',
    dialect: 'msn',
    contentType: 'slideshow',
    language: 'en-GB',
    content: 'summary',
    feeds: ['latest', 'section/middle-east', 'rivers'],
    window: { entries: 20, offset: 2, age: 7 * DAY },
    delay: 30 * 60_000,
    copyright: '{copyright}, via MSN',
    terms: 'https://news.example/terms',
    mediaRights: { withoutCredits: ['Reuters', '24'], onlySyndicated: true },
    campaign: { utm_source: 'msn', utm_id: '1.10' },
    rate: 60,
    retention: DAY / 2,
  });
});

test('a selection of its own', () => {
  const text =
    'name: 2026\ndialect: ninjs\nselect: { any: [Section/World], all: [language/en], none: [tag/x], urgency: 4 }\n';
  expect(parsed(text)).toMatchObject({
    name: '2026',
    feeds: [],
    select: { any: ['section/world'], all: ['language/en'], none: ['tag/x'] },
    urgency: 4,
  });
});

test.each([
  [
    'without anything',
    '',
    ['name: is required', expect.stringMatching(/^dialect: must be one of|^dialect: is required/)],
  ],
  ['a field with a typing mistake', `${SMALLEST}wimdow: {}\n`, ['wimdow: is not a known field. Did you mean window?']],
  [
    'a word of other systems',
    `${SMALLEST}holdback: { minutes: 3 }\n`,
    ['holdback: is not a known field. Did you mean delay?'],
  ],
  [
    'a word in a list',
    `${SMALLEST}window: { entrys: 3 }\n`,
    ['window.entrys: is not a known field. Did you mean entries?'],
  ],
  [
    'a dialect with a typing mistake',
    'name: A\ndialect: smart-nws\nfeeds: [latest]\n',
    [expect.stringMatching(/^dialect: must be one of .*Did you mean smartnews\?$/)],
  ],
  [
    'a kind of content',
    `${SMALLEST}contentType: gallery\n`,
    ['contentType: must be one of article, slideshow, video. Did you mean slideshow?'],
  ],
  [
    'neither feeds nor a selection',
    'name: A\ndialect: plain\n',
    ['feeds: is required: name feeds, as [latest], or write select for a selection of its own'],
  ],
  ['no feed', 'name: A\ndialect: plain\nfeeds: []\n', [expect.stringMatching(/^feeds: is required/)]],
  ['feeds and a selection', `${SMALLEST}select: {}\n`, [expect.stringMatching(/^select: must not stand beside feeds/)]],
  [
    'a selection by a feed of the publication',
    'name: A\ndialect: plain\nselect: { any: [rivers] }\n',
    ['select.any[0]: must be latest, section/…, tag/…, author/… or language/…'],
  ],
  [
    'a selection by a kind with a typing mistake',
    'name: A\ndialect: plain\nselect: { any: [sectoin/world] }\n',
    [expect.stringMatching(/Did you mean section\/world\?$/)],
  ],
  [
    'an urgency',
    'name: A\ndialect: plain\nselect: { urgency: 10 }\n',
    ['select.urgency: must be a whole number from 1 to 9'],
  ],
  [
    'a delay without a unit',
    `${SMALLEST}delay: 30\n`,
    ['delay: must be a time in minutes, hours or days, as { minutes: 30 }'],
  ],
  [
    'a delay with two units',
    `${SMALLEST}delay: { minutes: 30, days: 1 }\n`,
    ['delay: has several units of time: keep one of minutes, hours and days'],
  ],
  [
    'a delay with a misspelt unit',
    `${SMALLEST}delay: { minute: 30 }\n`,
    ['delay.minute: is not a known field. Did you mean minutes?'],
  ],
  [
    'a window with two units',
    `${SMALLEST}window: { minutes: 30, days: 1 }\n`,
    ['window: has several units of time: keep one of minutes, hours and days'],
  ],
  [
    'a retention of no time',
    `${SMALLEST}retention: { days: 0 }\n`,
    ['retention: must be longer than nothing: for so long, the partner can learn that a story was withdrawn'],
  ],
  [
    'a retention without anything',
    `${SMALLEST}retention: {}\n`,
    ['retention: must be a time in minutes, hours or days, as { days: 30 }'],
  ],
  ['a rate', `${SMALLEST}rate: 0\n`, ['rate: must be a whole number from 1 to 100000']],
  [
    'a credit without a list',
    `${SMALLEST}media: { withoutCredits: AFP }\n`,
    ['media.withoutCredits: must be a list: put square brackets around it'],
  ],
  ['a parameter without a value', `${SMALLEST}campaign: { utm_source: }\n`, ['campaign.utm_source: must be text']],
  [
    'the name of a parameter',
    `${SMALLEST}campaign: { "a&b": c }\n`,
    [expect.stringMatching(/^campaign\.a&b: must have a name that begins with a letter/)],
  ],
  [
    'a text instead of a campaign',
    `${SMALLEST}campaign: utm_source=msn\n`,
    ['campaign: must be names with values, as { utm_source: msn }'],
  ],
  ['no mapping at all', 'just text\n', [': must be an object']],
])('a mistake is named: %s', (_, text, rules) => {
  expect(rulesOf(text)).toEqual(rules);
});

test('a podcast says what it is', () => {
  const known = { feedsUrl: 'https://feeds.example/news/', ids: new Set<string>(), retired: new Map() };
  const of = (podcast: string) => `name: Audio\ndialect: podcast\nfeeds: [latest]\npodcast: ${podcast}\n`;
  const whole =
    '{ category: News, subcategory: Daily News, explicit: false, image: /media/p.png, owner: { name: Desk, email: d@a.example } }';

  expect(parsed(of(whole), { known }).podcast).toEqual({
    category: 'News',
    subcategory: 'Daily News',
    explicit: false,
    image: 'https://feeds.example/news/media/p.png',
    owner: { name: 'Desk', email: 'd@a.example' },
  });
  expect(parsed(of('{}')).podcast).toEqual({});
  expect(rulesOf(of('{ category: Nws }'))).toEqual([expect.stringMatching(/Did you mean News\?$/)]);
  expect(rulesOf(of('{ category: News, subcategory: Daily }'))).toEqual([
    expect.stringMatching(/^podcast\.subcategory: must be one of .*Did you mean Daily News\?$/),
  ]);
  expect(rulesOf(of('{ category: Government, subcategory: A }'))).toEqual([
    'podcast.subcategory: must be left out: Government has no subcategories',
  ]);
  expect(rulesOf(of('{ subcategory: A }'))).toEqual(['podcast.subcategory: needs a category']);
});

test('a feed that cannot be is named, with the nearest that can', () => {
  const known = {
    feedsUrl: 'https://feeds.example/',
    ids: new Set(['rivers', 'harbour']),
    retired: new Map([
      ['section/sport', { feed: 'section/sport', movedTo: 'section/sports' }],
      ['old', { feed: 'old' }],
    ]),
  };
  const text = 'name: A\ndialect: plain\nfeeds: [rivers, rivres, sections/world, Section/Sport, old, tag/any]\n';

  const found = parsePartner({ id: 'a', text, known });
  expect('id' in found ? [] : found).toEqual([
    {
      field: 'feeds[1]',
      value: 'rivres',
      line: 3,
      column: 17,
      rule: expect.stringMatching(/is not a feed.*Did you mean rivers\?$/),
    },
    {
      field: 'feeds[2]',
      value: 'sections/world',
      line: 3,
      column: 25,
      rule: expect.stringMatching(/Did you mean section\/world\?$/),
    },
    {
      field: 'feeds[3]',
      value: 'Section/Sport',
      line: 3,
      column: 41,
      rule: 'is retired: name another feed. Did you mean section/sports?',
    },
    { field: 'feeds[4]', value: 'old', line: 3, column: 56, rule: 'is retired: name another feed' },
  ]);
  expect(rulesOf(text)).toEqual([]); // nothing is known of the feeds
});

test('a publication has the partners of its folder, in the order of their ids', async () => {
  const folder = await dataFolder({
    'partners/b-c.yaml': SMALLEST,
    'partners/b.yaml': SMALLEST,
    'partners/kurdî.yaml': SMALLEST,
  });
  expect(loadPublication(folder).partners?.map(({ id }) => id)).toEqual(['b', 'b-c', 'kurdî']);
  expect(loadPublication(await dataFolder())).not.toHaveProperty('partners');
  expect(loadPublication(await dataFolder({ 'partners/.gitkeep': '' }))).not.toHaveProperty('partners');
});

test('the mistakes of all files are named at once, each with its file', async () => {
  const folder = await dataFolder({
    'publication.yaml': PUBLICATION.replace('title:', 'titel:'),
    'partners/a.yaml': `${SMALLEST}delay: 3\n`,
    'partners/b.yaml': 'name: [\n',
    'partners/c.yaml': SMALLEST,
  });
  expect(await problemsIn(folder)).toEqual([
    expect.stringMatching(/^publication\.yaml:1:1: title: is required$/),
    expect.stringMatching(/^publication\.yaml:1:\d+: titel: is not a known field\. Did you mean title\?$/),
    expect.stringMatching(/^partners\/a\.yaml:4:8: delay: must be a time/),
    expect.stringMatching(/^partners\/b\.yaml:\d+:\d+: /),
  ]);
});

test('files that are no partners are refused, and say what to do', async () => {
  const folder = await dataFolder({
    'partners/msn.yml': SMALLEST,
    'partners/MSN.yaml': SMALLEST,
    'partners/two words.yaml': SMALLEST,
    'partners/README.md': 'Our partners',
    'partners/more/a.yaml': SMALLEST,
    'partners/large.yaml': `# ${'-'.repeat(1024 * 1024)}\n${SMALLEST}`,
    'partners/latin.yaml': Buffer.from(`${SMALLEST}copyright: © 2026\n`, 'latin1'),
    'partners/wide.yaml': Buffer.from(`\uFEFF${SMALLEST}`, 'utf16le'),
    'elsewhere.yaml': SMALLEST,
  });
  await symlink('../elsewhere.yaml', join(folder, 'partners/link.yaml'));
  await symlink('nowhere.yaml', join(folder, 'partners/broken.yaml'));
  execFileSync('mkfifo', [join(folder, 'partners/pipe.yaml')]);
  await mkdir(join(folder, 'partners/folder.yaml'));

  const name = (id: string, valid: string) =>
    `has the name ${id}, which is the partner’s id: it must be lower-case words joined by hyphens, because it is part of addresses. Name it ${valid}.yaml`;
  const noFile = 'is no file in partners/: put a regular file here, or a link to one in this folder';
  const noPartner = 'is no partner: the files of partners end in .yaml. Move it out of partners/';
  expect(await problemsIn(folder)).toEqual([
    `partners/MSN.yaml: ${name('MSN', 'msn')}`,
    `partners/README.md: ${noPartner}`,
    'partners/broken.yaml: cannot be read: there is no such file or folder (ENOENT). Check the file and its permissions',
    `partners/folder.yaml: ${noFile}`,
    'partners/large.yaml: must not be larger than 1024 KiB: it describes one partner',
    'partners/latin.yaml: must be text in UTF-8: save it in that encoding',
    `partners/link.yaml: ${noFile}`,
    `partners/more: ${noPartner}`,
    'partners/msn.yml: is no partner: the files of partners end in .yaml. Name it msn.yaml',
    `partners/pipe.yaml: ${noFile}`,
    `partners/two words.yaml: ${name('two words', 'two-words')}`,
    'partners/wide.yaml: must be text in UTF-8: save it in that encoding',
  ]);
});

test('files that editors and desktops leave behind are passed over, and links in the folder are followed', async () => {
  const leftovers = ['.msn.yaml.swp', 'msn.yaml~', '#msn.yaml#', 'msn.yaml.bak', 'msn.yaml.orig', 'Thumbs.db', '4913'];
  const folder = await dataFolder(
    Object.fromEntries([...leftovers, '..2026_11/msn.yaml'].map((name) => [`partners/${name}`, SMALLEST])),
  );
  await symlink('..2026_11', join(folder, 'partners/..data')); // as Kubernetes mounts a ConfigMap
  await symlink('..data/msn.yaml', join(folder, 'partners/msn.yaml'));

  expect(loadPublication(folder).partners?.map(({ id }) => id)).toEqual(['msn']);
});

test('the folder may be a link, and a file in its place is named', async () => {
  const folder = await dataFolder({ 'shared/wire.yaml': SMALLEST });
  await symlink('shared', join(folder, 'partners'));
  expect(loadPartners(folder).partners).toHaveLength(1);

  await rename(join(folder, 'partners'), join(folder, 'other'));
  await writeFile(join(folder, 'partners'), '');
  expect(await problemsIn(folder)).toEqual([
    'partners: cannot be read: a part of its path is a file, not a folder (ENOTDIR). Check the folder and its permissions',
  ]);
});

test('two forms of one name in Unicode are one id', async () => {
  const folder = await dataFolder({
    [`partners/${'kurdî'.normalize('NFC')}.yaml`]: SMALLEST,
    [`partners/${'kurdî'.normalize('NFD')}.yaml`]: SMALLEST,
  });
  expect(loadPartners(folder).problems.map(({ rule }) => rule)).toEqual([
    'has the name of another file, in another form of Unicode: keep one of them',
  ]);
});

test('a partner’s mistake stops no revocation of a key, and no erasure', async () => {
  const folder = await dataFolder();
  await (await serving(folder, {})).close();
  const { out: key } = await command(['key', 'create', '--name', 'A', '--data', folder]);
  await put(folder, 'partners/p.yaml', 'nam: P\n');
  const id = /^fp_([0-9a-f]+)_/.exec(key)?.[1] ?? '';

  expect(await problemsIn(folder)).not.toEqual([]);
  expect(await command(['key', 'revoke', id, '--data', folder])).toMatchObject({ code: 0 });
  expect(await command(['verify', '--data', folder])).toMatchObject({ code: 0 });
  expect(await command(['key', 'create', '--partner', 'p', '--name', 'P', '--data', folder])).toMatchObject({
    code: 1,
  });
});
