import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { SOAK_MARK } from './soak/sizes.ts';

const ROOT = join(import.meta.dirname, '..');
/** Milliseconds after which a process hangs. */
const HANG = 120_000;
const modules = globSync('**/*.ts', { cwd: join(ROOT, 'src') })
  .map((path) => path.replaceAll('\\', '/'))
  .sort();
const sources = new Map(modules.map((path) => [path, readFileSync(join(ROOT, 'src', path), 'utf8')]));

/** The imports of each module, by its path below src: `./x.ts` resolved, packages by their names. */
const imports = new Map([...sources].map(([path, source]) => [path, importsOf(path, source)]));

/** The same without the imports of types, which are gone when the program runs. */
const running = new Map([...sources].map(([path, source]) => [path, importsOf(path, withoutTypes(source))]));

function withoutTypes(source: string): string {
  return source.replace(/^(?:import|export) type [^;]*;$/gm, '');
}

function importsOf(path: string, source: string): string[] {
  const specifiers = [...source.matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, name = '']) => name);
  return specifiers.map((name) => (name.startsWith('.') ? join(path, '..', name).replaceAll('\\', '/') : name));
}

/** The modules that import a package. The package `feed` has the name of a folder of ours. */
function importersOf(name: string): string[] {
  const isOfPackage = (other: string) => !sources.has(other) && (other === name || other.startsWith(`${name}/`));
  return modules.filter((path) => imports.get(path)?.some(isOfPackage));
}

test('every module was read', () => {
  expect(modules).toContain('main.ts');
  expect(imports.get('main.ts')).toEqual(['node:os', 'node:tty', '../package.json', 'cli.ts']);
});

test.each([
  ['feed', 'format/'],
  ['express', 'http/'],
  ['node:sqlite', 'store/sqlite/'],
  ['pg', 'store/postgres/'],
  ['yaml', 'lib/yaml.ts'],
  ['sanitize-html', 'article/sanitize.ts'],
  ['date-fns', 'lib/instant.ts'],
  ['pino', 'telemetry/log.ts'],
  ['undici', 'ingest/import/'],
  ['aws4fetch', 'service/site/s3-target.ts'],
  ['prom-client', 'telemetry/metrics.ts'],
  ['hono', 'pages/html.ts'],
])('%s is imported below src/%s and nowhere else', (name, place) => {
  expect(importersOf(name).length).toBeGreaterThan(0);
  expect(importersOf(name).filter((path) => !path.startsWith(place))).toEqual([]);
});

test.each([
  ['format/', ['http/', 'store/sqlite/', 'ingest/', 'node:http', 'node:fs']],
  ['ingest/', ['http/', 'store/sqlite/', 'format/', 'node:http']],
  ['http/', ['store/sqlite/', 'format/', 'ingest/']],
  ['store/', ['http/', 'format/', 'ingest/']],
])('an adapter knows nothing of the others: src/%s', (folder, strangers) => {
  const adapters = modules.filter((path) => path.startsWith(folder));
  const known = adapters.flatMap((path) => imports.get(path) ?? []);

  expect(adapters.length).toBeGreaterThan(0);
  expect(known.filter((name) => strangers.some((stranger) => name.startsWith(stranger)))).toEqual([]);
});

