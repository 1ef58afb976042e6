type OmitUndefined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** A copy of the object without the properties whose value is undefined. */
export function omitUndefined<T extends object>(object: T): OmitUndefined<T> {
  const rest: Record<string, unknown> = {};
  for (const name of Object.keys(object)) {
    const value = object[name as keyof T];
    if (value !== undefined) rest[name] = value;
  }
  return rest as OmitUndefined<T>;
}
