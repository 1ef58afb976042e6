import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli.ts';
import { childEnvironment, dataFolder, PUBLICATION, record } from '../helpers.ts';
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

const BAD = `x${CONTROLS}`;

describe('no command prints what a terminal obeys, wherever it stands', () => {
  test.each([
    ['serve', '--data', BAD],
    ['serve', '--port', BAD],
    ['serve', '--trust-proxy', BAD],
    ['serve', '--public-url', BAD],
    ['serve', '--max-connections', BAD],
    ['serve', `--${BAD}`],
    ['serve', BAD],
    ['import', BAD],
    ['import', `http://127.0.0.1:1/${BAD}`],
    ['import', `http://u:p@127.0.0.1:1/${BAD}`],
    ['import', `http://${BAD}.invalid/`],
    ['import', '--every', BAD, 'http://127.0.0.1:1/'],
    ['import', '--rejected', `/no/such/${BAD}`, 'DATA/bad.json'],
    ['import', '--report', `/no/such/${BAD}`, 'DATA/bad.json'],
    ['export', '--data', BAD],
    ['export', `/no/such/${BAD}/x`],
    ['export', '--data', 'DATA', BAD, BAD],
    ['key', BAD],
    ['key', 'list', BAD],
    ['key', 'list', '--data', BAD],
    ['key', 'create', '--name', BAD, '--scope', BAD],
    ['key', 'revoke', BAD],
    ['erase', BAD],
    ['erase', '--data', BAD, 'a'],
    ['deliveries', BAD, '--data', 'DATA'],
    ['deliveries', 'a', BAD],
    ['withdrawals', '--partner', BAD, '--data', 'DATA'],
    ['withdrawals', '--since', BAD],
    ['verify-delivery', BAD],
    ['verify-delivery', '--key', BAD, 'a'],
    ['signing-key', BAD],
    ['signing-key', 'show', BAD],
    ['signing-key', 'create', `/no/such/${BAD}`],
    ['migrate', '--data', BAD],
    ['migrate', BAD],
    ['worker', BAD],
    [BAD, '--help'],
  ])('in the arguments %j', async (...args) => {
    const folder = await dataFolder({ 'bad.json': '{"title":1}' });
    const given = args.map((arg) => arg.replace('DATA', folder));
    const finished = await command(given, { env: { DATA_DIR: folder } });

    expect(finished.code).not.toBe(0);
    expect(printed(finished)).not.toBe('');
  });

  test.each(['serve', 'import', 'export', 'erase', 'key', 'migrate'])('in publication.yaml, for %s', async (name) => {
    const yaml = `title: "${JSON.stringify(CONTROLS).slice(1, -1)}"\n"x${JSON.stringify(CONTROLS).slice(1, -1)}": 1\nurl: "x\\u009b"\n? [a\u009B31m\u202E]\n: b\n`;
    const folder = await dataFolder({ 'publication.yaml': yaml, 'a.json': JSON.stringify(record()) });
    const args: Readonly<Record<string, readonly string[]>> = {
      import: [join(folder, 'a.json')],
      key: ['list'],
      erase: ['a'],
    };
    const text = printed(await command([name, '--data', folder, ...(args[name] ?? [])]));

    expect(text).toContain('x\\u001b[2J\\u0007\\u000d\\u007f\\u009b31m\\u202e\\u2066: is not a known field');
  });

  test('in the names of keys', async () => {
    const data = ['--data', await dataFolder()];
    const finished = await Promise.all([
      command(['key', 'create', '--name', `a\u009B\u202E`, ...data]),
      command(['key', 'create', '--name', `a\u202E`, ...data]),
    ]);
    const again = await command(['key', 'create', '--name', `a\u202E`, ...data]);
    const list = await command(['key', 'list', ...data]);

    for (const one of [...finished, again, list]) printed(one);
    expect(list.out).toContain('a\\u202e');
  });

  test.each([true, false])('in the first words of a service, and in its log (for people: %s)', async (isTTY) => {
    const folder = await dataFolder({
      'publication.yaml': PUBLICATION.replace(/^title:.*$/m, 'title: "H\\u202e\\u2066"'),
      [`articles/x${CONTROLS}\n.json`]: JSON.stringify(record({ title: BAD, publishedAt: BAD })),
      [`articles/y${CONTROLS}.bin`]: 'x',
    });
    let text = '';
    const screen = new Writable({
      write(chunk, _encoding, done) {
        text += chunk;
        done();
      },
    });
    const add = (line: string) => {
      text += `${line}\n`;
    };
    const args = ['serve', '--data', folder, '--port', '0', '--host', '127.0.0.1', '--metrics-port', 'off'];
    const service = await run(args, {
      out: add,
      err: add,
      screen: Object.assign(screen, { isTTY }) as unknown as NodeJS.WriteStream,
      onStop: () => {},
      env: {},
      version: '0.0.0',
    });
    if (typeof service === 'number') throw new Error(text);
    service.fail(Object.assign(new Error(BAD), { code: BAD }));
    await service.close();

    expect(text).not.toMatch(OBEYED);
    expect(text).toContain('“H\\u202e\\u2066”, 0 articles');
    expect(text).toMatch(/is not published/);
    expect(text).toContain('\\u009b31m\\u202e\\u2066');
  });
});

describe('the program prints no control characters', () => {
  const MAIN = join(import.meta.dirname, '../../src/start.js');

  /** Runs the program. Some code runs when the program is ready for what may happen. */
  function program(args: readonly string[], code = '') {
    const preload = `process.on('newListener', (name) => { if (name === 'warning') setImmediate(() => { ${code} }); });`;
    const url = `data:text/javascript,${encodeURIComponent(preload)}`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', url, MAIN, ...args], {
      encoding: 'utf8',
      env: childEnvironment(),
    });
    expect(stdout + stderr).not.toMatch(OBEYED);
    return { status, stdout, stderr };
  }

  test('of an error that nobody expected', () => {
    const { status, stderr } = program(['--version'], `throw new RangeError(${JSON.stringify(BAD)})`);

    expect(status).toBe(1);
    expect(stderr).toMatch(/^RangeError: x\\u001b\[2J\\u0007\\u000d\\u007f\\u009b31m\\u202e\\u2066\n {4}at /);
  });

  test('of a warning of Node', () => {
    const { status, stderr } = program(['--version'], `process.emitWarning(${JSON.stringify(BAD)})`);

    expect([status, stderr]).toEqual([0, `Warning: x${VISIBLE}\n`]);
  });

  test('of a name in YAML that is a list', async () => {
    const folder = await dataFolder({ 'in.md': '---\ntitle: x\n? [a\u009B31m\u202E]\n: b\n---\nText.\n' });
    const { stderr } = program(['import', '--dry-run', '--data', folder, join(folder, 'in.md')]);

    expect(stderr).not.toContain('Keys with collection values');
    expect(stderr).toContain('is not a known field');
  });

  test('of an article that is exported to standard output, which means the same', async () => {
    const folder = await dataFolder({ 'in.json': JSON.stringify(record({ title: 'a\u202E' })) });
    await command(['import', '--data', folder, join(folder, 'in.json')]);
    const { status, stdout } = program(['export', '--data', folder]);

    expect([status, stdout.includes('\\u202e')]).toEqual([0, true]);
    expect(JSON.parse(stdout)).toMatchObject({ title: 'a\u202E' });
  });
});
