import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createAddressIndex } from '../../../src/commands/check/address-index.ts';
import type { CheckedArticle } from '../../../src/commands/check/checked.ts';
import { createDocuments } from '../../../src/commands/check/documents.ts';
import { createJsonReport, createTextReport } from '../../../src/commands/check/report.ts';
import { outdatedRules } from '../../../src/commands/check/rule.ts';
import { RULES } from '../../../src/commands/check/rules.ts';
import { createSurvey } from '../../../src/commands/check/survey.ts';
import { parsePublication } from '../../../src/config/publication.ts';
import { article, newsroom, PUBLICATION } from '../../helpers.ts';

const ROOT = join(import.meta.dirname, '../../..');
const DAY = 24 * 60 * 60 * 1000;

describe('a rule', () => {
  test.each(RULES.map((rule) => [rule.id, rule] as const))(
    '%s names its consumer, its source and a day',
    (_id, rule) => {
      expect(rule.consumer).not.toBe('');
      expect(rule.source).toMatch(/^(?:https:\/\/|docs\/[a-z-]+\.md)/);
      expect(new Date(Date.parse(rule.read)).toISOString().slice(0, 10)).toBe(rule.read);
    },
  );

  test('has a row of its own in the documentation', () => {
    const page = readFileSync(join(ROOT, 'docs/check.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (error|warning) \|/gm)].map(([, id, level]) => `${id} ${level}`);

    expect(rows.sort()).toEqual(RULES.map(({ id, level }) => `${id} ${level}`).sort());
  });

  test('whose source is a page of ours names one that is there, with its heading', () => {
    for (const { source } of RULES.filter((rule) => rule.source.startsWith('docs/'))) {
      const [file = '', heading] = source.split('#');
      const headings = [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
        text
          .toLowerCase()
          .replaceAll(/[^a-z0-9_ -]/g, '')
          .replaceAll(' ', '-'),
      );
      if (heading !== undefined) expect(headings).toContain(heading);
    }
  });

  test('is old after a year', () => {
    const rule = {
      id: 'a',
      level: 'error',
      title: 'A',
      consumer: 'B',
      source: 'https://b.example/',
      read: '2026-11-30',
    } as const;
    const read = Date.parse(rule.read);

    expect(outdatedRules([rule], read + 365 * DAY)).toEqual([]);
    expect(outdatedRules([rule], read + 366 * DAY)).toEqual([rule]);
    expect(outdatedRules([{ ...rule, source: 'docs/records.md' }], read + 366 * DAY)).toEqual([]);
  });
});

test('reports name old rules, and do not count them', () => {
  const [rule] = RULES;
  const [text, json] = [[] as string[], [] as string[]];
  createTextReport({ out: (line) => text.push(line), err: (line) => text.push(`! ${line}`) }).end(rule ? [rule] : []);
  createJsonReport({ out: (line) => json.push(line) }).end(rule ? [rule] : []);

  expect(text).toEqual([
    `! 1 rule of this version is older than a year: ${rule?.id} (read on ${rule?.read}). Read them again at their sources: docs/check.md.`,
    'no problems',
  ]);
  expect(JSON.parse(json.join('\n'))).toMatchObject({ findings: [], outdatedRules: [{ rule: rule?.id }] });
});

test('an article that a format cannot express is reported, and the others are checked', async () => {
  const publication = parsePublication(PUBLICATION, 'publication.yaml');
  const articles = [article({ id: 'a' }), { ...article({ id: 'b', url: '/b' }), title: '\u0000' }];
  const load = async (ref: number): Promise<CheckedArticle | undefined> => {
    const found = articles[ref - 1];
    return found && { article: found, record: {}, status: 'visible', adjustments: [], ref };
  };
  const at = Date.parse('2026-11-30T00:00:00Z');
  const survey = createSurvey({ publication, newsroom, at, load });
  for (const ref of [1, 2]) {
    const checked = await load(ref);
    if (checked !== undefined) survey.add(checked, ['latest']);
  }
  const omitted: string[] = [];
  const onUnrenderable = (id: string, format: string) => void omitted.push(`${id} ${format}`);
  const documents = createDocuments({ publication, survey, load, at, onUnrenderable });

  expect(await documents.of('latest')).toEqual(
    ['rss', 'atom', 'json'].map((format) => ({
      feed: 'latest',
      format,
      bytes: expect.any(Number),
      self: `https://feeds.news.example/feeds/latest.${format}`,
      path: `feeds/latest.${format}`,
    })),
  );
  expect(omitted).toEqual(['b rss', 'b atom']);
});

test('an index of addresses finds repeated, shared and missing ones', () => {
  const [one, other] = [createAddressIndex(), createAddressIndex()];
  const add = (index: typeof one, pairs: readonly (readonly [number, number])[]) => {
    for (const [hash, ref] of pairs) index.add(hash, ref);
  };
  add(one, [
    [7, 1],
    [3, 2],
    [7, 3],
    [2 ** 51, 4],
    [7, 5],
  ]);
  add(other, [
    [3, 10],
    [9, 11],
    [8, 11],
    [3, 12],
    [5, 13],
  ]);

  expect([...one.repeated()]).toEqual([[1, 3, 5]]);
  expect([...other.joined(one)]).toEqual([[10, [2]]]);
  expect([...other.missingIn(one)]).toEqual([11, 13]);
  expect([one.has(7), one.has(2 ** 51), one.has(4), createAddressIndex().has(0)]).toEqual([true, true, false, false]);
});
