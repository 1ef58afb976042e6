import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { PublisherError } from '../../errors.ts';

const ADVICE =
  'Stop the service and run the command verify. Then run the command repair, or restore a backup: ' +
  'docs/back-up-and-upgrade.md has the steps.';

/** The error of stored data that does not match its checksum, or that cannot be. */
export function damaged(what: string, cause?: unknown): PublisherError {
  return new PublisherError('store_damaged', `The store is damaged: ${what}.`, { hint: ADVICE, cause });
}

/**
 * The file beside a store that remembers its damage: a restart does not take changes into it. Where the folder cannot be
 * written, only the process knows.
 */
export function damageFile(store: string): string {
  return `${store}.damaged`;
}

/** Forgets the damage of a store that is whole again. */
export function forgetDamage(store: string): void {
  rmSync(damageFile(store), { force: true });
}

export type DamageRecord = ReturnType<typeof createDamageRecord>;

/** Remembers that a store is damaged, for every process that has it open. */
export function createDamageRecord(store: string) {
  const file = store === ':memory:' ? undefined : damageFile(store);
  const found = Promise.withResolvers<string>();
  let problem: string | undefined;

  /** What is damaged, as this or another process has found it. */
  function known(): string | undefined {
    if (problem === undefined && file !== undefined && existsSync(file)) problem = readProblem(file);
    return problem;
  }

  return {
    known,
    /** Takes every error of the store. */
    note(error: unknown): void {
      if (!(error instanceof PublisherError) || error.code !== 'store_damaged' || known() !== undefined) return;
      problem = error.message;
      found.resolve(problem);
      if (file !== undefined) save(file, { problem: error.message, at: new Date().toISOString() });
    },
    /** @throws PublisherError `store_damaged` where damage was found */
    refuse(): void {
      const text = known();
      if (text === undefined) return;
      throw new PublisherError('store_damaged', `${text} No change is made to it.`, { hint: ADVICE });
    },
    /** Resolves when this process finds damage that no other has found. */
    whenFound: (): Promise<string> => found.promise,
  };
}

function readProblem(file: string): string {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof content === 'object' && content !== null && 'problem' in content) return String(content.problem);
  } catch {
    // The file itself says enough.
  }
  return `The store is damaged: ${file} says so.`;
}

function save(file: string, content: Readonly<Record<string, string>>): void {
  const part = `${file}.${process.pid}.part`;
  try {
    writeFileSync(part, `${JSON.stringify(content)}\n`);
    renameSync(part, file);
  } catch {
    // The disk may be full: this process refuses changes all the same.
  }
}
