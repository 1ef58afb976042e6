import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseArticle } from '../../src/article/article.ts';
import { makeNewsroom } from '../../src/commands/init.ts';
import { parsePublication } from '../../src/config/publication.ts';
import { publicationFileSchema } from '../../src/config/publication-schema.ts';
import { ask, dataFolder, newsroom, start } from '../helpers.ts';
import { command, END_OF_INPUT } from './terminal.ts';

const PLACEHOLDER = 'https://www.example.com';
const FILES = ['.gitignore', 'articles', 'articles/welcome.md', 'media', 'publication.yaml'];

/** A folder to make newsrooms in. */
async function parent(): Promise<string> {
  return join(await dataFolder(), 'new');
}

function everythingIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
}

function settingsOf(folder: string) {
  const file = join(folder, 'publication.yaml');
  return parsePublication(readFileSync(file, 'utf8'), file);
}

test('a newsroom with its first article, which is served', async () => {
  const folder = join(await parent(), 'harbour');
  const { code, out, err } = await command([
    'init',
    folder,
    '--title',
    ' The Harbour: Post ',
    '--url=https://harbour.news ',
    '--language',
    'en-GB',
  ]);

  expect([code, err]).toEqual([0, '']);
  expect(out).toContain(`npm start -- --data ${folder}\n`);
  expect(everythingIn(folder)).toEqual(FILES);
  expect(settingsOf(folder)).toMatchObject({
    title: 'The Harbour: Post',
    url: 'https://harbour.news/',
    language: 'en-GB',
    description: 'News from The Harbour: Post.',
  });
  expect(readFileSync(join(folder, '.gitignore'), 'utf8').split('\n')).toContain('/store/');

  const { port, told } = await start(folder, { storeFile: ':memory:' });
  const feed = JSON.parse((await ask(port, '/feeds/latest.json')).text);
  expect(feed).toMatchObject({
    title: 'The Harbour: Post',
    items: [{ title: 'Welcome to your newsroom', url: 'https://harbour.news/welcome', tags: ['News'] }],
  });
  expect((await ask(port, '/feeds/section/news.rss')).status).toBe(200);
  expect(told.filter(({ level }) => level !== 'info')).toEqual([]);
});

test('without a terminal nothing is asked: the folder gives the title, and the address is a placeholder', async () => {
  const folder = join(await parent(), 'le-post_du port');
  const { code, out, drawn } = await command(['init', folder]);

  expect([code, drawn]).toEqual([0, '']);
  expect(settingsOf(folder)).toMatchObject({ title: 'Le Post Du Port', url: `${PLACEHOLDER}/`, language: 'en' });
  expect(out).toContain(`--data '${folder}'`);
  expect(out).toContain(`${PLACEHOLDER} is a placeholder`);
});

test.runIf(process.platform === 'linux')('a folder that takes no folder ends the command', async () => {
  const { code, err } = await command(['init', '/proc/newsroom/a']);

  expect(code).toBe(1);
  expect(err).toContain('/proc/newsroom');
});

describe('on a terminal', () => {
  test('what the options do not say is asked, and a wrong answer is asked again', async () => {
    const folder = join(await parent(), 'a');
    const typed = '\nftp://x\nwww.harbour.news\nhttps://harbour.news\nenglish\nckb-IQ';
    const { code, err, drawn } = await command(['init', folder], { typed });

    expect(code).toBe(0);
    expect(err).toBe(
      'It must be an http or https address of at most 4096 characters\n' +
        'It must be an http or https address of at most 4096 characters. Did you mean https://www.harbour.news?\n' +
        'It is not a registered language tag (BCP 47): readers may not know the language. Use a tag as en, ckb or pt-BR\n',
    );
    expect(drawn.match(/[^\]:]+ \[[^\]]*\]: /g)).toEqual([
      'Title of the publication [A]: ',
      ...Array(3).fill(`Address of its own site [${PLACEHOLDER}]: `),
      ...Array(2).fill('Language of its articles, as en, ckb or pt-BR [en]: '),
    ]);
    expect(settingsOf(folder)).toMatchObject({ title: 'A', url: 'https://harbour.news/', language: 'ckb-IQ' });
  });

  test('with all options nothing is asked', async () => {
    const folder = join(await parent(), 'a');
    const options = ['--title=T', '--url=https://harbour.news', '--language=en'];
    expect(await command(['init', folder, ...options], { typed: 'x' })).toMatchObject({ code: 0, drawn: '' });
  });

  test.each([
    ['at the first question', END_OF_INPUT],
    ['later', 'T\nhttps://harbour.news'],
  ])('the end of the input %s makes nothing', async (_, typed) => {
    const folder = join(await parent(), 'a');
    expect(await command(['init', folder], { typed })).toMatchObject({ code: 1, out: '', err: 'Nothing was made.\n' });
    expect(existsSync(dirname(folder))).toBe(false);
  });
});

