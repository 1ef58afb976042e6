import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Editor, openEditor } from './language-server.ts';

const ROOT = join(import.meta.dirname, '../..');
const SAMPLE = readFileSync(join(ROOT, 'data/publication.yaml'), 'utf8');
const LINES = SAMPLE.split('\n');
const lineOf = (begin: string) => LINES.findIndex((line) => line.startsWith(begin)) + 1;
/** The first line of the sample names the schema by its path from here. */
const at = (name: string) => pathToFileURL(join(ROOT, 'data', name)).href;

let editor: Editor;

beforeAll(async () => {
  editor = await openEditor();
});
afterAll(() => editor.close());

test('an editor finds nothing wrong in the sample', async () => {
  expect(await editor.problemsOf(at('clean.yaml'), SAMPLE)).toEqual([]);
});

const PARTNERS = readdirSync(join(ROOT, 'data/partners'));

test.each(PARTNERS)('an editor finds nothing wrong in the sample partner %s', async (name) => {
  const text = readFileSync(join(ROOT, 'data/partners', name), 'utf8');
  expect(text).toMatch(/^# yaml-language-server: \$schema=\.\.\/\.\.\/schema\/partner\.json\n/);
  expect(await editor.problemsOf(at(`partners/${name}`), text)).toEqual([]);
});

test('an editor reports the mistakes of a partner', async () => {
  const text = `# yaml-language-server: $schema=../../schema/partner.json
name: Wire
dialect: mns
feeds: [latest]
delay: { minutes: 3, days: 1 }
window: { entrys: 20 }
`;
  const found = await editor.problemsOf(at('partners/wrong.yaml'), text);
  expect(found).toHaveLength(3);
  expect(found).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^3: Value is not accepted\. Valid values: "plain"/),
      expect.stringMatching(/^5: /),
      '6: Property entrys is not allowed.',
    ]),
  );
});

test('an editor reports misspelt fields, wrong values and missing fields, in the words of the service', async () => {
  const text = SAMPLE.replace('accentColor:', 'acentColor:')
    .replace(/^url: .*$/m, 'url: ftp://x')
    .replace('    entries: 30', '    entrys: 30')
    .replace(/^language: .*$/m, '')
    .replace('any: [tag/water, section/climate]', 'any: [tags/water]')
    .replace('id: headlines', 'id: Headlines')
    .replace(/^maxAge: .*$/m, 'maxAge: 1h')
    .replace(/^# pages:$/m, 'pages:')
    .replace(/^# {3}mediaHosts:/m, '  mediaHost:');
  const rules = [
    [lineOf('title:'), 'Missing property "language".'],
    [lineOf('url:'), 'must be an http or https address of at most 4096 characters'],
    [lineOf('accentColor:'), 'Property acentColor is not allowed.'],
    [lineOf('maxAge:'), 'Incorrect type. Expected "integer".'],
    [lineOf('#   mediaHosts:'), 'Property mediaHost is not allowed.'],
    [lineOf('  - id: headlines'), 'must be lower-case words joined by hyphens, because it is part of addresses'],
    [lineOf('    entries: 30'), 'Property entrys is not allowed.'],
    [lineOf('      any: [tag/water'), 'must be latest, section/…, tag/…, author/… or language/…'],
  ];

  const found = await editor.problemsOf(at('wrong.yaml'), text);
  expect(new Set(found)).toEqual(new Set(rules.map(([line, rule]) => `${line}: ${rule}`)));
  expect(found).toHaveLength(rules.length);
});

test('an editor offers the fields that are left, and explains them', async () => {
  const text = `${LINES[0]}\ntitle: T\n\nfeeds:\n  - id: a\n    \n`;
  await editor.problemsOf(at('short.yaml'), text);
  const fields = await editor.offers(at('short.yaml'), 3, 0);
  const ofFeed = await editor.offers(at('short.yaml'), 6, 4);

  expect(fields).toEqual(expect.arrayContaining(['url', 'feedsUrl', 'accentColor', 'retired', 'terms']));
  expect(fields).not.toContain('title');
  expect(ofFeed).toEqual(expect.arrayContaining(['title', 'entries', 'content', 'select']));
  expect(await editor.explains(at('short.yaml'), 2, 1)).toContain('The name at the top of every feed.');
});
