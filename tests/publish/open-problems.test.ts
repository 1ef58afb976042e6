import { beforeEach, describe, expect, test } from 'vitest';
import { createOpenProblems, type NewProblem, type OpenProblems } from '../../src/publish/open-problems.ts';

const HOUR = 60 * 60 * 1000;
const ALL = { before: Number.POSITIVE_INFINITY, limit: 100_000 };

let time: number;
let ended: string[];
let problems: OpenProblems;

beforeEach(() => {
  time = 1000;
  ended = [];
  problems = createOpenProblems({
    now: () => time,
    onEnd: ({ source, article }, how) => ended.push(`${source.kind} ${article} ${how}`),
  });
});

const base = { code: 'invalid_article', problems: [{ field: 'title', rule: 'is required' }] } as const;
const file = (path: string, article?: string): NewProblem => ({
  ...base,
  source: { kind: 'file', path },
  ...(article === undefined ? {} : { article }),
});
const refused = (key: string, article?: string, revision = 0): NewProblem => ({
  ...base,
  source: { kind: 'key', id: key, name: `the key ${key}` },
  ...(article === undefined ? {} : { article, revision }),
});
const stored = (article: string, revision = 1): NewProblem => ({
  ...base,
  source: { kind: 'stored_record' },
  article,
  revision,
});
const omitted = (article: string, format: string): NewProblem => ({
  ...base,
  source: { kind: 'rendering', format },
  article,
  revision: 1,
});

const listed = () => problems.list(ALL).map(({ source, article }) => `${source.kind} ${article}`);

test('a problem is there until it ends, and what ends is reported once', () => {
  for (const problem of [
    file('articles/a.md', 'a'),
    refused('k', 'a'),
    stored('a'),
    omitted('a', 'rss'),
    omitted('b', 'rss'),
  ])
    problems.report(problem);
  expect(listed()).toEqual(['rendering b', 'rendering a', 'stored_record a', 'key a', 'file a']);
  problems.endOfArticle('a', 'published');
  problems.endOfArticle('a', 'published');
  expect(listed()).toEqual(['rendering b', 'file a']);
  problems.endOfFile('file', 'articles/a.md', 'removed');
  problems.endOfFile('other_file', 'articles/a.md', 'removed');

  expect(listed()).toEqual(['rendering b']);
  expect(ended).toEqual(['key a published', 'stored_record a published', 'rendering a published', 'file a removed']);
  expect(problems.counts()).toEqual({ file: 0, other_file: 0, key: 0, stored_record: 0, rendering: 1 });
  expect(problems.articles()).toEqual(['b']);
});

test('a second report is of the same problem, since the first; another key or format has a problem of its own', () => {
  expect(problems.report(refused('k', 'a'))).toBe(true);
  time += 5;
  expect(problems.report({ ...refused('k', 'a'), code: 'invalid_json', problems: [] })).toBe(false);
  expect(problems.report(refused('other', 'a'))).toBe(true);
  expect([problems.report(omitted('a', 'rss')), problems.report(omitted('a', 'atom'))]).toEqual([true, true]);

  expect(problems.list(ALL).map(({ code, since }) => [code, since])).toEqual([
    ['invalid_article', 1005],
    ['invalid_article', 1005],
    ['invalid_article', 1005],
    ['invalid_json', 1000],
  ]);
});

test('problems end where another process has changed the article, and only there', () => {
  for (const problem of [
    refused('k', 'new'),
    refused('k', 'same', 3),
    refused('k', 'changed', 3),
    refused('k', 'absent'),
  ])
    problems.report(problem);
  const revisions = new Map([
    ['new', 7],
    ['same', 3],
    ['changed', 4],
  ]);
  problems.endOfChanged(problems.articles(), revisions);

  expect(listed()).toEqual(['key absent', 'key same']);
  expect(ended).toEqual(['key new changed', 'key changed changed']);
});

test('refused records without an id are one problem of their key, for a day', () => {
  problems.report(refused('k'));
  time += HOUR;
  problems.report(refused('k'));
  problems.report(refused('other', 'a'));
  time += 24 * HOUR - 1;
  expect(listed()).toEqual(['key a', 'key undefined']);
  expect(problems.list(ALL).at(-1)?.since).toBe(1000 + HOUR);
  time += 1;

  expect(listed()).toEqual(['key a']);
  expect(problems.counts().key).toBe(1);
});

describe('what strangers can send is bounded:', () => {
  test('the newest refused records are kept', () => {
    for (let count = 0; count < 5000; count += 1) problems.report(refused('k', `a${count}`));
    problems.report(refused('k', 'a4700'));

    expect(problems.counts().key).toBe(500);
    expect(listed().slice(0, 3)).toEqual(['key a4700', 'key a4999', 'key a4998']);
    expect([problems.articles().length, ended]).toEqual([500, []]);
  });

  test('the defects and the id of one record are cut', () => {
    const defects = Array.from({ length: 101 }, (_, index) => ({ field: `f${index}`, rule: 'is bad' }));
    problems.report({ ...refused('k', 'x'.repeat(16_000)), problems: defects });
    const [problem] = problems.list(ALL);

    expect(problem?.article).toBe('x'.repeat(600));
    expect(problem?.problems).toEqual([...defects.slice(0, 20), { field: '', rule: 'and 81 problems more' }]);
  });

  test('names of Object’s own members are names like others', () => {
    for (const name of ['__proto__', 'constructor']) problems.report(refused(name, name));
    expect(listed()).toEqual(['key constructor', 'key __proto__']);
  });
});

test('pages leave out nothing and repeat nothing', () => {
  for (let count = 0; count < 7; count += 1)
    problems.report(count % 2 ? file(`articles/${count}.md`) : stored(`${count}`));
  const whole = problems.list(ALL);
  for (const limit of [1, 2, 3]) {
    const seen = [];
    for (let before = Number.POSITIVE_INFINITY; ; ) {
      const page = problems.list({ before, limit });
      seen.push(...page);
      before = page.at(-1)?.sequence ?? 0;
      if (page.length === 0) break;
    }
    expect(seen).toEqual(whole);
  }
});
