#!/usr/bin/env -S node --min-semi-space-size=4 --max-semi-space-size=8 --heap-growing-percent=60 --v8-pool-size=2 --expose-gc
/**
 * The entry of the program. It is JavaScript because Node loads a compiler to read TypeScript, which takes 60 ms and 15 MB
 * of every service. All modules after this one come without types from the compile cache, from the second start on.
 *
 * Node versions that cannot run the program must still parse this file, to say so: it imports nothing newer by name, and
 * has no `await` of its own.
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
const problem = problemOf(JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')));
if (problem === undefined) {
  module.enableCompileCache();
  void import('./main.ts');
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}

/** Returns why the program cannot run, with what to do, in one sentence; undefined if it can run. */
function problemOf({ engines, dependencies }) {
  const least = Number(/\d+/.exec(engines.node)[0]);
  const { node } = process.versions;
  const missing = Object.keys(dependencies).filter((name) => !isInstalled(name));
  if (missing.length > 0)
    return `The packages of Feed Publisher are not all installed (${missing[0]} is missing): run “npm ci” in ${root}, then start it again.`;
  if (Number(node.split('.')[0]) >= least) return undefined;
  const advice = fs.existsSync(path.join(root, 'node_modules/.bin/node'))
    ? `start it with “npm start” in ${root}, or with node_modules/.bin/node in place of node`
    : `run “npm ci” in ${root}, which installs that Node, then “npm start”`;
  return `Feed Publisher needs Node ${least} or newer, but this is Node ${node}: ${advice}.`;
}

/** Whether a package is in this folder's node_modules, or above, where npm puts it for a program that is a package itself. */
function isInstalled(name) {
  for (let folder = root; ; folder = path.dirname(folder)) {
    if (fs.existsSync(path.join(folder, 'node_modules', name, 'package.json'))) return true;
    if (folder === path.dirname(folder)) return false;
  }
}
