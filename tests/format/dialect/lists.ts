import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The two lists that the dialects of `src/format/dialect/` stand in, made from the files of this folder. */

const SRC = join(import.meta.dirname, '../../../src');
const FOLDER = join(SRC, 'format/dialect');
const NAMES = join(SRC, 'feed/dialects.ts');
const REGISTRY = join(FOLDER, 'registry.ts');

/** A file that declares a dialect. */
export interface Declaration {
  /** The name of the file without its ending: the name of the dialect. */
  readonly name: string;
  readonly constant: string;
}

export function declarations(files: ReadonlyMap<string, string> = sources()): readonly Declaration[] {
  return [...files].flatMap(([file, source]) => {
    const [, constant] = /^export const (\w+): Dialect = /m.exec(source) ?? [];
    return constant === undefined ? [] : [{ name: file.replace(/\.ts$/, ''), constant }];
  });
}

function sources(): ReadonlyMap<string, string> {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.ts'));
  return new Map(files.sort().map((file) => [file, readFileSync(join(FOLDER, file), 'utf8')]));
}

const LIST = /(?<=^export const DIALECTS = \[\n)(?: {2}'.*',\n)*(?=\] as const;$)/m;

/** The declarations in the order of the list in `text`, the new ones at its end. */
export function inOrder(all: readonly Declaration[], text: string): readonly Declaration[] {
  const listed = [...(LIST.exec(text)?.[0] ?? '').matchAll(/'(.*)'/g)].map(([, name = '']) => name);
  return [
    ...listed.flatMap((name) => all.filter((each) => each.name === name)),
    ...all.filter(({ name }) => !listed.includes(name)),
  ];
}

/** `src/feed/dialects.ts` with the names of these dialects. */
export function namesText(all: readonly Declaration[], text: string): string {
  return text.replace(LIST, () => all.map(({ name }) => `  '${name}',\n`).join(''));
}

/** `src/format/dialect/registry.ts` with these dialects. */
export function registryText(all: readonly Declaration[]): string {
  const specifiers = [
    ...all.map(({ name, constant }) => ({ path: name, text: `import { ${constant} } from './${name}.ts';` })),
    { path: 'dialect', text: "import type { Dialect } from './dialect.ts';" },
  ].sort((one, other) => (one.path < other.path ? -1 : 1));
  const members = all.map(({ name, constant }) =>
    name === constant ? `  ${name},` : `  ${keyOf(name)}: ${constant},`,
  );
  return [
    '// `npm run dialects` writes this file: it has every `export const NAME: Dialect` of this folder.',
    "import type { DialectName } from '../../feed/dialects.ts';",
    ...specifiers.map(({ text }) => text),
    '',
    '/** Every dialect by its name. */',
    'export const DIALECTS_BY_NAME: Readonly<Record<DialectName, Dialect>> = {',
    ...members,
    '};',
    '',
  ].join('\n');
}

function keyOf(name: string): string {
  return /^[a-z]+$/.test(name) ? name : `'${name}'`;
}

/** The lists as they must be, by their paths. */
export function dialectLists(): ReadonlyMap<string, string> {
  const names = readFileSync(NAMES, 'utf8');
  const all = inOrder(declarations(), names);
  return new Map([
    [NAMES, namesText(all, names)],
    [REGISTRY, registryText(all)],
  ]);
}
