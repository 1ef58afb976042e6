import type { Problem } from '../../errors.ts';

/** One record of a source, or the reason why there is none. */
export interface Item {
  readonly file: string;
  readonly line?: number;
  /** Whether the id is made of the file's path, because the record names none; only of a record with its own file. */
  readonly idIsFromPath?: boolean;
  readonly content:
    | { readonly record: unknown; readonly publishedAt?: string }
    | { readonly json: Buffer }
    | { readonly problems: readonly Problem[]; readonly text?: string };
}

/** A file, a folder or an address with records. */
export interface ImportSource {
  readonly name: string;
  /** Bytes; undefined if they are unknown before the read. */
  readonly size: number | undefined;
  /**
   * Reads the records one by one.
   *
   * @param onProgress receives the bytes of each read; in all they are the size, even if the source is read twice
   * @param onSkipped receives the reason for each story that is not meant for readers: `draft`, `of type page`
   * @param onNote receives what an operator must know of the source, in a sentence
   */
  readonly items: (onProgress: OnProgress, onSkipped: OnSkipped, onNote?: OnNote) => AsyncIterable<Item>;
}

export type OnProgress = (bytes: number) => void;
export type OnSkipped = (reason: string) => void;
export type OnNote = (note: string) => void;
