import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { openReplicatedStore, type ReplicatedStore } from '../../../src/store/postgres/replicated-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { dataFolder } from '../../helpers.ts';

/** Waits until a check succeeds. The time is only there to end a hang. */
export function eventually<Result>(check: () => Result | Promise<Result>): Promise<Result> {
  return vi.waitFor(check, { timeout: 60_000, interval: 10 });
}

export interface OpenedReplica extends ReplicatedStore {
  readonly file: string;
}

/** A replica with a store of its own, or with the one in `file`. It ends with the test. */
export async function openReplica(
  url: string,
  { file, ...options }: { readonly file?: string; readonly now?: () => number; readonly mayOwn?: boolean } = {},
): Promise<OpenedReplica> {
  const path = file ?? join(await dataFolder(), 'store', 'publisher.sqlite');
  const opened = await openReplicatedStore({ url, file: path, ...options });
  onTestFinished(() => opened.store.close().catch(() => {})); // where the test has not done so
  return { ...opened, file: path };
}

/** The store with methods that end when the other replicas have made the same operations. */
export function inStep({ store }: ReplicatedStore, others: readonly ReplicatedStore[]): Store {
  const methods = Object.entries(store).map(([name, method]) => [
    name,
    (...args: unknown[]) => {
      const result = Reflect.apply(method, undefined, args);
      if (!(result instanceof Promise) || name === 'whenDamaged' || name === 'close') return result;
      return result.finally(() => Promise.all(others.map(({ replica }) => replica.catchUp())));
    },
  ]);
  return Object.fromEntries(methods);
}
