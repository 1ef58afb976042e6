import type { Kind } from './option-values.ts';

/**
 * One setting of a command. An option wins over its environment variable. An empty variable counts as not set.
 * `--help`, the environment, defaults, validation and docs/options.md all come from the table of `options.ts`.
 */
export interface Option<Value = unknown> {
  /** As typed, e.g. `--port`; absent for a setting that has a variable alone. */
  readonly option?: `--${string}`;
  /** Stands for the value in the help; absent for a switch, which takes none. */
  readonly placeholder?: string;
  readonly variable?: string;
  readonly kind: Kind<Value>;
  /** As somebody would type it. Without it, the command gets undefined. */
  readonly default?: string;
  /** Describes a default that the command finds out. */
  readonly defaultHelp?: string;
  /**
   * The value opens something. A file may have it, which the variable with `_FILE` at its end names, and no message shows it.
   * Only for an option that has a variable.
   */
  readonly isSecret?: true;
  /** The switch without which the option would do nothing. */
  readonly needs?: `--${string}`;
  /** An empty option counts as the default; otherwise the kind decides. */
  readonly emptyIsDefault?: true;
  /** Short sentences. */
  readonly help: string;
  /** Heading in the help; “Options” if absent. */
  readonly group?: string;
}

export type Options = Readonly<Record<string, Option>>;

/** What a command gets for its options. */
export type ValuesOf<Table extends Options> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly kind: Kind<infer Value> }
    ? Table[Name] extends { readonly default: string }
      ? Value
      : Value | undefined
    : never;
};
