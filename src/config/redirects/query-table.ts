/** Values by the parameters of a query that they need. Other parameters in a query do not count. */

/** Most sets of parameters in one table: each is looked for. */
export const MAX_SETS = 20;

/** The parameters that a query must have: some with a value, some with any. */
export interface Needed {
  readonly fixed: ReadonlyMap<string, string>;
  readonly any: readonly string[];
}

/** The values that need the same parameters. */
interface Variant<Value> {
  readonly fixed: readonly string[];
  readonly any: readonly string[];
  readonly byValues: Map<string, Value>;
}

export class QueryTable<Value> {
  /** Those that need the most come first. */
  readonly #variants: Variant<Value>[] = [];

  /** Adds a value. Returns why it is not added: another one needs the same, or there are too many sets of parameters. */
  add({ fixed, any }: Needed, value: Value): 'repeated' | 'too many queries' | undefined {
    const names = [...fixed.keys()].sort();
    const others = any.toSorted();
    let variant = this.#variants.find((each) => isSame(each.fixed, names) && isSame(each.any, others));
    if (variant === undefined) {
      if (this.#variants.length === MAX_SETS) return 'too many queries';
      variant = { fixed: names, any: others, byValues: new Map() };
      this.#variants.push(variant);
      this.#variants.sort((one, other) => sizeOf(other) - sizeOf(one));
    }
    const key = keyOf(names, fixed);
    if (variant.byValues.has(key)) return 'repeated';
    variant.byValues.set(key, value);
    return undefined;
  }

  find(query: ReadonlyMap<string, string>): Value | undefined {
    for (const { fixed, any, byValues } of this.#variants) {
      if (!fixed.every((name) => query.has(name)) || !any.every((name) => query.has(name))) continue;
      const value = byValues.get(keyOf(fixed, query));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

function keyOf(names: readonly string[], values: ReadonlyMap<string, string>): string {
  return names.map((name) => values.get(name)).join('\n');
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index]);
}

/** A parameter with a value says more than one with any. */
function sizeOf({ fixed, any }: Pick<Variant<unknown>, 'fixed' | 'any'>): number {
  return 2 * fixed.length + any.length;
}