test('adapters of documents know of the store no more than its types', () => {
  const adapters = modules.filter((path) => /^(?:format|ingest\/import)\//.test(path));

  expect(adapters.filter((path) => imports.get(path)?.includes('store/store.ts')).length).toBeGreaterThan(0);
  expect(adapters.filter((path) => running.get(path)?.includes('store/store.ts'))).toEqual([]);
});

describe('the entries of src/', () => {
  const MOST_ENTRIES = 20;
  const MOST_LEVELS = 14;
  const entryOf = (path: string) => path.split('/', 1)[0] ?? '';
  const entries = readdirSync(join(ROOT, 'src'));
  /** The entries that each entry imports. A folder counts as one, and types count as well. */
  const entryImports = new Map(entries.map((entry): [string, Set<string>] => [entry, new Set()]));
  for (const [path, names] of imports) {
    for (const name of names) {
      if (sources.has(name) && entryOf(name) !== entryOf(path)) entryImports.get(entryOf(path))?.add(entryOf(name));
    }
  }
  entryImports.get('start.js')?.add('main.ts');

  /** The length of the longest way down from an entry. Throws if a way leads back. */
  function levelsFrom(entry: string, way: readonly string[] = []): number {
    if (way.includes(entry)) throw new Error(`a cycle: ${[...way, entry].join(' → ')}`);
    const below = [...(entryImports.get(entry) ?? [])].map((other) => levelsFrom(other, [...way, entry]));
    return 1 + Math.max(0, ...below);
  }

  test('are few', () => {
    expect(entries).toContain('errors.ts');
    expect(entries.length).toBeLessThanOrEqual(MOST_ENTRIES);
  });

  test('import each other downwards, on few levels', () => {
    const levels = entries.map((entry) => levelsFrom(entry));
    expect(Math.max(...levels)).toBeGreaterThan(1);
    expect(Math.max(...levels)).toBeLessThanOrEqual(MOST_LEVELS);
  });
});

test('no module imports itself by way of others', () => {
  const circles: string[] = [];
  const followed = new Set<string>();
  const follow = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' → '));
    if (followed.has(path)) return;
    followed.add(path);
    for (const next of imports.get(path) ?? []) if (sources.has(next)) follow(next, [...way, path]);
  };
  for (const path of modules) follow(path, []);

  expect(followed.size).toBe(modules.length);
  expect(circles).toEqual([]);
});

test('there is no default export', () => {
  expect(modules.filter((path) => /\bexport\s+default\b|\bas\s+default\b/.test(sources.get(path) ?? ''))).toEqual([]);
});

test('only the program and its threads do anything when they are imported', () => {
  const others = modules.filter(
    (path) => !['main.ts', 'publish/parse-worker.ts', 'store/sqlite/rewrite-thread.ts'].includes(path),
  );
  const script = `
    for (const url of ${JSON.stringify(others.map((path) => pathToFileURL(join(ROOT, 'src', path)).href))}) await import(url);
    const kept = process.getActiveResourcesInfo().filter((name) => !/^(TTY|Pipe|File)/.test(name));
    const handlers = ['SIGINT', 'SIGTERM', 'uncaughtException', 'exit'].filter((name) => process.listenerCount(name) > 0);
    process.stdout.write(JSON.stringify({ kept, handlers }));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: join(ROOT, 'tests'),
    encoding: 'utf8',
    timeout: HANG,
  });

  expect({ status, stderr, did: JSON.parse(stdout) }).toEqual({
    status: 0,
    stderr: '',
    did: { kept: [], handlers: [] },
  });
});

test('a service loads neither the client of fetch nor HTTP/2', () => {
  const script = `
    await import(${JSON.stringify(pathToFileURL(join(ROOT, 'src/service/serve.ts')).href)});
    process.stdout.write(JSON.stringify(process.moduleLoadList.filter((name) => /undici|http2/.test(name))));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });

  expect(stdout).toBe('[]');
});

test('a service loads what records are read with when there is one', () => {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
    const names = ['sanitize-html', 'markdown-it', 'image-size', 'src/article/article.ts'];
    const those = () => names.filter((name) => loaded.some((url) => url.includes(name)));
    await import(${JSON.stringify(pathToFileURL(join(ROOT, 'src/service/serve.ts')).href)});
    const atStart = those();
    const { parseHere } = await import(${JSON.stringify(pathToFileURL(join(ROOT, 'src/publish/publish.ts')).href)});
    await parseHere({})([{ json: '{}' }]);
    process.stdout.write(JSON.stringify([atStart, those()]));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });

  expect(JSON.parse(stdout)).toEqual([[], ['sanitize-html', 'markdown-it', 'image-size', 'src/article/article.ts']]);
});

test('from the second start on nothing is left to take types away from', () => {
  const cache = mkdtempSync(join(tmpdir(), 'feed-publisher-cache-'));
  const script = `
    process.argv.push('', '--version');
    process.once('exit', () => console.error(process.moduleLoadList.some((name) => name.includes('amaro'))));
    await import(${JSON.stringify(pathToFileURL(join(ROOT, 'src/start.js')).href)});`;
  const start = () =>
    spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      env: { ...process.env, NODE_COMPILE_CACHE: undefined, TMPDIR: cache },
    }).stderr;
  try {
    expect([start(), start()]).toEqual(['true\n', 'false\n']);
  } finally {
    rmSync(cache, { recursive: true });
  }
});