test.each([
  ['en', 'en', 'ltr'],
  ['ku', 'ku', 'ltr'],
  ['ckb', 'ckb', 'rtl'],
  ['ar-IQ', 'ar-IQ', 'rtl'],
  ['fa', 'fa', 'rtl'],
  ['tr', 'tr', 'ltr'],
  ['de', 'en', 'ltr'],
  ['ku-Arab', 'en', 'ltr'],
])('a newsroom in %s begins with an article in %s', async (language, ofArticle, direction) => {
  const folder = await parent();
  await command(['init', folder, '--language', language]);
  const [, fields = '', body] = readFileSync(join(folder, 'articles/welcome.md'), 'utf8').split('---\n');
  const record = { id: 'welcome', ...parse(fields), body, bodyFormat: 'markdown' };
  const adjustments: unknown[] = [];
  const article = parseArticle(record, { ...newsroom, language }, (made) => adjustments.push(made));

  expect([article.language, article.direction, adjustments]).toEqual([ofArticle, direction, []]);
  expect(article.html.includes('dir="rtl"')).toBe(direction === 'rtl');
  expect(settingsOf(folder).language).toBe(language);
});

test('a signal that comes while the newsroom is made does not stop it halfway', async () => {
  const folder = await parent();
  const { code } = await command(['init', folder], { stop: AbortSignal.abort() });
  expect([code, everythingIn(folder)]).toEqual([0, FILES]);
});

describe('a wrong option makes nothing', () => {
  test.each([
    [['--title', ' '], '--title must not be empty (value: )\n'],
    [['--url', 'ftp://x'], '--url must be an http or https address of at most 4096 characters (value: ftp://x)\n'],
    [
      ['--url', 'harbour.news'],
      '--url must be an http or https address of at most 4096 characters. Did you mean https://harbour.news? (value: harbour.news)\n',
    ],
    [
      ['--language', 'english'],
      '--language is not a registered language tag (BCP 47): readers may not know the language. Use a tag as en, ckb or pt-BR (value: english)\n',
    ],
    [['--language', 'de_DE'], '--language must be a language tag, as en, ckb or pt-BR (BCP 47) (value: de_DE)\n'],
  ])('%j', async (options, message) => {
    const folder = await parent();
    const { code, err } = await command(['init', folder, ...options]);
    expect([code, err.split('Run with')[0]]).toEqual([2, message]);
    expect(existsSync(folder)).toBe(false);
  });

  test('no folder, and two', async () => {
    expect(await command(['init'])).toMatchObject({ code: 2 });
    expect(await command(['init', 'a', 'b'])).toMatchObject({ code: 2 });
  });
});

