import { z } from 'zod';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { relativePath } from '../lib/relative-path.ts';
import { CODINGS, type Coding } from './content-codings.ts';
import { secondOf } from './representation.ts';

/** The codings of the files beside a file, with the endings of their names. */
export const FORM_ENDINGS: Readonly<Record<Exclude<Coding, 'identity'>, string>> = {
  br: '.br',
  zstd: '.zst',
  gzip: '.gz',
};

export type FormCoding = keyof typeof FORM_ENDINGS;

export const FORM_CODINGS: readonly FormCoding[] = CODINGS.filter((coding) => coding !== 'identity');

const document = z.strictObject({
  path: relativePath,
  type: z.string(),
  bytes: z.int().nonnegative(),
  sha256: z.string(),
  etag: z.string(),
  lastModified: z.string().optional(),
  codings: z.array(z.enum(FORM_CODINGS)),
});

const part = z.strictObject({ documents: z.array(document) });

const manifest = z.strictObject({
  format: z.literal(1),
  generator: z.string(),
  address: z.string(),
  documents: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  headers: z.record(z.string(), z.record(z.string(), z.string())),
  parts: z.array(
    z.strictObject({
      name: relativePath,
      documents: z.int().nonnegative(),
      bytes: z.int().nonnegative(),
      sha256: z.string(),
    }),
  ),
});

/** A document of a static site: a file, and beside it the files with its other codings. */
export interface SiteDocument {
  /** Of the file, below the root of the site. */
  readonly path: string;
  /** Media type, with its charset. */
  readonly type: string;
  /** Of the file itself. */
  readonly bytes: number;
  /** Hexadecimal, of the bytes without a coding. */
  readonly sha256: string;
  /** The tag that the service gives the document without a coding. */
  readonly etag: string;
  /** RFC 3339; missing where nobody knows when the document changed last. */
  readonly lastModified?: string | undefined;
  readonly codings: readonly FormCoding[];
}

/** The documents that one part of the manifest lists, by their paths. */
export type PartDocuments = ReadonlyMap<string, SiteDocument>;

/** What the manifest says of a part. */
export interface PartSummary {
  readonly name: string;
  readonly documents: number;
  readonly bytes: number;
  /** Of the file of the part. */
  readonly sha256: string;
}

/** The list of everything in a static site. It names only what readers can see, and no moment in the future. */
export interface SiteManifest {
  readonly format: 1;
  readonly generator: string;
  /** The public address of the service. */
  readonly address: string;
  readonly documents: number;
  readonly bytes: number;
  /** The headers with which the service answers: of all documents, of pages, of feeds and pages. */
  readonly headers: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly parts: readonly PartSummary[];
}

/** The file of the manifest, below the root of the site. */
export const MANIFEST_FILE = 'manifest.json';

/** The file of a part of the manifest. */
export function partFile(name: string): string {
  return `manifest/${name}.json`;
}

/** The text of a part, one document a line. The same documents give the same text. */
export function partText(documents: PartDocuments): string {
  const sorted = [...documents.values()].toSorted((one, other) => (one.path < other.path ? -1 : 1));
  return `{"documents":[\n${sorted.map((each) => JSON.stringify(each)).join(',\n')}\n]}\n`;
}

/** Reads the list of a part. Returns undefined if the text is no such list. */
export function partOf(text: string): PartDocuments | undefined {
  const parsed = part.safeParse(jsonOf(text));
  return parsed.success ? new Map(parsed.data.documents.map((each) => [each.path, each])) : undefined;
}

/** The text of a manifest, one part a line. */
export function manifestText({ parts, ...rest }: SiteManifest): string {
  const sorted = parts.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return `${JSON.stringify(rest).slice(0, -1)},"parts":[\n${sorted.map((each) => JSON.stringify(each)).join(',\n')}\n]}\n`;
}

/** Reads a manifest. Returns undefined if the text is no manifest. */
export function manifestOf(text: string): SiteManifest | undefined {
  const parsed = manifest.safeParse(jsonOf(text));
  return parsed.success ? parsed.data : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The second of Last-Modified in the form of the manifest. */
export function modifiedSecond(changedAt: Instant): string {
  return rfc3339(secondOf(changedAt));
}

/** All files of a document: the file itself, and those with its codings. */
export function filesOf({ path, codings }: Pick<SiteDocument, 'path' | 'codings'>): string[] {
  return [path, ...codings.map((coding) => path + FORM_ENDINGS[coding])];
}
