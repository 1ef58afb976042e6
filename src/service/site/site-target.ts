import type { Coding } from '../../document/content-codings.ts';
import type { Instant } from '../../lib/instant.ts';

/** The bytes of a file: in memory, or in another file, with their number. */
export type FileContent = Buffer | { readonly source: string; readonly size: number };

/** A file of a document, in one content coding. */
export interface TargetFile {
  /** Below the root of the site. */
  readonly file: string;
  readonly coding: Coding;
  readonly content: FileContent;
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string;
}

/** A document with all files that it has from now on. */
export interface TargetDocument {
  /** Media type. */
  readonly type: string;
  /** For Cache-Control. */
  readonly caching: string;
  readonly modifiedAt: Instant;
  /** The file without a coding is the last one. */
  readonly files: readonly TargetFile[];
  /** Files of codings that the document has no more. */
  readonly obsolete: readonly string[];
}

/** Where a static site is written: a folder, or storage for objects. */
export interface SiteTarget {
  /** For messages, and to tell targets apart. */
  readonly name: string;
  /** What the files of pages have at the end of their names: a folder cannot have a file and a folder of one name. */
  readonly pageEnding: string;
  /**
   * The file that names the documents which an export is about to touch, where the target can have it: whoever writes there next
   * knows what an interrupted export has left, also with another data folder. Without it, the data folder has the file.
   */
  readonly journal?: string;
  /**
   * Takes the target for this export alone.
   *
   * @throws PublisherError `site_busy` while another export writes, `unwritable_output` for a target with files of others
   */
  readonly open: () => Promise<void>;
  /** The bytes of a file; undefined where there is none. */
  readonly read: (file: string) => Promise<Buffer | undefined>;
  /** Replaces all files of a document, each at once. A file without a coding appears last. */
  readonly write: (document: TargetDocument) => Promise<void>;
  /** Removes files, in this order. A file that is not there is no error. */
  readonly remove: (files: readonly string[]) => Promise<void>;
  /** Lets other exports write. */
  readonly close: () => Promise<void>;
}
