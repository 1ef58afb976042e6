import type { ChangeKind } from './tree-watcher.ts';

/**
 * The change queue holds strings. The key of a path that was only discovered ends in a slash: its file is read only if
 * its size or time differs, while a path whose change was reported is read in any case.
 */
export function dirtyKey(path: string, kind: ChangeKind): string {
  return kind === 'discovered' ? `${path}/` : path;
}

interface DirtyPaths {
  readonly reported: ReadonlySet<string>;
  readonly discovered: ReadonlySet<string>;
}

export function dirtyPaths(keys: readonly string[]): DirtyPaths {
  const reported = keys.filter((key) => !key.endsWith('/'));
  const discovered = keys.filter((key) => key.endsWith('/')).map((key) => key.slice(0, -1));
  return { reported: new Set(reported), discovered: new Set(discovered) };
}
