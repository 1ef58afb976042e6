import { createLru } from './lru.ts';

interface MemoOptions {
  /** Results to keep; beyond that, the least recently used one is evicted. */
  readonly max: number;
  /** Characters of the longest text whose result is kept. */
  readonly maxLength: number;
}

/**
 * Returns a function that computes the result for a text once and keeps it. The texts come from requests and records,
 * so both bounds matter: without them, anybody could fill the memory.
 *
 * @param compute a pure function; if it throws, nothing is kept
 */
export function memo<Result>(
  compute: (text: string) => Result,
  { max, maxLength }: MemoOptions,
): (text: string) => Result {
  // Wrapped, because a cache takes a value of undefined for a missing one.
  const results = createLru<string, { readonly result: Result }>(max);
  return (text) => {
    const known = results.get(text);
    if (known !== undefined) return known.result;
    const result = compute(text);
    if (text.length <= maxLength) results.set(text, { result });
    return result;
  };
}
