import { isStoreDamage, PublisherError } from '../errors.ts';

/** Waits for work on the store. Resolves with undefined where the store is damaged: the service starts, and serves the rest. */
export async function unlessDamaged<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isStoreDamage(error)) return undefined;
    throw error;
  }
}

/** Waits for work that changes the store. Resolves with undefined where the database is away: the work is done later. */
export async function unlessAway<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isDatabaseAway(error)) return undefined;
    throw error;
  }
}

/** Whether an error means that the database cannot be reached. The service tells of that once a minute: no other place logs it. */
export function isDatabaseAway(error: unknown): boolean {
  return error instanceof PublisherError && error.code === 'database_unavailable';
}
