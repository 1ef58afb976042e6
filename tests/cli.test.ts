import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { run } from '../src/cli.ts';
import { ask, childEnvironment, dataFolder, PUBLICATION, record, toldIn, withoutChanges } from './helpers.ts';
import { START_FLAGS } from './start-flags.ts';

const ROOT = join(import.meta.dirname, '..');
const MAIN = join(ROOT, 'src/start.js');

interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command that ends by itself, in this process. */
async function finished(args: readonly string[], env: Environment = {}): Promise<Finished> {
  const said = { out: '', err: '' };
  const result = await run(args, {
    out: (line) => {
      said.out += `${line}\n`;
    },
    err: (line) => {
      said.err += `${line}\n`;
    },
    screen: process.stderr,
    onStop: () => {},
    env,
    version: packageJson.version,
  });
  if (typeof result === 'number') return { code: result, ...said };
  await result.close();
  throw new Error(`it serves: ${said.out}`);
}

/** The program in a process of its own. */
interface Program {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves with the first line of output; rejects if the program ends before. */
  readonly line: Promise<string>;
  /** What it has written to standard error so far. */
  readonly err: () => string;
}

type Environment = Readonly<Record<string, string>>;

function program(args: readonly string[], env: Environment = {}, cwd = ROOT): Program {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: childEnvironment({ METRICS_PORT: 'off', ...env }),
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const line = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      out += chunk;
      if (out.includes('\n')) resolve(out.slice(0, out.indexOf('\n')));
    });
    child.once('close', () => reject(new Error(`it ended: ${out}${err}`)));
  });
  line.catch(() => {}); // a test may not wait for the line
  const finished = once(child, 'close').then(() => ({ code: child.exitCode, out, err }));
  return { child, finished, line, err: () => err };
}

const NEWSROOM = {
  'articles/a.json': JSON.stringify(record({ sections: ['World'] })),
  'articles/b.json': JSON.stringify(record({ id: 'b', tags: ['x', 'y'] })),
};

function portIn(line: string): number {
  return Number(/:(\d+)\/feeds/.exec(line)?.[1]);
}

test('the program runs with the same flags by its own name as by npm start', () => {
  const [shebang] = readFileSync(MAIN, 'utf8').split('\n');
  expect(shebang).toBe(`#!/usr/bin/env -S node ${START_FLAGS.join(' ')}`);
});

describe('help and version', () => {
  test('--version prints the version of package.json', async () => {
    expect(await finished(['--version'])).toEqual({ code: 0, out: `${packageJson.version}\n`, err: '' });
  });

  test('wrong usage is reported on stderr in plain text, with exit code 2', async () => {
    expect(await program(['--port', 'x']).finished).toEqual({
      code: 2,
      out: '',
      err: '--port must be a whole number from 0 to 65535, not “x”.\nRun with --help to see commands and options.\n',
    });
  });

  test.each(['--help', '-h'])('%s names every option and variable', async (option) => {
    const { code, out, err } = await finished([option]);

    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^Feed Publisher turns .*\n\nUsage: feed-publisher \[COMMAND\] \[options\]\n/);
    expect(out.match(/(?<=^ {2})[a-z][a-z-]+(?= )/gm)).toEqual([
      'serve',
      'init',
      'import',
      'export',
      'erase',
      'key',
      'outbox',
      'verify',
      'repair',
      'backup',
      'restore',
      'check',
      'deliveries',
      'withdrawals',
      'verify-delivery',
      'signing-key',
      'healthcheck',
      'migrate',
      'store',
    ]);
    expect(out.match(/(?<=^ {2})--[a-z-]+/gm)).toEqual([
      '--port',
      '--host',
      '--data',
      '--public-url',
      '--workers',
      '--cache-mb',
      '--metrics-port',
      '--trust-proxy',
      '--rate-limit',
      '--max-connections',
      '--signing-key',
      '--purge',
      '--soft-purge',
      '--site',
      '--fast-path',
      '--sanitize-fast-path',
      '--database-url',
    ]);
    expect(out.match(/(?<=\()[A-Z_]+(?=, )/g)).toEqual([
      'PORT',
      'HOST',
      'DATA_DIR',
      'PUBLIC_URL',
      'WORKERS',
      'CACHE_MB',
      'METRICS_PORT',
      'TRUST_PROXY',
      'RATE_LIMIT',
      'MAX_CONNECTIONS',
      'SIGNING_KEY_FILE',
      'PURGE',
      'SOFT_PURGE',
      'SITE',
      'FAST_PATH',
      'SANITIZE_FAST_PATH',
      'DATABASE_URL',
      'FASTLY_API_TOKEN_FILE',
      'CLOUDFLARE_API_TOKEN_FILE',
      'PURGE_SECRET_FILE',
    ]);
    expect(out.match(/(?<=^ {2})[A-Z_]+/gm)).toEqual([
      'METRICS_HOST',
      'FASTLY_API_TOKEN',
      'CLOUDFLARE_API_TOKEN',
      'PURGE_SECRET',
      'LOG_LEVEL',
      'LOG_SAMPLE',
      'SHUTDOWN_DELAY',
      'AWS_ENDPOINT_URL',
      'AWS_REGION',
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'AWS_SESSION_TOKEN',
    ]);
  });
});

