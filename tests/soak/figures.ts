import type { TestContext } from 'vitest';

/** What tests did, in numbers, by what the number counts. */
export type Figures = Readonly<Record<string, number>>;

declare module 'vitest' {
  interface TaskMeta {
    figures?: Figures;
  }
}

/** Gives the figures of a test to `tests/soak/run.ts`, which prints the sums. */
export function reportFigures({ task }: Pick<TestContext, 'task'>, figures: Figures): void {
  task.meta.figures = sumOf([task.meta.figures ?? {}, figures]);
}

export function sumOf(all: readonly Figures[]): Figures {
  const sums = new Map<string, number>();
  for (const [name, count] of all.flatMap(Object.entries<number>)) sums.set(name, (sums.get(name) ?? 0) + count);
  return Object.fromEntries(sums);
}

/** A table with one line for each figure, in the order of their names. */
export function tableOf(figures: Figures): string {
  const rows = Object.entries(figures)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, count]) => [name, count.toLocaleString('en')] as const);
  const [left, right] = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map(([name, count]) => `${name.padEnd(left ?? 0)}  ${count.padStart(right ?? 0)}\n`).join('');
}
