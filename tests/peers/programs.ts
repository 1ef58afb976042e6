import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { type TestOptions, test } from 'vitest';

/** Milliseconds after which a program hangs. */
const HANG = 120_000;

const execFileAsync = promisify(execFile);

/** Servers live in sbin, which is not on every user's PATH. */
const folders = [
  ...(process.env.PATH ?? '').split(delimiter),
  ...['/usr/local/sbin', '/usr/sbin', '/sbin'],
  ...globSync('/usr/lib/postgresql/*/bin').toSorted().toReversed(), // Debian keeps the versions apart
];

/** Several Pythons can stand side by side, and only one of them has the distribution's feedparser: it is tried first. */
const pythons = ['/usr/bin/python3', 'python3'];

/** One program, different names: Debian's, Ubuntu's and Google's. */
const chromiums = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

export type RunOptions = {
  /** Written to the program's standard input. */
  readonly input?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
};

/** The path of an installed program, or undefined. Of a library it is the path of a Python or Perl that can import it, and of a module of a server that of its file. */
export async function findProgram(name: string): Promise<string | undefined> {
  if (name === 'feedparser') return findOnce(name, () => findPythonWith('feedparser'));
  if (name === 'XML::Feed') return findOnce(name, () => findPerlWith('XML::Feed'));
  if (name === 'chromium') return firstInstalled(chromiums);
  if (name.endsWith('.so')) return globSync(`/usr/lib/{,*/}${name}`)[0];
  return findExecutable(name);
}

/** The path of an installed program. Throws when it is not installed. */
export async function requireProgram(name: string): Promise<string> {
  const path = await findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

export type Printed = { readonly stdout: string; readonly stderr: string };

/** Runs a program to its end and returns its output. Throws with its standard error if it fails or hangs. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Printed> {
  const running = execFileAsync(program, args, {
    // A proxy set for the machine must not stand between a reader and a server on loopback.
    env: { ...process.env, no_proxy: '127.0.0.1', NO_PROXY: '127.0.0.1', ...options.env },
    timeout: HANG,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
  });
  // A program that ends before it has read everything closes the pipe; its exit code tells what happened.
  running.child.stdin?.on('error', () => {});
  running.child.stdin?.end(options.input ?? '');
  return running;
}

/**
 * A test against programs that are not ours. Where one of them is missing the test is reported as skipped, by the
 * program's name; with REQUIRE_PEERS=1 (CI) it fails, so that a green run there means that the peers have agreed.
 */
export function peerTest(
  programs: string | readonly string[],
  name: string,
  fn: () => Promise<void>,
  options: TestOptions = {},
): void {
  test(name, options, async (context) => {
    for (const program of [programs].flat()) {
      if ((await findProgram(program)) !== undefined) continue;
      if (process.env.REQUIRE_PEERS === '1')
        throw new Error(`${program} is not installed, and REQUIRE_PEERS=1 asks for it`);
      context.skip(`${program} is not installed`);
    }
    await fn();
  });
}

async function firstInstalled(names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const path = await findExecutable(name);
    if (path !== undefined) return path;
  }
  return undefined;
}

/** Each try to import a library takes a second. */
const found = new Map<string, Promise<string | undefined>>();

function findOnce(name: string, find: () => Promise<string | undefined>): Promise<string | undefined> {
  const path = found.get(name) ?? find();
  found.set(name, path);
  return path;
}

async function findPythonWith(module: string): Promise<string | undefined> {
  for (const python of pythons) {
    const path = await findExecutable(python);
    if (path !== undefined && (await succeeds(path, ['-c', `import ${module}`]))) return path;
  }
  return undefined;
}

async function findPerlWith(module: string): Promise<string | undefined> {
  const path = await findExecutable('perl');
  return path !== undefined && (await succeeds(path, [`-M${module}`, '-e', '1'])) ? path : undefined;
}

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(program, args);
    return true;
  } catch {
    return false;
  }
}

async function findExecutable(name: string): Promise<string | undefined> {
  const candidates = name.startsWith('/') ? [name] : folders.map((folder) => join(folder, name));
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, path.endsWith('.so') ? constants.R_OK : constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
