import { isStoreDamage } from '../errors.ts';

/** Waits for work on the store. Resolves with undefined where the store is damaged: the service starts, and serves the rest. */
export async function unlessDamaged<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isStoreDamage(error)) return undefined;
    throw error;
  }
}
