import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { DIALECTS } from '../../../src/feed/dialects.ts';
import type { Dialect } from '../../../src/format/dialect/dialect.ts';
import { newsbreak } from '../../../src/format/dialect/newsbreak.ts';
import { DIALECTS_BY_NAME } from '../../../src/format/dialect/registry.ts';
import { dataFolder } from '../../helpers.ts';
import { PAGE, pageText } from './docs.ts';
import { parseXml } from './fixtures.ts';
import { declarations } from './lists.ts';
import { breaches } from './rules.ts';
import { dam, document, item } from './sample.ts';

const FOLDER = pathToFileURL(join(import.meta.dirname, '../../../src/format/dialect/'));

const page = readFileSync(PAGE, 'utf8');
const dialects = Object.values(DIALECTS_BY_NAME);

test('docs/dialects.md has the row, the section and the rules of each dialect: `npm run dialects` writes them', () => {
  expect(page).toBe(pageText(page, dialects));
  expect([...page.matchAll(/^## ([a-z0-9.-]+)$/gm)].map(([, name]) => name)).toEqual(DIALECTS);
});

test('a new dialect gets a row and a section of its own, and nothing else changes', () => {
  const courier = { ...newsbreak, name: 'courier', title: 'Courier', warning: 'Ask first.' } as unknown as Dialect;
  const { length } = page.split('\n');
  const written = pageText(page, [...dialects, courier]).split('\n');
  const added = written.filter((line) => !page.split('\n').includes(line));
  expect(added).toEqual([
    '| [courier](#courier) | Courier | private | rss | 50 stories, full | leaves the feed |',
    '## courier',
    'Ask first.',
  ]);
  // The row; heading, sentence and rules, each with the empty line before it.
  const [row, heading, sentence, rules] = [1, 2, 2, newsbreak.rules.length + 3];
  expect(written.length).toBe(length + row + heading + sentence + rules);
});

test('the dialect of docs/dialects.md is whole: one file, that the lists, the documents and the rules take as it is', async () => {
  const [, code = ''] = /```ts\n(import [^`]*)```/.exec(page) ?? [];
  const all = declarations(new Map([['courier-wire.ts', code]]));
  expect(all).toEqual([{ name: 'courier-wire', constant: 'courierWire' }]);
  const source = code.replace(/'(\.[^']+)'/g, (_, path: string) => `'${new URL(path, FOLDER).href}'`);
  const file = join(await dataFolder({ 'courier-wire.ts': source }), 'courier-wire.ts');
  const { courierWire } = (await import(pathToFileURL(file).href)) as { courierWire: Dialect };
  expect(courierWire.name).toBe('courier-wire');
  const entries = parseXml(document(courierWire, 'rss')).children[0]?.children.filter(({ name }) => name === 'item');
  expect(entries).toHaveLength(3);
  const long = item({ ...dam, title: 'x'.repeat(91) });
  expect([breaches(courierWire, long), breaches(courierWire, item(dam))]).toEqual([['title-too-long'], []]);
});

test('a rule that changes is written again', () => {
  const [first, ...others] = newsbreak.rules;
  const changed = {
    ...newsbreak,
    rules: [{ ...first, asks: 'A feed has whole | full articles.' }, ...others],
  } as Dialect;
  const written = pageText(page, [...dialects.filter(({ name }) => name !== 'newsbreak'), changed]);
  expect(written).toContain('| summary-only | refuse | A feed has whole \\| full articles. |');
  expect(written).not.toContain('A feed has full articles.');
});
