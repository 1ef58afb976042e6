#!/usr/bin/env -S node --min-semi-space-size=4 --max-semi-space-size=8 --heap-growing-percent=60 --v8-pool-size=2 --expose-gc
/**
 * The entry of the program. It is JavaScript because Node loads a compiler to read TypeScript, which takes 60 ms and 15 MB
 * of every service. All modules after this one come without types from the compile cache, from the second start on.
 *
 * Node versions that cannot run the program must still parse this file, to hand over to the Node that `npm ci` installed, or
 * to say what is missing: it imports nothing newer by name, and has no `await` of its own. `npm start` begins with the
 * installed Node and hands over to none.
 *
 * The flags above, which `npm start` sets as well, keep the memory of a service small. Few of its objects live long:
 * documents come and go, and leave garbage outside of the heap. V8 would let the heap grow to several times its live size
 * before it collects. `--heap-growing-percent=60` saves a fifth of all memory with 10,000 feeds, and rendering them takes a
 * tenth more time. `--expose-gc` lets the service return free heap after a start and after an overload.
 */
import fs from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import url from 'node:url';

const root = path.dirname(path.dirname(url.fileURLToPath(import.meta.url)));
const { engines, dependencies, optionalDependencies } = JSON.parse(
  fs.readFileSync(path.join(root, 'package.json'), 'utf8'),
);
const least = Number(/\d+/.exec(engines.node)[0]);
const tooOld = `Feed Publisher needs Node ${least} or newer, but this is Node ${process.versions.node}`;
start();

function start() {
  const missing = Object.keys(dependencies).find((name) => folderOf(name) === undefined);
  if (missing !== undefined)
    return fail(
      `The packages of Feed Publisher are not all installed (${missing} is missing): run “npm ci” in ${root}, then start it again.`,
    );
  if (Number(process.versions.node.split('.')[0]) < least) return startInstalledNode();
  module.enableCompileCache();
  void import('./main.ts');
}

/** Runs this file again with the Node of the package for this platform, whose hash is in package-lock.json. */
function startInstalledNode() {
  const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const name = Object.keys(optionalDependencies).find((key) => key.endsWith(`-${platform}`));
  if (name === undefined)
    return fail(
      `${tooOld}. There is no package with a Node for ${platform}: install Node ${least} (https://nodejs.org), then start Feed Publisher with it.`,
    );
  const folder = folderOf(name);
  if (folder === undefined)
    return fail(
      `${tooOld}. The package ${name}, which has that Node, is not installed: run “npm ci” in ${root}, without --omit=optional. If it stays missing, npm has left it out because its hash is not the one in package-lock.json: copy the project again. Or start Feed Publisher with a Node ${least} of your own.`,
    );
  const binary = path.join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (isThisProcess(binary))
    return fail(`${tooOld}. It comes from the package ${name}, which is out of date: run “npm ci” in ${root}.`);
  runWith(binary);
}

function isThisProcess(binary) {
  try {
    return fs.realpathSync(binary) === fs.realpathSync(process.execPath);
  } catch {
    return false; // a file is missing, which the start of the binary reports
  }
}

/** Passes signals on, and ends as the other process ends: with its exit code, or by its signal. */
function runWith(binary) {
  const { spawn } = module.createRequire(import.meta.url)('node:child_process'); // its load takes time, and is seldom needed
  let child;
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR2']) {
    // On Windows, Ctrl-C reaches both processes, and a signal that is sent ends a process at once.
    process.on(signal, () => process.platform === 'win32' || child.kill(signal));
  }
  child = spawn(binary, [...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit' });
  child.on('error', ({ code, message }) => {
    fail(
      `${tooOld}. ${binary}, which npm installed, does not run on this machine (${code || message}): install Node ${least} (https://nodejs.org), run “npm ci --omit=optional” in ${root}, then start Feed Publisher with your Node.`,
    );
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code;
    if (signal === null) return;
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(problem) {
  process.stderr.write(`${visible(problem)}\n`);
  process.exitCode = 1;
}

/** The name of a folder may have characters that a terminal obeys. lib/text.ts has the same rule, which an old Node cannot load. */
function visible(line) {
  const controls = /[\u0000-\u0008\u000A-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g;
  return line.replace(controls, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Returns the folder of a package: in this folder's node_modules, or above, where npm puts it for a program that is a package itself. */
function folderOf(name) {
  for (let folder = root; ; folder = path.dirname(folder)) {
    const found = path.join(folder, 'node_modules', name);
    if (fs.existsSync(path.join(found, 'package.json'))) return found;
    if (folder === path.dirname(folder)) return undefined;
  }
}
