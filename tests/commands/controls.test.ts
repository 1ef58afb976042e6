import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dataFolder, record } from '../helpers.ts';
import { site } from './site.ts';
import { command, type Finished } from './terminal.ts';

/** Characters that a terminal obeys: ESC, BEL, CR, DEL, CSI as one character, and the overrides of direction. */
const CONTROLS = '\u001B[2J\u0007\r\u007F\u009B31m\u202E\u2066';
const VISIBLE = '\\u001b[2J\\u0007\\u000d\\u007f\\u009b31m\\u202e\\u2066';
const OBEYED = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/;

function printed({ out, err }: Finished): string {
  expect(out + err).not.toMatch(OBEYED);
  return out + err;
}

describe('characters that a terminal obeys are printed as escapes', () => {
  test('in a wrong argument', async () => {
    expect(printed(await command([`x${CONTROLS}`]))).toContain(`There is no command “x${VISIBLE}”.`);
  });

  test('in the name of a file, a value and a title', async () => {
    const name = 'in\u001B]0;x\u0007.json';
    const bad = record({ title: `Ice\u001B[31m\u202E`, publishedAt: '\u009Bsoon' });
    const folder = await dataFolder({ [name]: JSON.stringify(bad) });
    const args = ['import', '--data', folder, '--rejected', join(folder, 'r.ndjson'), join(folder, name)];
    const text = printed(await command(args));

    expect(text).toContain('in\\u001b]0;x\\u0007.json:1:');
    expect(text).toContain('(value: \\u009bsoon), in “Ice\\u001b[31m\\u202e”');
  });

  test('in the title of a feed that a web page names', async () => {
    const url = await site(({ url: path }, response) => {
      response.setHeader('Content-Type', path === '/' ? 'text/html' : 'application/xml');
      const named = '<link rel="alternate" type="application/rss+xml" title="A&#x1b;[2J\u202E" href="/f">';
      if (path === '/') response.end(`<!doctype html><meta charset="utf-8">${named}`);
      else response.end('<rss version="2.0"><channel><title>H</title></channel></rss>');
    }, '/');
    const text = printed(await command(['import', '--data', await dataFolder(), url]));

    expect(text).toContain('\\u202e');
  });

  test('in the id of a key', async () => {
    const args = ['key', 'revoke', '--data', await dataFolder(), `x${CONTROLS}`];
    expect(printed(await command(args))).toContain(`No active key “x${VISIBLE}”.`);
  });

  test('but not the line ends of the help, nor letters beyond ASCII', async () => {
    const { out } = await command(['--help']);
    expect(out.split('\n').length).toBeGreaterThan(20);
    expect(printed(await command(['كوردى\u200F😀']))).toContain('“كوردى\u200F😀”');
  });
});