const HINT = 'Run with --help to see commands and options.\n';

test.each<[readonly string[], Environment, string]>([
  [['--colour'], {}, 'There is no option “--colour”.\n'],
  [['--prot', '80'], {}, 'There is no option “--prot”: the nearest is --port.\n'],
  [['-p', '80'], {}, 'There is no option “-p”: the nearest is --port.\n'],
  [['-xy'], {}, 'There is no option “-x”.\n'],
  [['--constructor'], {}, 'There is no option “--constructor”.\n'],
  [['--no-port'], {}, 'There is no option “--no-port”: the nearest is --port.\n'],
  [['--port'], {}, '--port needs a value: --port NUMBER.\n'],
  [['--port', '--host', 'x'], {}, '--port needs a value before “--host”. If that is the value, write --port=--host.\n'],
  [['--port', '-1'], {}, '--port needs a value before “-1”. If that is the value, write --port=-1.\n'],
  [['--port', '80a'], {}, '--port must be a whole number from 0 to 65535, not “80a”.'],
  [['--port', '65536'], {}, '--port must be a whole number from 0 to 65535, not “65536”.'],
  [['--port=-1'], {}, '--port must be a whole number from 0 to 65535, not “-1”.'],
  [['--port', '80.5'], {}, '--port must be a whole number from 0 to 65535, not “80.5”.'],
  [['--port='], {}, '--port must be a whole number from 0 to 65535, not “”.'],
  [[], { PORT: 'http' }, 'PORT must be a whole number from 0 to 65535, not “http”.'],
  [
    ['--public-url', 'feeds.example'],
    {},
    '--public-url must be an http or https address without user name, password, query and fragment, not “feeds.example”.',
  ],
  [
    [],
    { PUBLIC_URL: 'ftp://x.example' },
    'PUBLIC_URL must be an http or https address without user name, password, query and fragment, not “ftp://x.example”.',
  ],
  [['--metrics-port', 'none'], {}, '--metrics-port must be off or a whole number from 0 to 65535, not “none”.'],
  [[], { METRICS_PORT: '-1' }, 'METRICS_PORT must be off or a whole number from 0 to 65535, not “-1”.'],
  [[], { LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, not “loud”.'],
  [[], { LOG_SAMPLE: '0.5' }, 'LOG_SAMPLE must be a whole number from 0 to 1000000, not “0.5”.'],
  [[], { SHUTDOWN_DELAY: '10s' }, 'SHUTDOWN_DELAY must be a whole number from 0 to 3600, not “10s”.'],
  [['--workers', '0'], {}, '--workers must be auto or a whole number from 1 to 256, not “0”.'],
  [['--workers', '257'], {}, '--workers must be auto or a whole number from 1 to 256, not “257”.'],
  [['--workers', '1.5'], {}, '--workers must be auto or a whole number from 1 to 256, not “1.5”.'],
  [['--workers', 'many'], {}, '--workers must be auto or a whole number from 1 to 256, not “many”.'],
  [['--workers', '1e1'], {}, '--workers must be auto or a whole number from 1 to 256, not “1e1”.'],
  [['--workers='], {}, '--workers must be auto or a whole number from 1 to 256, not “”.'],
  [[], { WORKERS: '-2' }, 'WORKERS must be auto or a whole number from 1 to 256, not “-2”.'],
  [['--fast-path', 'true'], {}, '--fast-path must be on or off, not “true”: did you mean on?'],
  [[], { SANITIZE_FAST_PATH: '0' }, 'SANITIZE_FAST_PATH must be on or off, not “0”: did you mean off?'],
  [['worker', 'reader'], {}, 'Only “serve --workers” can start a worker.'],
  [['publish'], {}, 'There is no command “publish”: the nearest is import.\n'],
  [['exprot'], {}, 'There is no command “exprot”: the nearest is export.\n'],
  [['workers'], {}, 'There is no command “workers”.\n'],
  [['import', '--dry-run=yes', 'x'], {}, '--dry-run is a switch and takes no value, not “yes”.\n'],
  [['serve', 'now'], {}, 'Unexpected argument “now”: this command takes options only.\n'],
  [['serve', '--', '--port'], {}, 'Unexpected argument “--port”: this command takes options only.\n'],
])('%o %o is wrong usage: exit code 2', async (args, env, message) => {
  const { code, out, err } = await finished(args, env);

  expect([code, out]).toEqual([2, '']);
  expect(err.startsWith(message), err).toBe(true);
  expect(err.endsWith(HINT), err).toBe(true);
  expect(err).not.toContain('    at ');
});

describe('a publication.yaml that is wrong stops the start with exit code 1', () => {
  test.each([
    ['title: [\n', /publication\.yaml:2:1: /],
    ['title: A\ntitle: B\n', /publication\.yaml:2:1: has a name that stands here already: keep one of them \(/],
    ['title: News: today\n', /publication\.yaml:1:8: has a second colon .*: put text with a colon in quotation marks/],
    ['title: A\n\tlanguage: en\n', /publication\.yaml:2:1: begins with a tab: use spaces \(/],
    ['title: "A\n', /publication\.yaml:2:1: lacks a sign: .* or a closing quotation mark \(Missing closing "quote\)/],
    ['title: @home\n', /publication\.yaml:1:8: has a sign with a meaning in YAML: put the text in quotation marks \(/],
    ['title: *home\n', /publication\.yaml:1:1: must name each anchor \(&\) before its aliases \(\*\), and use few/],
    [
      `${PUBLICATION}colour: red\n`,
      /publication\.yaml:6:9: colour: is not a known field\. Did you mean accentColor\?\n$/,
    ],
    [
      PUBLICATION.replace('language: en', 'language: english language'),
      /publication\.yaml:5:11: language: must be a language tag, as en, ckb or pt-BR \(BCP 47\) \(value: english language\)\n$/,
    ],
    [
      `${PUBLICATION}feeds:\n  - id: a\n    title: A\n    select:\n      any: [topic/x]\n`,
      /publication\.yaml:10:13: feeds\[0\]\.select\.any\[0\]: must be latest, section\/…, tag\/…, author\/… or language\/…\. Did you mean tag\/x\? \(value: topic\/x\)\n$/,
    ],
  ])('%j', async (yaml, message) => {
    const folder = await dataFolder({ ...NEWSROOM, 'publication.yaml': yaml });
    const { code, out, err } = await finished(['--data', folder, '--port', '0']);

    expect([code, out]).toEqual([1, '']);
    expect(err.startsWith(join(folder, 'publication.yaml')), err).toBe(true);
    expect(err).toMatch(message);
    expect(err).not.toContain('    at ');
  });

  test('all problems are printed', async () => {
    const folder = await dataFolder({ ...NEWSROOM, 'publication.yaml': 'title: [5]\nurl: nowhere\nlanguage: en\n' });
    const { code, err } = await finished(['--data', folder, '--port', '0']);

    expect(code).toBe(1);
    expect(
      err
        .trim()
        .split('\n')
        .map((line) => line.slice(folder.length + 1)),
    ).toEqual([
      'publication.yaml:1:8: title: must be text (value: ["5"])',
      'publication.yaml:2:6: url: must be an http or https address of at most 4096 characters (value: nowhere)',
      'publication.yaml:1:1: description: is required',
    ]);
  });

  test('a folder without one', async () => {
    const { code, out, err } = await program(['--data', '/nowhere', '--port', '0']).finished;

    expect({ code, out, err }).toEqual({
      code: 1,
      out: '',
      err: 'The publication cannot be read from /nowhere/publication.yaml.\nCreate a publication.yaml with title, url, description and language in the data folder.\n',
    });
  });
});

describe('serving', () => {
  test('one line has the title, counts and address, the log has refused files; SIGTERM ends it with code 0', async () => {
    const folder = await dataFolder({
      ...NEWSROOM,
      'articles/broken.md': '---\nurl: /x\ntitle: X\npublishedAt: 2026-02-30T10:00:00Z\n---\nA body.\n',
    });
    const { child, line, finished: end } = program(['--data', folder, '--port', '0', '--host', '127.0.0.1']);
    const said = await line;
    const { status } = await ask(portIn(said), '/feeds/latest.rss');
    child.kill('SIGTERM');

    expect(said).toMatch(
      /^Feed Publisher: “The Test Post”, 2 articles in 5 feeds, at http:\/\/127\.0\.0\.1:\d+\/feeds\/latest\.rss \(\.atom, \.json\)$/,
    );
    expect(status).toBe(200);
    const { code, out, err } = await end;
    expect([code, out]).toEqual([0, `${said}\n`]);
    expect(withoutChanges(toldIn(err))).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        pid: child.pid,
        msg: 'articles/broken.md is not published.',
        code: 'invalid_article',
        file: 'articles/broken.md',
        problems: [
          {
            field: 'publishedAt',
            value: '2026-02-30T10:00:00Z',
            rule: 'must be a date that exists, with time and zone, as 2026-11-22T10:46:00+03:00 (RFC 3339 §5.6)',
            line: 4,
            column: 14,
          },
        ],
      },
      expect.objectContaining({ level: 'info', msg: 'started', port: portIn(said), articles: 2, feeds: 5 }),
      {
        level: 'info',
        time: expect.any(String),
        pid: child.pid,
        feedsUrl: `http://localhost:${portIn(said)}/`,
        msg:
          'The feeds and pages have the addresses of this machine, because “feeds.news.example” is a name for examples (RFC 2606), which no reader can open. ' +
          'Set feedsUrl in publication.yaml, or --public-url, to the public address of this service.',
      },
      expect.objectContaining({ level: 'info', msg: 'stopping' }),
      expect.objectContaining({ level: 'info', msg: 'stopped' }),
    ]);
  });

  test.each([
    ['one feed, without articles', {}, '0 articles in 1 feed'],
    ['one article', { 'articles/a.json': JSON.stringify(record()) }, '1 article in 2 feeds'],
  ])('counts %s', async (_name, files, counts) => {
    const folder = await dataFolder(files);
    expect(await program(['--data', folder, '--port', '0']).line).toContain(`, ${counts}, at `);
  });

  test('an empty variable counts as not set; SIGINT ends it with code 0, even while a client keeps its connection', async () => {
    const folder = await dataFolder(NEWSROOM);
    const empty = {
      HOST: '',
      PUBLIC_URL: '',
      DATA_DIR: '',
      PORT: '',
      LOG_SAMPLE: '',
      LOG_LEVEL: '',
      SHUTDOWN_DELAY: '',
    };
    const { child, line, finished: end } = program(['serve', '--data', folder, '--port', '0'], empty);
    const said = await line;
    const { headers } = await fetch(`http://127.0.0.1:${portIn(said)}/feeds/latest.rss`); // keeps its connection
    child.kill('SIGINT');

    expect(said).toContain(', at http://localhost:');
    expect(headers.get('link')).toContain(`<http://localhost:${portIn(said)}/feeds/latest.rss>; rel="self"`);
    const { code, err } = await end;
    expect(code).toBe(0);
    expect(withoutChanges(toldIn(err)).map(({ msg }) => msg)).toEqual([
      'started',
      expect.stringContaining('“feeds.news.example” is a name for examples'),
      'stopping',
      'stopped',
    ]);
  });

  test('variables set the service, and options win over them', async () => {
    const folder = await dataFolder(NEWSROOM);
    const elsewhere = { DATA_DIR: '/nowhere', PORT: '1', HOST: '192.0.2.1', PUBLIC_URL: 'https://variable.example/' };
    const byVariables = program([], {
      DATA_DIR: folder,
      PORT: '0',
      HOST: '127.0.0.1',
      PUBLIC_URL: 'https://variable.example/below',
    });
    const byOptions = program(
      ['--data', folder, '--port', '0', '--host', '::1', '--public-url', 'https://option.example'],
      elsewhere,
    );
    const lines = [await byVariables.line, await byOptions.line];
    const { headers } = await ask(portIn(lines[0] ?? ''), '/feeds/latest.rss');
    const other = await fetch(`http://[::1]:${portIn(lines[1] ?? '')}/feeds/latest.rss`);

    expect(lines).toEqual([
      expect.stringContaining(', at http://127.0.0.1:'),
      expect.stringContaining(', at http://[::1]:'),
    ]);
    expect(headers.link).toMatch(/^<https:\/\/variable\.example\/below\/feeds\/latest\.rss>; rel="self"/);
    expect(other.headers.get('link')).toMatch(/^<https:\/\/option\.example\/feeds\/latest\.rss>; rel="self"/);
  });

  test('a port in use is reported with the option to change, with exit code 1', async () => {
    const folder = await dataFolder(NEWSROOM);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const address = taken.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { code, out, err } = await program(['--data', folder, '--port', String(port), '--host', '127.0.0.1'])
      .finished;

    expect([code, out]).toEqual([1, '']);
    expect(err.split('\n').find((line) => !line.startsWith('{'))).toBe(
      `Port ${port} is already in use: choose another with --port.`,
    );
    expect(err).not.toContain('    at ');
  });

  test('a host that is not an address of this machine is reported with the option to change, with exit code 1', async () => {
    const folder = await dataFolder(NEWSROOM);
    const { code, out, err } = await finished(['--data', folder, '--port', '0', '--host', '192.0.2.1']);

    expect([code, out]).toEqual([1, '']);
    expect(err.split('\n')[0]).toBe('192.0.2.1 is not an address of this machine: choose another with --host.');
    expect(err).not.toContain('    at ');
  });
});

/** Node loads it before the program: SIGHUP comes when the program has just begun to load its commands. */
const HANG_UP = `--import=data:text/javascript,${encodeURIComponent(
  "import { registerHooks } from 'node:module'; registerHooks({ resolve(name, context, next) { if (name === './cli.ts') process.kill(process.pid, 'SIGHUP'); return next(name, context); } });",
)}`;

test.skipIf(process.platform === 'win32')(
  'SIGHUP during the start is a reload after it, and ends any other command',
  async () => {
    const folder = await dataFolder(NEWSROOM);
    const env = { NODE_OPTIONS: HANG_UP };
    const other = program(['check', '--config', '--data', folder], env);
    const service = program(['--port', '0', '--data', folder], env);
    expect((await other.finished).code).toBeNull();
    expect(other.child.signalCode).toBe('SIGHUP');
    await service.line;
    await expect
      .poll(() => toldIn(service.err()).map(({ msg }) => msg), { timeout: 20_000 })
      .toContain('publication.yaml was read again, and says what is in force already.');
  },
);
