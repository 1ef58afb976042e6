import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import packageLock from '../package-lock.json' with { type: 'json' };
import { freePort } from './free-port.ts';
import { ask, childEnvironment, dataFolder, record, toldIn, withoutChanges } from './helpers.ts';
import { START_FLAGS } from './start-flags.ts';

const ROOT = join(import.meta.dirname, '..');
const MAIN = join(ROOT, 'src/start.js');
/** More than REPEATED_SIGNAL in main.ts. */
const LATER = 600;

interface Ended {
  readonly code: number | null;
  readonly err: string;
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Returns the log so far. */
  readonly log: () => string;
}

/** Runs a program until it ends. */
function started(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: childEnvironment({ METRICS_PORT: 'off', HOST: '127.0.0.1', ...env }),
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  onTestFinished(() => killGroup(child));
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, err }));
  return { child, ended, log: () => err };
}

function killGroup({ pid = 0 }: ChildProcess): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {} // it has ended
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(1);
}

function answers(port: number): Promise<boolean> {
  return ask(port, '/healthz').then(
    ({ status }) => status === 200,
    () => false,
  );
}

/** The messages of the log. npm and its warnings write no JSON. */
function messagesIn(log: string): string[] {
  const lines = log.split('\n').filter((line) => line.startsWith('{'));
  return withoutChanges(toldIn(lines.join('\n'))).map(({ msg }) => msg);
}

const newsroom = () => dataFolder({ 'articles/a.json': JSON.stringify(record()) });

describe('a signal', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s to “npm start” ends the service, which finishes its work',
    {
      timeout: 60_000,
    },
    async (signal) => {
      const port = await freePort();
      const npm = started('npm', ['start'], { DATA_DIR: await newsroom(), PORT: String(port) });
      await until(() => answers(port));
      npm.child.kill(signal);
      const { err } = await npm.ended;

      expect(messagesIn(err)).toEqual(['started', 'stopping', 'stopped']);
      expect(await answers(port)).toBe(false);
    },
  );

  test('that comes a second time at once, as with Ctrl-C in a terminal, counts as the first', async () => {
    const port = await freePort();
    const env = { DATA_DIR: await newsroom(), PORT: String(port), SHUTDOWN_DELAY: '1' };
    const { child, ended } = started(process.execPath, [MAIN], env);
    await until(() => answers(port));
    child.kill('SIGINT');
    child.kill('SIGTERM');
    const { code, err } = await ended;

    expect([code, messagesIn(err)]).toEqual([0, ['started', 'stopping', 'stopped']]);
  });

  test('that comes again later ends the service at once', async () => {
    const port = await freePort();
    const env = { DATA_DIR: await newsroom(), PORT: String(port), SHUTDOWN_DELAY: '3600' };
    const { child, ended, log } = started(process.execPath, [MAIN], env);
    await until(() => answers(port));
    child.kill('SIGTERM');
    await until(() => log().includes('stopping'));
    await sleep(LATER);
    child.kill('SIGTERM');

    expect((await ended).code).toBe(143);
  });

  test.each([1, 2, 4])('right after the first answer lets a service of %i processes finish', async (workers) => {
    const port = await freePort();
    const env = { DATA_DIR: await newsroom(), PORT: String(port), WORKERS: String(workers) };
    const { child, ended } = started(process.execPath, [MAIN], env);
    await until(() => answers(port));
    child.kill('SIGTERM');
    const { code, err } = await ended;

    expect(code).toBe(0);
    expect(toldIn(err).filter(({ level }) => level !== 'info')).toEqual([]);
    expect(messagesIn(err)).toContain('stopped');
    expect(await answers(port)).toBe(false);
  });

  test.each([1, 2])('during the start ends a service of %i processes with exit code 0', async (workers) => {
    const stories = Array.from({ length: 500 }, (_, number) => [
      `articles/${number}.json`,
      JSON.stringify(record({ id: `n${number}` })),
    ]);
    const folder = await dataFolder(Object.fromEntries(stories));
    const env = { DATA_DIR: folder, PORT: '0', WORKERS: String(workers) };
    const { child, ended } = started(process.execPath, [MAIN], env);
    await until(async () => (await readFile(join(folder, 'store/publisher.sqlite')).catch(() => '')).length > 0);
    child.kill('SIGTERM');

    expect((await ended).code).toBe(0);
  });
});

describe('a machine that is not prepared', () => {
  /** Copies what a start reads first. */
  async function program(engine = packageJson.engines.node): Promise<string> {
    const folder = await dataFolder();
    await cp(MAIN, join(folder, 'src/start.js'));
    await writeFile(join(folder, 'package.json'), JSON.stringify({ ...packageJson, engines: { node: engine } }));
    return folder;
  }

  /** A Node that came with the machine; that of this project without one. */
  function machineNode(): { readonly path: string; readonly version: string } {
    const PATH = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
    const { stdout } = spawnSync('node', ['-p', 'process.execPath + " " + process.versions.node'], {
      env: { PATH: PATH.join(delimiter) },
      encoding: 'utf8',
    });
    const [path = process.execPath, version = process.versions.node] = stdout?.trim().split(' ') ?? [];
    return { path, version };
  }

  const start = (folder: string, node: string) => {
    const { status, stdout, stderr } = spawnSync(node, [join(folder, 'src/start.js')], { encoding: 'utf8' });
    return { status, stdout, stderr };
  };

  test('learns before anything else which packages are missing', async () => {
    const folder = await program();

    expect(start(folder, machineNode().path)).toEqual({
      status: 1,
      stdout: '',
      stderr: `The packages of Feed Publisher are not all installed (@date-fns/utc is missing): run “npm ci” in ${folder}, then start it again.\n`,
    });
  });

  test('learns which Node the program needs, and how to start with it', async () => {
    const folder = await program('>=99');
    const { path, version } = machineNode();
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));

    expect(start(folder, path)).toEqual({
      status: 1,
      stdout: '',
      stderr: `Feed Publisher needs Node 99 or newer, but this is Node ${version}: start it with “npm start” in ${folder}, or with node_modules/.bin/node in place of node.\n`,
    });
  });

  test('gets by with syntax that older versions parse', async () => {
    const source = await readFile(MAIN, 'utf8');

    expect(source).not.toMatch(/^\s*(?:const .* = )?await /m);
    expect(source.match(/^import .*$/gm)?.filter((line) => !/^import \w+ from 'node:\w+';$/.test(line))).toEqual([]);
  });
});

test('package-lock.json has the program’s entry, and the address of no registry', () => {
  expect(packageLock.packages[''].bin).toEqual(packageJson.bin);
  expect(JSON.stringify(packageLock)).not.toContain('"resolved"');
});

test('the systemd unit of docs/deploy.md starts the service with the flags of npm start', async () => {
  const page = await readFile(join(ROOT, 'docs/deploy.md'), 'utf8');
  const [, flags = ''] = /^ExecStart=\S+\/node (.+) src\/start\.js$/m.exec(page) ?? [];

  expect(flags.split(' ')).toEqual(START_FLAGS);
});
