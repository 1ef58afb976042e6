import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Problem, PublisherError } from '../../errors.ts';
import { rfc3339 } from '../../lib/instant.ts';
import { idOf, MAX_RECORD_BYTES, type Submission } from '../../publish/publish.ts';
import { type UnparsedRecord, unparsedRecord } from '../../publish/unparsed-record.ts';
import type { SourceFile } from '../../store/store.ts';
import { readArticleFile } from '../import/file.ts';
import { isMissing } from '../import/list-files.ts';
import { type RawRecord, UnreadableRecord } from '../import/record.ts';

/** Where articles and media are. */
export interface Folders {
  readonly articles: string;
  readonly media: string;
}

/** A file as it was read. */
export interface ArticleFile {
  /** Below the articles folder. */
  readonly path: string;
  readonly id: string;
  readonly raw: Omit<RawRecord, 'record'>;
  readonly json: UnparsedRecord['json'];
  /** Files of the media folder that the article shows: its facts depend on them. */
  readonly media: readonly string[];
  /** When the file was last written, milliseconds since 1970. */
  readonly modified: number;
  /** Sizes and times of the file and its media, before it was read. */
  readonly signature: string;
}

export interface RefusedFile extends Pick<ArticleFile, 'path' | 'id' | 'media' | 'signature'> {
  readonly problems: readonly Problem[];
}

/** The signature of a file that cannot be looked at. */
const UNSEEN = '-';

const TOO_LARGE: Problem = { field: '', rule: `must not have more than ${MAX_RECORD_BYTES} bytes` };

/** Reads a file, or says why it cannot be read; undefined where there is none. */
export async function readArticle(folders: Folders, path: string): Promise<ArticleFile | RefusedFile | undefined> {
  const file = join(folders.articles, path);
  let signature = UNSEEN;
  const unreadable = (problems: readonly Problem[]) => ({ path, problems, id: '', media: [], signature });
  try {
    const status = await stat(file); // before it is read: what is written meanwhile makes it another file
    if (!status.isFile()) return undefined; // a folder has its name now
    signature = await signatureOf(folders, status, []);
    if (status.size > MAX_RECORD_BYTES) return unreadable([TOO_LARGE]);
    const bytes = await readFile(file);
    const media = mediaNamedIn(bytes);
    const { record, ...raw } = readArticleFile(bytes, path);
    const { json } = unparsedRecord(record);
    signature = await signatureOf(folders, status, media);
    return { path, modified: Math.floor(status.mtimeMs), raw, json, id: idOf(record), media, signature };
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (error instanceof UnreadableRecord || error instanceof PublisherError) return unreadable(error.problems);
    // Whatever it is: one file keeps no other from being published.
    return unreadable([{ field: '', rule: error instanceof Error ? error.message : String(error) }]);
  }
}

/** Whether a file and its media are what they were when it was read. */
export async function isAsRead(
  folders: Folders,
  path: string,
  { media, signature }: Pick<SourceFile, 'media' | 'signature'>,
): Promise<boolean> {
  return signature === (await signatureOf(folders, await statOf(join(folders.articles, path)), media));
}

async function signatureOf(folders: Folders, article: Stats | undefined, media: readonly string[]): Promise<string> {
  const stats = [article, ...(await Promise.all(media.map((name) => statOf(join(folders.media, name)))))];
  return stats.map((status) => (status === undefined ? UNSEEN : `${status.size}@${status.mtimeMs}`)).join(' ');
}

/** Undefined where there is no such file, nor could be one of that name, or it is not ours to look at. */
async function statOf(file: string): Promise<Stats | undefined> {
  return stat(file).catch(() => undefined);
}

function mediaNamedIn(bytes: Buffer): string[] {
  const names = bytes.toString('utf8').matchAll(/\/media\/([^\s"'<>()\\?#]+)/g);
  return [...new Set([...names].map(([, name = '']) => decoded(name)))];
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // a percent sign that encodes nothing
  }
}

/** What is handed over of a file. */
export function submissionOf({ raw, json, id, modified, path, signature, media }: ArticleFile): Submission {
  const source = { path, signature, media };
  if (!raw.dateIsOptional) return { json, source };
  return { json, source, publishedAt: rfc3339(modified), ...(id === '' ? {} : { id }) };
}

/** A file with what is wrong with it, and where in it. */
export function refusal(file: ArticleFile, problems: readonly Problem[]): RefusedFile {
  return { ...file, problems: problems.map((problem) => ({ ...problem, ...file.raw.locate(problem.field) })) };
}
