import { readFile } from 'node:fs/promises';
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

  test('in the name of a field, and a line end there begins no line', async () => {
    const name = 'in\nFORGED: 9 created.json';
    const folder = await dataFolder({ [name]: JSON.stringify(record({ 'x\nFORGED: 5 created\u009B': 1 })) });
    const args = ['import', '--data', folder, '--rejected', join(folder, 'r.ndjson'), join(folder, name)];
    const text = printed(await command(args));

    expect(text).toContain('x\\u000aFORGED: 5 created\\u009b: is not a known field');
    expect(text).toContain('in\\u000aFORGED: 9 created.json:');
    expect(text).not.toMatch(/^FORGED/m);
  });

  test('in the reasons of a WordPress export, which are not counted apart without a limit', async () => {
    const item = (type: string) => `<item><wp:post_type>${type}</wp:post_type></item>`;
    const types = Array.from({ length: 300 }, (_, number) => item(`kind${number}`));
    const folder = await dataFolder({
      'in.xml': `<rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/"><channel><wp:wxr_version>1.2</wp:wxr_version>
<wp:base_site_url>https://harbour.example</wp:base_site_url>${item('a\nFORGED&#x202E;')}${types.join('')}</channel></rss>`,
    });
    const text = printed(await command(['import', '--data', folder, join(folder, 'in.xml')]));

    expect(text).toContain('Skipped: 1 of type a\\u000aFORGED\\u202e, 1 of type kind0, ');
    expect(text).toMatch(/, 1 of type kind48, 251 for other reasons\n/);
  });

  test('in a report, where they mean the same', async () => {
    const title = `Ice${CONTROLS}`;
    const bad = record({ title, publishedAt: 'soon', [`x${CONTROLS}`]: 1 });
    const folder = await dataFolder({ 'in.json': JSON.stringify(bad) });
    const report = join(folder, 'report.json');
    const args = ['import', '--data', folder, '--rejected', join(folder, 'r.ndjson'), '--report', report];
    await command([...args, join(folder, 'in.json')]);
    const text = await readFile(report, 'utf8');

    expect(text).not.toMatch(OBEYED);
    expect(JSON.parse(text).refusals[0].problems.map(({ field }: { field: string }) => field)).toContain(
      `x${CONTROLS}`,
    );
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