describe('nothing is overwritten', () => {
  test.each([
    ['a file', ['notes.txt'], 'is not empty: it has “notes.txt”.'],
    ['several', ['a', 'b', '.git'], 'is not empty: it has “a” and 1 more.'],
    ['a newsroom', ['publication.yaml'], 'is not empty: it has “publication.yaml”.\nIt is a newsroom already.'],
  ])('a folder with %s is refused', async (_, names, message) => {
    const folder = await parent();
    mkdirSync(folder);
    for (const name of names) writeFileSync(join(folder, name), 'mine');
    const { code, err } = await command(['init', folder]);

    expect([code, err.startsWith(`${folder} ${message}`)]).toEqual([1, true]);
    expect(everythingIn(folder)).toEqual([...names].sort());
  });

  test('an empty folder is used, and one with hidden files, which stay', async () => {
    const folder = await parent();
    mkdirSync(join(folder, '.git'), { recursive: true });
    writeFileSync(join(folder, '.gitignore'), 'mine');
    const { code, out } = await command(['init', folder]);

    expect(code).toBe(0);
    expect(everythingIn(folder)).toEqual(['.git', ...FILES]);
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('mine');
    expect(out).toContain('add the line /store/ to it');
  });

  test('a link that leads nowhere stays', async () => {
    const folder = await parent();
    symlinkSync(join(dirname(folder), 'nowhere'), folder);
    expect(await command(['init', folder])).toMatchObject({ code: 1 });
    expect(readdirSync(dirname(folder)).sort()).toEqual(['new', 'publication.yaml']);
  });

  test('a file in the place of the folder, or above it, is refused', async () => {
    const file = await parent();
    writeFileSync(file, 'mine');
    for (const folder of [file, join(file, 'below')]) {
      const { code, err } = await command(['init', folder]);
      expect([code, err]).toEqual([1, expect.stringContaining(`${folder} is a file, or below a file`)]);
    }
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });
});

test('what cannot be made whole is not made at all', async () => {
  const folder = await parent();
  mkdirSync(folder);
  const { code, err } = await command(['init', join(folder, 'b/c', 'a'.repeat(300))]);

  expect([code, err]).toEqual([1, expect.stringContaining('cannot be written: ')]);
  expect(readdirSync(folder)).toEqual([]);
});

test('every commented setting is valid when it is uncommented, for the service and for editors', async () => {
  const folder = await parent();
  await command(['init', folder, '--title', '“A”: #1 \\ {b} 100%', '--url', 'https://harbour.news']);
  const text = readFileSync(join(folder, 'publication.yaml'), 'utf8');
  const whole = text.replace(/^# (?=[a-z][A-Za-z]*:| {2})/gm, '').replace('  aiTraining: no', '  aiTraining: no\n');
  const publication = parsePublication(whole, 'publication.yaml');
  const ajv = new Ajv2020({ strict: false, validateFormats: false });

  expect(Object.keys(parse(whole))).toHaveLength(Object.keys(parse(text)).length + 10);
  expect(publication).toMatchObject({
    title: '“A”: #1 \\ {b} 100%',
    feeds: [{ id: 'rivers' }],
    terms: { search: 'yes' },
  });
  expect(ajv.validate(publicationFileSchema(), parse(whole))).toBe(true);
});

test.each(['plain', 'with space', 'û#%'])(
  'the first line leads an editor from the folder “%s” to the schema',
  async (name) => {
    const folder = join(await parent(), name);
    await command(['init', folder]);
    const [, named = ''] =
      /^# yaml-language-server: \$schema=(\S+)$/m.exec(readFileSync(join(folder, 'publication.yaml'), 'utf8')) ?? [];
    const file = named.startsWith('file:') ? fileURLToPath(named) : resolve(folder, named);

    expect(readFileSync(file, 'utf8')).toBe(
      readFileSync(join(import.meta.dirname, '../../schema/publication.json'), 'utf8'),
    );
  },
);

test('what was made is removed after a failure, and what another program has put there meanwhile stays', async () => {
  const base = await dataFolder();
  function* files(meanwhile: () => void): Generator<readonly [string, string]> {
    yield ['publication.yaml', 'title: One\n'];
    meanwhile();
    yield ['publication.yaml', 'title: Another\n'];
  }
  const alone = join(base, 'alone', 'deep');
  expect(() =>
    makeNewsroom(
      alone,
      files(() => {}),
    ),
  ).toThrow(expect.objectContaining({ code: 'unwritable_output' }));
  expect(existsSync(join(base, 'alone'))).toBe(false);
  const shared = join(base, 'shared', 'deep');
  const meanwhile = () => writeFileSync(join(shared, 'articles', 'theirs.md'), 'Text');
  expect(() => makeNewsroom(shared, files(meanwhile))).toThrow();
  expect(everythingIn(shared)).toEqual(['articles', 'articles/theirs.md']);
});
