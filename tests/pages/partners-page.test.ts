import { DomUtils, parseDocument } from 'htmlparser2';
import { expect, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import type { PartnerActivity, PartnerGlance, PartnerList, PartnersStatus } from '../../src/pages/partner-status.ts';
import { partnersPage } from '../../src/pages/partners-page.ts';
import { siteOf } from '../../src/pages/site.ts';
import { PUBLICATION } from '../helpers.ts';

const AT = '2026-11-20T12:00:00Z';
const EVIL = '<img src=x onerror=alert(1)> \u202e';

const GLANCE: PartnerGlance = {
  id: 'herald',
  name: 'The Herald',
  dialect: 'plain',
  lastSeen: '2026-11-20T11:55:00Z',
  answers: { documents: 3, unchanged: 1200, others: 1 },
  isLate: false,
  spreadKeys: 0,
};

const LIST: PartnerList = { kind: 'list', at: AT, partners: [GLANCE], count: 1, gaps: [] };

const QUIET: PartnerActivity = {
  ...GLANCE,
  kind: 'partner',
  at: AT,
  feeds: ['latest'],
  keys: [],
  deliveries: [],
  spread: [],
  skipped: [],
  skippedCount: 0,
  withdrawals: [],
  gaps: [],
};

const BUSY: PartnerActivity = {
  ...QUIET,
  name: EVIL,
  keys: [
    { id: 'k1', name: EVIL, lastUse: AT, expires: AT, isRevoked: false },
    { id: 'k2', name: 'Old', isRevoked: true },
    { id: 'k3', name: 'Next', expires: '2028-02-01T00:00:00Z', isRevoked: false },
    { id: 'k4', name: 'Ever', isRevoked: false },
  ],
  deliveries: [
    {
      at: AT,
      key: 'k1',
      feed: 'latest',
      format: 'rss',
      status: 200,
      bytes: 48_211,
      whole: true,
      network: '192.0.2.0/24',
    },
    { at: AT, key: 'k1', feed: EVIL, format: 'rss', status: 200, bytes: 10, whole: false, network: '192.0.2.0/24' },
  ],
  rhythm: { usual: 900_000, limit: 3_600_000, pauses: [{ from: AT, to: '2026-11-20T14:15:00Z', isOver: false }] },
  spread: [{ key: 'k1', networks: ['a', 'b', 'c', 'd'], at: AT }],
  skipped: [{ article: EVIL, feed: 'latest', rule: 'msn-language', reason: EVIL, since: AT }],
  skippedCount: 40,
  withdrawals: [
    { article: 'a', title: EVIL, ending: 'withdrawn', at: AT, state: 'seen', seenAt: AT, key: 'k1' },
    { article: 'b', ending: 'rights-ended', at: AT, state: 'not seen' },
    { article: 'c', ending: 'expired', at: AT, state: 'expired, not recorded' },
  ],
  gaps: [{ from: AT, to: '2026-11-20T12:00:02Z' }],
};

function pageOf(status: PartnersStatus) {
  const publication = parsePublication(`${PUBLICATION}timeZone: Asia/Baghdad\n`, 'publication.yaml');
  const text = partnersPage(status, siteOf(publication));
  const document = parseDocument(text);
  const wordsIn = (nodes: Parameters<typeof DomUtils.textContent>[0]) =>
    DomUtils.textContent(nodes).replace(/\s+/g, ' ').trim();
  const all = (name: string) => DomUtils.getElementsByTagName(name, document);
  const rows = all('tr').map((each) =>
    DomUtils.getElementsByTagName((name) => /^t[hd]$/.test(name), each).map((cell) => wordsIn(cell)),
  );
  return { text, all, rows, words: wordsIn(document.children), sections: all('h2').map((each) => wordsIn(each)) };
}

test('the list has each partner, how it came, and what is odd', () => {
  const late = { ...GLANCE, id: 'late', name: 'Late', isLate: true };
  const spread = { ...GLANCE, id: 'spread', name: 'Spread', spreadKeys: 1 };
  const { rows, words } = pageOf({ ...LIST, partners: [GLANCE, late, spread], count: 3 });
  expect(rows).toEqual([
    ['Partner', 'Dialect', 'Last seen', 'Signs', 'Documents', 'Unchanged', 'Other answers'],
    ['The Herald', 'plain', '20 Nov, 14:55', '', '3', '1,200', '1'],
    ['Late', 'plain', '20 Nov, 14:55', 'late', '3', '1,200', '1'],
    ['Spread', 'plain', '20 Nov, 14:55', '1 key in many networks', '3', '1,200', '1'],
  ]);
  expect(words).toContain(
    'A key of one partner may have leaked, and one partner has fetched nothing for longer than usual.',
  );
});

test('a list without partners says how to make one; a long one leads on', () => {
  expect(pageOf({ ...LIST, partners: [], count: 0 }).words).toContain('There is no partner yet.');
  const { text } = pageOf({ ...LIST, count: 60, next: 'a b' });
  expect(text).toContain('<a href="partners?after=a%20b">More partners</a>');
});

test('the page of a partner that fetches as usual has few parts', () => {
  const { sections, words } = pageOf(QUIET);
  expect(sections).toEqual(['Withdrawals and corrections', 'What is left out, and why', 'Keys', 'Deliveries']);
  expect(words).toContain('This partner fetches as usual.');
});

test('the page of a partner shows what was delivered, seen, left out, and odd', () => {
  const { sections, rows, words, text, all } = pageOf(BUSY);
  const shown = EVIL.replace('\u202e', '').trim();
  expect(sections).toEqual([
    ...['Keys in many networks', 'Pauses', 'Withdrawals and corrections', 'What is left out, and why'],
    ...['Keys', 'Deliveries', 'Not recorded'],
  ]);
  const named = (name: string) => rows.filter(([first]) => first === name);
  expect(named('b')).toEqual([['b', 'rights ended 20 Nov, 15:00', 'not seen']]);
  expect(named('c')).toEqual([['c', 'expired 20 Nov, 15:00', 'expired, not recorded']]);
  expect(rows).toContainEqual(['20 Nov, 15:00', 'not over', '2 hours and 15 minutes']);
  expect(rows).toContainEqual([
    expect.stringMatching(/ k1$/),
    '20 Nov, 15:00',
    expect.stringMatching(/^expired 20 November 2026, 15:00/),
  ]);
  expect(rows).toContainEqual(['Old k2', 'never', 'revoked']);
  expect(rows).toContainEqual(['Next k3', 'never', 'until 1 February 2028, 03:00']);
  expect(rows).toContainEqual(['Ever k4', 'never', 'valid']);
  expect(rows).toContainEqual(['20 Nov, 15:00:00 GMT+3', 'latest rss', '200', 'k1', '192.0.2.0/24', '48.2 kB']);
  expect(words).toContain('200, not whole');
  expect(words).toContain('The first 1 of 40.');
  expect(words).toContain('seen 20 Nov, 15:00 with k1');
  expect(words).toContain(shown);
  expect([text.includes('<img src=x'), all('script').length, all('form').length]).toEqual([false, 0, 0]);
  for (const { attribs } of all('a'))
    expect(attribs.href).toMatch(
      /^(?:#status|\.\.\/(?:status|partners|metrics|readyz)|https:\/\/feeds\.news\.example\/)$/,
    );
});
