import { expect, test } from 'vitest';
import { type Partner, parsePartner } from '../../src/config/partners.ts';
import { parsePublication } from '../../src/config/publication.ts';
import { createPartnerWarnings } from '../../src/service/partner-warnings.ts';
import { listen, PUBLICATION } from '../helpers.ts';

const FEEDS = 'feeds: [{ id: english, title: E, select: { all: [language/en] } }, { id: all, title: A }]\n';

/** What is logged of partners with these dialects and lines, where the newsroom writes in these languages. */
async function warningsOf(files: Readonly<Record<string, string>>, languages: readonly string[] = ['en', 'ckb']) {
  const { log, told } = listen();
  const warn = createPartnerWarnings({
    store: { feeds: async () => languages.map((language) => ({ key: `language/${language}`, name: language })) },
    now: () => 1,
    log: log.log,
  });
  const partners = Object.entries(files).map(([id, lines]): Partner => {
    const partner = parsePartner({ id, text: `name: P\nlanguage: en-GB\n${lines}\n` });
    return 'id' in partner ? partner : expect.fail(JSON.stringify(partner));
  });
  const publication = { ...parsePublication(PUBLICATION + FEEDS, 'publication.yaml'), partners };
  await warn(publication);
  await warn(publication); // a reload says nothing anew
  return told.map(({ level, msg, partners: named }) => [level, msg, named]);
}

const severalLanguages = (feed: string) =>
  `Partner a, feed ${feed}: The feed may have stories in several languages, and MSN takes one language a feed: write select with all: [language/…]`;

test.each([
  ['feeds: [latest, english, language/ckb]', [severalLanguages('latest')]],
  ['feeds: [all]', [severalLanguages('all')]],
  ['select: { any: [language/en, language/ku] }', [severalLanguages('selection')]],
  ['select: { all: [language/en], any: [tag/a, tag/b] }', []],
  ['select: { any: [language/en] }', []],
])('a consumer that takes one language a feed: %s', async (lines, messages) => {
  expect((await warningsOf({ a: `dialect: msn\n${lines}` })).map(([, message]) => message)).toEqual(messages);
  expect(await warningsOf({ a: `dialect: msn\n${lines}` }, ['en'])).toEqual([]);
});

test('partners with the same warning share a line', async () => {
  const pull = 'dialect: licensed-pull\nfeeds: [latest]\nwindow: { minutes: 5 }';
  expect(await warningsOf({ a: pull, b: pull, c: 'dialect: plain\nfeeds: [latest]' })).toEqual([
    ['warn', '2 partners, such as a, feed latest: The feed has the stories of the last 5 minutes.', ['a', 'b']],
  ]);
});

test('what a dialect says of itself, and a kind of content that it does not have', async () => {
  expect(await warningsOf({ a: 'dialect: alexa-flash-briefing\nfeeds: [language/en]\ncontentType: video' })).toEqual([
    ['warn', expect.stringMatching(/^Partner a: Alexa sends no password/), ['a']],
    ['warn', 'Partner a: Alexa Flash Briefing does not take contentType: video. Write article', ['a']],
  ]);
});

test('of many different warnings, twenty are logged', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 25 }, (_, index) => [`p${index}`, `dialect: msn\nfeeds: [tag/t${index}]`]),
  );
  const lines = await warningsOf(files);
  expect(lines).toHaveLength(22); // the last line once for each look
  expect(lines.at(-1)?.[1]).toBe('“check” lists more of the partners’ feeds.');
});
