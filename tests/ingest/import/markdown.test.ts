import { describe, expect, test } from 'vitest';
import { splitFrontMatter } from '../../../src/ingest/import/frontmatter.ts';
import { readMarkdown } from '../../../src/ingest/import/markdown.ts';
import { UnreadableRecord } from '../../../src/ingest/import/record.ts';

const facts = { id: 'en/a', modified: '2026-11-22T10:00:00Z' };
const defaults = { id: 'en/a', bodyFormat: 'markdown' };

test.each([
  ['a title in front', '---\ntitle: T\n---\n# H\n\nb\n', { ...defaults, title: 'T', body: '# H\n\nb\n' }],
  [
    'else the first heading',
    '---\nurl: /a\n---\n\n# H *x*\n\nb\n',
    { ...defaults, url: '/a', title: 'H *x*', body: '\nb\n' },
  ],
  ['closed by signs', '# H ##\nb', { ...defaults, title: 'H', body: 'b' }],
  ['a sign at a word’s end belongs to it', '# On C#\nb', { ...defaults, title: 'On C#', body: 'b' }],
  ['a title alone', '# H', { ...defaults, title: 'H', body: '' }],
  ['a smaller heading is none', '## H\nb', { ...defaults, body: '## H\nb' }],
  ['nor is a later one', 'b\n\n# H\n', { ...defaults, body: 'b\n\n# H\n' }],
  ['an id in front', '---\nid: x\n---\nb', { ...defaults, id: 'x', body: 'b' }],
  ['another format in front', '---\nbodyFormat: html\n---\nb', { ...defaults, bodyFormat: 'html', body: 'b' }],
  [
    'a number in a text field, as it is written',
    '---\ntitle: 1.10\ntags: [1e3, 0x1F]\n---\nb',
    { ...defaults, title: '1.10', tags: ['1e3', '0x1F'], body: 'b' },
  ],
  ['a number whose digits stay', '---\ntitle: 1984\n---\nb', { ...defaults, title: 1984, body: 'b' }],
  ['a date in a text field', '---\ntitle: 2026-11-29\n---\nb', { ...defaults, title: '2026-11-29', body: 'b' }],
  [
    'a number where numbers belong',
    '---\nimage: { url: /a, width: 1e2, alt: 1.0 }\n---\nb',
    { ...defaults, image: { url: '/a', width: 100, alt: '1.0' }, body: 'b' },
  ],
  ['a field left empty is not there', '---\nid:\ntitle:\n---\n# H\nb', { ...defaults, title: 'H', body: 'b' }],
])('%s', (_, text, record) => {
  expect(readMarkdown(text, facts).record).toEqual(record);
});

test('a field has its line and column, and the body its first line', () => {
  const { locate } = readMarkdown('---\ntitle: T\ntags:\n  - a\n  - "!"\n---\nb\n', facts);
  expect(locate('tags[1]')).toEqual({ line: 5, column: 5 });
  expect(locate('url')).toEqual({ line: 2, column: 1 });
  expect(locate('body')).toEqual({ line: 7 });
});

describe('front matter', () => {
  test.each([
    ['none', 'a\n---\nb: 1\n---\n', {}, 'a\n---\nb: 1\n---\n', 1],
    ['empty', '---\n---\nb', {}, 'b', 3],
    ['only', '---\na: 1\n---', { a: 1 }, '', 3],
    ['white space after the lines', '---  \na: 1\n--- \t\nb', { a: 1 }, 'b', 4],
    ['line ends of Windows', '---\r\na: 1\r\n---\r\nb\r\nc', { a: 1 }, 'b\nc', 4],
    ['a byte order mark', '\uFEFF---\na: 1\n---\nb', { a: 1 }, 'b', 4],
    ['a rule later on', '---\na: 1\n---\nb\n\n---\nc', { a: 1 }, 'b\n\n---\nc', 4],
    [
      'a longer line at the beginning is none',
      '-----\nb\n\n---\na: 1\n---\nc\n',
      {},
      '-----\nb\n\n---\na: 1\n---\nc\n',
      1,
    ],
  ])('%s', (_, text, fields, body, bodyLine) => {
    expect(splitFrontMatter(text)).toMatchObject({ fields, body, bodyLine });
  });

  test.each([
    ['no YAML', '---\ntitle: [\n---\nb', { field: '', line: 3 }],
    ['no end', '---\na: 1\nb', { field: '', rule: 'front matter must end with a line of three dashes (---)', line: 1 }],
    [
      'no line after the first',
      '---',
      { field: '', rule: 'front matter must end with a line of three dashes (---)', line: 1 },
    ],
    [
      'half a line at its end',
      '---\na: 1\n--',
      { field: '', rule: 'front matter must end with a line of three dashes (---)', line: 1 },
    ],
    [
      'no fields',
      '---\n- a\n---\nb',
      { field: '', rule: 'front matter must hold fields, such as title: Ferry sold', line: 2 },
    ],
    [
      'a body besides the text',
      '---\na: 1\nbody: x\n---\nb',
      { field: 'body', rule: 'must not be in the front matter: the body is the text below it', line: 3, column: 7 },
    ],
  ])('with %s is refused', (_, text, problem) => {
    expect(() => splitFrontMatter(text)).toThrow(
      expect.objectContaining({
        name: 'UnreadableRecord',
        problems: expect.arrayContaining([expect.objectContaining(problem)]),
      }),
    );
  });

  test.each(['title: Ferry sold', 'url: /ferry', 'publishedAt: 2026-11-28T09:30:00Z'])(
    'is refused where the line above “%s” is forgotten',
    (line) => {
      expect(() => splitFrontMatter(`${line}\nembargoUntil: 2026-12-01T09:30:00Z\n\nb`)).toThrow(
        'front matter must begin with a line of three dashes (---)',
      );
      expect(splitFrontMatter(`Ferry sold\n\n${line}`).fields).toEqual({});
    },
  );

  test('with aliases that would fill the memory is refused', () => {
    const list = (name: string) => `[${Array(20).fill(name).join(', ')}]`;
    const text = `---\na: &a [x]\nb: &b ${list('*a')}\nc: &c ${list('*b')}\nd: ${list('*c')}\n---\nb`;
    expect(() => splitFrontMatter(text)).toThrow(UnreadableRecord);
  });
});

describe('time grows with the length alone', () => {
  test.each([
    ['front matter of line feeds', `---\n${'\n'.repeat(8_000_000)}`, 'front matter must end'],
    ['closed front matter of line feeds', `---\n${'\n'.repeat(8_000_000)}---\nx`, 'front matter must not be longer'],
    ['front matter of dashes', `---\n${'---x\n'.repeat(1_000_000)}`, 'front matter must end'],
  ])('%s', (_, text, rule) => {
    expect(() => splitFrontMatter(text)).toThrow(rule);
  });

  test.each([
    ['spaces', `# a${' '.repeat(200_000)}b`],
    ['number signs', `# a${'#'.repeat(200_000)}b`],
    ['both', `# a${' #'.repeat(200_000)}b`],
  ])('a heading with %s', (_, text) => {
    expect(readMarkdown(text, { id: 'a' }).record).toMatchObject({ title: text.slice(2) });
  });
});