/** Names that the code had, in two parts each, so that this file does not contain them. */
const FORMER_NAMES = [
  ['theLong', 'Way'],
  ['until', 'Settled'],
  ['was', 'Answered'],
  ['answerAt', 'Hand'],
  ['at', 'Hand'],
  ['note', 'Along'],
  ['note', 'Later'],
  ['leave', 'Writing'],
  ['take', 'Over'],
  ['hand', 'Over'],
  ['keep', 'Prepared'],
  ['mayHave', 'News'],
  ['touched', 'Elsewhere'],
  ['admit', 'Readers'],
  ['place', 'Feeds'],
].map((parts) => parts.join(''));

test('no former name is left in the code', () => {
  const files = globSync('{src,tests}/**/*.{ts,js,py}', { cwd: ROOT });
  const found = files.flatMap((path) => {
    const source = readFileSync(join(ROOT, path), 'utf8');
    return FORMER_NAMES.filter((name) => source.includes(name)).map((name) => `${path}: ${name}`);
  });

  expect(files.length).toBeGreaterThan(modules.length);
  expect(found).toEqual([]);
});

test('a test file with sizes says which of its tests a soak runs', () => {
  const sizing = globSync('tests/**/*.test.ts', { cwd: ROOT }).filter((path) => {
    const source = readFileSync(join(ROOT, path), 'utf8');
    return source.includes("/sizes.ts'") && !SOAK_MARK.test(source);
  });
  expect(sizing.map((path) => path.replaceAll('\\', '/'))).toEqual(['tests/architecture.test.ts']);
});

describe('the documentation', () => {
  const MOST_LINES_OF_CHANGELOG = 60;
  const MOST_ODD_LINES = 10;
  const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

  test.each(['docs/architecture.md', 'docs/performance.md', 'docs/deploy.md', 'CONTRIBUTING.md'])('has %s', (path) => {
    expect(existsSync(join(ROOT, path))).toBe(true);
  });

  test('has changes on one page', () => {
    expect(read('CHANGELOG.md').trimEnd().split('\n').length).toBeLessThanOrEqual(MOST_LINES_OF_CHANGELOG);
  });

  test('says of every folder what belongs there', () => {
    const folders = [...new Set(modules.map((path) => dirname(path)))].filter((folder) => folder !== '.');
    const rows = [...read('docs/architecture.md').matchAll(/^\| `([a-z/]+)\/` \|/gm)].map(([, folder]) => folder);

    expect(folders.length).toBeGreaterThan(10);
    expect(folders.filter((folder) => !rows.includes(folder))).toEqual([]);
  });

  test('has few phrases without a noun', () => {
    const phrases = [
      'is t|old',
      'are t|old',
      'at h|and',
      'is an|other',
      'that is n|one',
      'of wh|ich',
      'who a|sks',
      'taken b|ack',
    ];
    const odd = new RegExp(`\\b(?:${phrases.map((phrase) => phrase.replace('|', '')).join('|')})\\b`);
    const paths = globSync(['README.md', 'CHANGELOG.md', 'docs/**/*.md', 'src/**/*.{ts,js}'], { cwd: ROOT });
    const found = paths.flatMap((path) =>
      read(path)
        .split('\n')
        .flatMap((text, index) => (odd.test(text) ? [`${path}:${index + 1}: ${text.trim()}`] : [])),
    );

    expect(paths.length).toBeGreaterThan(modules.length);
    expect(found.slice(MOST_ODD_LINES)).toEqual([]);
  });
});

describe('docs/errors.md', () => {
  const codes = [...(sources.get('errors.ts') ?? '').matchAll(/^ {2}([a-z_]+): \d{3},$/gm)].map(([, code]) => code);
  const headings = () =>
    [...readFileSync(join(ROOT, 'docs/errors.md'), 'utf8').matchAll(/^## `?([a-z_]+)`?$/gm)].map(([, code]) => code);

  test('has a heading for every code, and a code for every heading', () => {
    expect(codes).toContain('feed_not_found');
    expect(new Set(codes).size).toBe(codes.length);
    expect(headings().sort()).toEqual([...codes].sort());
  });
});
