import type { Damage } from '../store/sqlite/found-damage.ts';

/** Kinds of damage in the order of the report. */
const KINDS = ['file', 'table', 'feed', 'article'] as const;
type Kind = (typeof KINDS)[number];

/** Things that a report lists. */
const MAX_LISTED = 100;

export interface DamageReport {
  readonly add: (damage: Damage) => void;
  /** Problems so far. */
  readonly count: () => number;
  /** Whether SQLite's own check of the pages found nothing. */
  readonly arePagesWhole: () => boolean;
  /** The first problems, by their kinds. */
  readonly listed: () => readonly Damage[];
  /** One line for each of them, and one that counts the others. */
  readonly lines: () => readonly string[];
  /** `12 problems in 1 table and 3 articles` */
  readonly summary: () => string;
}

/** Collects the damage of a store. A store can have a million damaged articles. */
export function createDamageReport(): DamageReport {
  const first = new Map<Kind, Damage[]>(KINDS.map((kind) => [kind, []]));
  const names = new Map<Kind, Set<string>>(KINDS.map((kind) => [kind, new Set()]));
  let count = 0;

  function listed(): readonly Damage[] {
    return KINDS.flatMap((kind) => first.get(kind) ?? []).slice(0, MAX_LISTED);
  }

  return {
    add(damage) {
      count += 1;
      names.get(damage.kind)?.add(damage.name);
      const known = first.get(damage.kind) ?? [];
      if (known.length < MAX_LISTED) known.push(damage);
    },
    count: () => count,
    arePagesWhole: () => names.get('file')?.size === 0,
    listed,
    lines() {
      const lines = listed().map(({ kind, name, problem }) => `${kind}${name === '' ? '' : ` ${name}`}: ${problem}`);
      return count > lines.length ? [...lines, `and ${grouped(count - lines.length, 'problem')} more`] : lines;
    },
    summary() {
      const parts = KINDS.flatMap((kind) => {
        const { size = 0 } = names.get(kind) ?? {};
        if (size === 0) return [];
        return [kind === 'file' ? 'the pages of the file' : grouped(size, kind)];
      });
      return `${grouped(count, 'problem')} in ${[parts.slice(0, -1).join(', '), parts.at(-1)].filter(Boolean).join(' and ')}`;
    },
  };
}

/** A number with its noun, for large numbers: `1,234 articles`. */
export function grouped(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}
