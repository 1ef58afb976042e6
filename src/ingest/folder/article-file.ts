import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, type Problem, PublisherError } from '../../errors.ts';
import { rfc3339 } from '../../lib/instant.ts';
import { otherForm } from '../../lib/name-forms.ts';
import { systemReason } from '../../lib/system-reason.ts';
import { composed } from '../../lib/text.ts';
import { MAX_RECORD_BYTES, type Submission } from '../../publish/publish.ts';
import { idOf, type UnparsedRecord, unparsedRecord } from '../../publish/unparsed-record.ts';
import type { SourceFile } from '../../store/store.ts';
import { readArticleFile } from '../import/file.ts';
import { isMissing } from '../import/list-files.ts';
import { type RawRecord, UnreadableRecord } from '../import/record.ts';

/** The absolute paths of the folders with articles and media. */
export interface Folders {
  readonly articles: string;
  readonly media: string;
}

/** A file that was read as a record. */
export interface ArticleFile {
  /** Below the articles folder. */
  readonly path: string;
  readonly id: string;
  readonly raw: Omit<RawRecord, 'record'>;
  readonly json: UnparsedRecord['json'];
  /** The files of the media folder that the article uses, by their paths there: its facts depend on them. */
  readonly media: readonly string[];
  /** When the file was last written, in milliseconds since 1970. */
  readonly modified: number;
  /** Sizes and times of the file and its media before the read. */
  readonly signature: string;
}

/** A file that cannot be published, and why. */
export interface RefusedFile extends Pick<ArticleFile, 'path' | 'id' | 'media' | 'signature'> {
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];
}

/** Stands in a signature for a file without size and time. */
const NO_FILE = '-';

const TOO_LARGE: Problem = { field: '', rule: `must not have more than ${MAX_RECORD_BYTES} bytes` };

/**
 * Reads the file at a path; undefined if there is none. It never rejects: one bad file must not keep others from being
 * published.
 */
export async function readArticle(folders: Folders, path: string): Promise<ArticleFile | RefusedFile | undefined> {
  const file = join(folders.articles, path);
  let signature = NO_FILE;
  const unreadable = (code: ErrorCode, problems: readonly Problem[]) => ({
    path,
    code,
    problems,
    id: '',
    media: [],
    signature,
  });
  try {
    const status = await stat(file); // before the read: a write during the read must change the signature
    if (!status.isFile()) return undefined; // a folder may be named like an article file
    signature = await signatureOf(folders, status, []);
    if (status.size > MAX_RECORD_BYTES) return unreadable('too_large', [TOO_LARGE]);
    const bytes = await readFile(file);
    const media = mediaNamedIn(bytes);
    const { record, ...raw } = readArticleFile(bytes, path);
    const { json } = unparsedRecord(record);
    signature = await signatureOf(folders, status, media);
    return { path, modified: Math.floor(status.mtimeMs), raw, json, id: idOf(record), media, signature };
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (error instanceof PublisherError) return unreadable(error.code, error.problems);
    if (error instanceof UnreadableRecord) return unreadable('invalid_article', error.problems);
    return unreadable('invalid_article', [{ field: '', rule: `cannot be read: ${systemReason(error)}` }]);
  }
}

/** Whether a file and its media have the same sizes and times as when it was read. */
export async function isUnchanged(
  folders: Folders,
  path: string,
  { media, signature }: Pick<SourceFile, 'media' | 'signature'>,
): Promise<boolean> {
  return signature === (await signatureOf(folders, await statusOf(join(folders.articles, path)), media));
}

async function signatureOf(folders: Folders, article: Stats | undefined, media: readonly string[]): Promise<string> {
  const all = [article, ...(await Promise.all(media.map((name) => mediaStatus(folders.media, name))))];
  return all.map((status) => (status === undefined ? NO_FILE : `${status.size}@${status.mtimeMs}`)).join(' ');
}

/** Undefined if there is no such file, if no file can have that name, or if the service may not look at it. */
async function statusOf(file: string): Promise<Stats | undefined> {
  return stat(file).catch(() => undefined);
}

async function mediaStatus(folder: string, name: string): Promise<Stats | undefined> {
  const status = await statusOf(join(folder, name));
  if (status !== undefined) return status;
  const other = await otherForm(folder, name);
  return other === undefined ? undefined : statusOf(join(folder, other));
}

/** The paths of media in a record, in Unicode's composed form. */
function mediaNamedIn(bytes: Buffer): string[] {
  const names = bytes.toString('utf8').matchAll(/\/media\/([^\s"'<>()\\?#]+)/g);
  return [...new Set([...names].map(([, name = '']) => composed(decodePath(name))))];
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // a percent sign that encodes nothing
  }
}

/** The path of an article file below the data folder. */
export function articlePath(path: string): string {
  return `articles/${path}`;
}

/** What the publisher needs of a file. A record that needs no date has that of its file. */
export function submissionOf({ raw, json, id, modified, path, signature, media }: ArticleFile): Submission {
  const source = { path, signature, media };
  const actor = { kind: 'file', path: articlePath(path) } as const;
  if (!raw.dateIsOptional) return { json, source, actor };
  return { json, source, actor, publishedAt: rfc3339(modified), ...(id === '' ? {} : { id }) };
}

/** A file with its problems, each with its line and column in the file where they are known. */
export function refuse(file: ArticleFile, { code, problems }: Pick<RefusedFile, 'code' | 'problems'>): RefusedFile {
  return { ...file, code, problems: problems.map((problem) => ({ ...problem, ...file.raw.locate(problem.field) })) };
}
