/** The addresses of many articles by their hashes, with the numbers of the articles: sixteen bytes for each. */
export interface AddressIndex {
  readonly add: (hash: number, ref: number) => void;
  readonly has: (hash: number) => boolean;
  /** The numbers that share a hash, in groups. */
  readonly repeated: () => Iterable<readonly number[]>;
  /** Of each hash, the first number, with those that have the hash in another index. */
  readonly joined: (other: AddressIndex) => Iterable<readonly [ref: number, others: readonly number[]]>;
  /** The numbers, each once, with a hash that another index lacks. */
  readonly missingIn: (other: AddressIndex) => Iterable<number>;
  readonly refsOf: (hash: number) => readonly number[];
}

export function createAddressIndex(): AddressIndex {
  const hashes: number[] = [];
  const refs: number[] = [];
  /** Positions in the order of their hashes. Made again after an addition. */
  let order: Uint32Array | undefined;

  function sorted(): Uint32Array {
    order ??= Uint32Array.from(hashes.keys()).sort(
      (one, other) => (hashes[one] ?? 0) - (hashes[other] ?? 0) || one - other,
    );
    return order;
  }

  /** The first place in the order whose hash is not smaller. */
  function placeOf(hash: number): number {
    const positions = sorted();
    let [low, high] = [0, positions.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((hashes[positions[middle] ?? 0] ?? 0) < hash) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function refsOf(hash: number): readonly number[] {
    const positions = sorted();
    const found: number[] = [];
    for (let place = placeOf(hash); place < positions.length; place += 1) {
      const position = positions[place] ?? 0;
      if (hashes[position] !== hash) break;
      found.push(refs[position] ?? 0);
    }
    return found;
  }

  function* repeated(): Iterable<readonly number[]> {
    let group: number[] = [];
    let last: number | undefined;
    for (const position of sorted()) {
      if (hashes[position] !== last) {
        if (group.length > 1) yield group;
        group = [];
      }
      last = hashes[position];
      group.push(refs[position] ?? 0);
    }
    if (group.length > 1) yield group;
  }

  function* joined(other: AddressIndex): Iterable<readonly [number, readonly number[]]> {
    const seen = new Set<number>();
    for (const [index, hash] of hashes.entries()) {
      const others = seen.has(hash) ? [] : other.refsOf(hash);
      seen.add(hash);
      if (others.length > 0) yield [refs[index] ?? 0, others];
    }
  }

  function* missingIn(other: AddressIndex): Iterable<number> {
    let last: number | undefined; // an article's addresses are added one after the other
    for (const [index, hash] of hashes.entries()) {
      const ref = refs[index] ?? 0;
      if (ref === last || other.has(hash)) continue;
      last = ref;
      yield ref;
    }
  }

  return {
    add(hash, ref) {
      hashes.push(hash);
      refs.push(ref);
      order = undefined;
    },
    has: (hash) => hashes[sorted()[placeOf(hash)] ?? -1] === hash,
    repeated,
    joined,
    missingIn,
    refsOf,
  };
}
