/** Pictures and players that stand twice: once for programs that run scripts, once in `noscript` for the others. */
export interface Repeats {
  /** Open `noscript`. */
  depth: number;
  /** The addresses outside `noscript`. */
  readonly addresses: Set<string>;
  /** The addresses in `noscript` whose other copy may follow, with their number. */
  readonly fallbacks: Map<string, number>;
  /** How much was shown after the last picture or player that a script would have loaded. */
  lazyAt: number;
  /** How much was shown after the last one in `noscript`. */
  fallbackAt: number;
  /** Those that were there already. */
  found: number;
}

export function createRepeats(): Repeats {
  return { depth: 0, addresses: new Set(), fallbacks: new Map(), lazyAt: -1, fallbackAt: -1, found: 0 };
}

/**
 * Whether a picture or player is there already: in `noscript` if a script would have loaded the same, or one directly
 * before it; outside if it is loaded by a script and `noscript` had it.
 */
export function isRepeated(repeats: Repeats, shown: number, address: string, isLazy: boolean): boolean {
  const { addresses, fallbacks } = repeats;
  if (repeats.depth > 0) {
    const isFallback = repeats.lazyAt === shown;
    repeats.lazyAt = -1;
    if (isFallback || addresses.has(address)) return countRepeated(repeats);
    fallbacks.set(address, (fallbacks.get(address) ?? 0) + 1);
    repeats.fallbackAt = shown + 1;
    return false;
  }
  if (isLazy) {
    const waiting = fallbacks.get(address) ?? 0;
    const isCopy = waiting > 0 || repeats.fallbackAt === shown;
    repeats.fallbackAt = -1;
    if (waiting > 0) fallbacks.set(address, waiting - 1);
    if (isCopy) return countRepeated(repeats);
    repeats.lazyAt = shown + 1;
  }
  addresses.add(address);
  return false;
}

function countRepeated(repeats: Repeats): true {
  repeats.found += 1;
  return true;
}
