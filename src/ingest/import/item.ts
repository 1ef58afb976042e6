import type { Adjustment } from '../../article/adjustments.ts';
import type { Problem } from '../../errors.ts';
import type { UnparsedRecord } from '../../publish/unparsed-record.ts';
import type { OnOldFeeds } from './old-feeds.ts';
import type { RawRecord } from './record.ts';

/** One record of a source, or the reason why there is none. */
export interface Item {
  readonly file: string;
  readonly line?: number;
  /** The place of a field in a file that is one record. */
  readonly locate?: RawRecord['locate'];
  /** The id of a record that has a file to itself. `isFromPath`: the record names no id, and the file's path is its id. */
  readonly fileId?: { readonly id: string; readonly isFromPath: boolean };
  /** The names of the source's own elements, by fields of the record. */
  readonly elements?: ReadonlyMap<string, string>;
  /** Whether it was downloaded from a private network: its pictures may be there as well. */
  readonly isPrivate?: boolean;
  readonly content: UnparsedRecord | { readonly problems: readonly Problem[]; readonly text?: string };
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
   * @param onAdjusted receives each change that reading the source makes, before a record is parsed
   * @param onOldFeeds receives the feeds of the system that the source comes from, where it names them
   */
  readonly items: (
    onProgress: OnProgress,
    onSkipped: OnSkipped,
    onNote?: OnNote,
    onAdjusted?: OnAdjusted,
    onOldFeeds?: OnOldFeeds,
  ) => AsyncIterable<Item>;
}

export type OnProgress = (bytes: number) => void;
export type OnSkipped = (reason: string) => void;
export type OnNote = (note: string) => void;
export type OnAdjusted = (adjustment: Adjustment, place: AdjustedPlace) => void;

/** Where in a source an adjustment was made. */
export interface AdjustedPlace {
  readonly file: string;
  readonly line?: number;
  /** The title by which an editor knows the story. */
  readonly title?: string;
}
