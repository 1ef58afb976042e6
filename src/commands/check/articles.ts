import { join, resolve } from 'node:path';
import type { Article } from '../../article/article.ts';
import type { Newsroom } from '../../article/newsroom.ts';
import { withdrawnArticle } from '../../article/stored.ts';
import { type Problem, PublisherError } from '../../errors.ts';
import {
  type ArticleFile,
  articlePath,
  type Folders,
  type RefusedFile,
  readArticle,
  refuse,
  submissionOf,
} from '../../ingest/folder/article-file.ts';
import { groups } from '../../ingest/folder/changed-files.ts';
import { otherFileProblem } from '../../ingest/folder/other-files.ts';
import { isArticleFile } from '../../ingest/import/file.ts';
import { filesBelow, isEmptyOrMissing } from '../../ingest/import/list-files.ts';
import { type Instant, rfc3339 } from '../../lib/instant.ts';
import { jsonString } from '../../lib/json.ts';
import { systemReason } from '../../lib/system-reason.ts';
import { parseRecord } from '../../publish/parse-record.ts';
import { type ParsedRecord, unparsedRecord } from '../../publish/unparsed-record.ts';
import type { StoredArticles } from '../../store/sqlite/stored-articles.ts';
import { statusAt } from '../../store/status.ts';
import type { SourceFile, StoredRecord } from '../../store/store.ts';
import type { CheckedArticle } from './checked.ts';
import { ledgerProblem } from './ledger.ts';

/** What is read of a newsroom, one after the other. */
export type Read =
  | { readonly kind: 'article'; readonly checked: CheckedArticle }
  /** An article that readers know, and that the next start withdraws. */
  | { readonly kind: 'leaving'; readonly checked: CheckedArticle }
  /** A file that has published one article, and holds another one now. */
  | { readonly kind: 'renamed'; readonly former: string; readonly article: string; readonly file: string }
  | {
      readonly kind: 'refused';
      readonly article?: string;
      readonly file?: string;
      readonly problems: readonly Problem[];
      /** Readers would see a story that they know under another id. */
      readonly isChangedId: boolean;
    }
  | { readonly kind: 'ignored'; readonly file: string; readonly problem: Problem };

/** The articles of a newsroom as the service publishes them, or would at its next start. */
export interface NewsroomArticles {
  /** Files and stored articles to read. */
  readonly total: number;
  readonly read: () => AsyncGenerator<Read>;
  /** The article with the number that `read` gave it; undefined if it is not there any more. */
  readonly load: (ref: number) => Promise<CheckedArticle | undefined>;
}

interface ArticlesParts {
  /** The data folder. */
  readonly path: string;
  readonly newsroom: Newsroom;
  /** Missing for a folder that was never served. */
  readonly stored: StoredArticles | undefined;
  readonly at: Instant;
}

/** Files that are read together. */
const TOGETHER = 16;
/** Stored articles that are read together. */
const PAGE = 200;

/** Lists the files of a data folder, and opens what the store has besides. */
export async function openArticles({ path, newsroom, stored, at }: ArticlesParts): Promise<NewsroomArticles> {
  const folders: Folders = { articles: join(path, 'articles'), media: newsroom.mediaFolder };
  const unreadable: Read[] = [];
  const found = await filesBelow(folders.articles, '', (folder, error) =>
    unreadable.push(unreadableFolder(folder, error)),
  );
  const files = found.filter(isArticleFile);
  const others = found.filter((file) => !isArticleFile(file));
  const isUnmounted = files.length === 0 && (await isEmptyOrMissing(resolve(folders.articles)));
  const sources = await sourcesOf(stored, isUnmounted ? undefined : new Set(files));
  const readers = createReaders({ newsroom, stored, at });
  /** The file of each id that a file holds. */
  const holders = new Map<string, string>();

  async function* readFiles(): AsyncGenerator<Read> {
    for await (const [index, content] of contents(folders, files)) {
      if (content === undefined) continue;
      const read = await readers.file(content, index, (id) => holders.get(id) ?? sources.holderOf(id));
      if (read === undefined) continue;
      yield read;
      if (read.kind !== 'article') continue;
      const [{ path }, { id }] = [content, read.checked.article];
      holders.set(id, path);
      const former = sources.formerOf(path);
      if (former !== undefined && former !== id) sources.rename(path, id);
    }
  }

  async function* readStored(): AsyncGenerator<Read> {
    if (stored === undefined) return;
    for (let after = 0; ; ) {
      const page = await stored.page(after, PAGE);
      if (page.length === 0) return;
      after = page.at(-1)?.number ?? after;
      for (const one of page) {
        const { id } = one.article;
        if (one.isErased === true || holders.has(id)) continue;
        const { checked, problems } = readers.stored(one);
        if (problems !== undefined) yield { kind: 'refused', article: id, problems, isChangedId: false };
        const renamed = sources.renamed(id);
        if (renamed !== undefined && checked.status !== 'withdrawn') yield { kind: 'renamed', former: id, ...renamed };
        else if (sources.isLeaving(id)) yield { kind: 'leaving', checked };
        else yield { kind: 'article', checked };
      }
    }
  }

  return {
    total: found.length + ((await stored?.count()) ?? 0),
    async *read() {
      yield* unreadable;
      for (const file of others) yield { kind: 'ignored', file: articlePath(file), problem: otherFileProblem(file) };
      yield* readFiles();
      yield* readStored();
    },
    async load(ref) {
      if (ref < 0) {
        const content = await readArticle(folders, files[-ref - 1] ?? '');
        const read = content && (await readers.file(content, -ref - 1, () => undefined));
        return read?.kind === 'article' ? read.checked : undefined;
      }
      const [one] = (await stored?.page(ref - 1, 1)) ?? [];
      return one?.number === ref && one.isErased !== true ? readers.stored(one).checked : undefined;
    },
  };
}

/** The files of a list, read some at a time. */
async function* contents(
  folders: Folders,
  files: readonly string[],
): AsyncGenerator<readonly [index: number, content: ArticleFile | RefusedFile | undefined]> {
  let index = 0;
  for (const group of groups(files, TOGETHER)) {
    for (const content of await Promise.all(group.map((file) => readArticle(folders, file)))) {
      yield [index, content];
      index += 1;
    }
  }
}

function unreadableFolder(folder: string, error: unknown): Read {
  const problems = [{ field: '', rule: `cannot be read: ${systemReason(error)}` }];
  return { kind: 'refused', file: articlePath(folder).replace(/\/$/, ''), problems, isChangedId: false };
}

/** Which files the stored articles came from. */
interface Sources {
  /** The file that published an article with this id, if it is there. */
  readonly holderOf: (id: string) => string | undefined;
  /** The id that a file published. */
  readonly formerOf: (file: string) => string | undefined;
  /** Notes that a file holds another article now. */
  readonly rename: (file: string, id: string) => void;
  /** The file of an article. If the file has a different article now, also that article. */
  readonly renamed: (id: string) => { readonly file: string; readonly article: string } | undefined;
  /** Whether the file of an article is gone. */
  readonly isLeaving: (id: string) => boolean;
}

/** @param present the files that are there; undefined where the folder may be a volume that is not mounted */
async function sourcesOf(
  stored: StoredArticles | undefined,
  present: ReadonlySet<string> | undefined,
): Promise<Sources> {
  const all: readonly SourceFile[] = (await stored?.sources()) ?? [];
  const fileOf = new Map(all.map(({ id, path }) => [id, path]));
  const formerOf = new Map(all.filter(({ path }) => path !== '').map(({ id, path }) => [path, id]));
  const renames = new Map<string, string>();
  return {
    holderOf(id) {
      const file = fileOf.get(id);
      return file !== undefined && present?.has(file) === true ? file : undefined;
    },
    formerOf: (file) => formerOf.get(file),
    rename: (file, id) => void renames.set(file, id),
    renamed(id) {
      const file = fileOf.get(id) ?? '';
      const article = renames.get(file);
      return article === undefined ? undefined : { file: articlePath(file), article };
    },
    isLeaving(id) {
      const file = fileOf.get(id);
      return present !== undefined && file !== undefined && !present.has(file);
    },
  };
}

/** Returns functions that read one file, and one stored article. */
function createReaders({ newsroom, stored, at }: Pick<ArticlesParts, 'newsroom' | 'stored' | 'at'>) {
  async function file(
    read: ArticleFile | RefusedFile,
    index: number,
    holderOf: (id: string) => string | undefined,
  ): Promise<Read | undefined> {
    if ('problems' in read) return refused(read);
    const holder = holderOf(read.id);
    if (read.id !== '' && holder !== undefined && holder !== read.path)
      return refused(refuse(read, claimed(read, holder)));
    const known = await stored?.find(read.id);
    const parsed = parseRecord(withKnownDate(read, known), newsroom);
    if (parsed instanceof PublisherError) return refused(refuse(read, parsed));
    if (parsed.isErased === true) return undefined;
    const broken = await ledgerProblem(parsed, known, { stored, at });
    if (broken !== undefined) {
      const problems = [broken.problem];
      return refused(refuse(read, { code: 'identity_conflict', problems }), broken.isChangedId);
    }
    const article = asKept(parsed, known);
    const checked = {
      article,
      record: JSON.parse(jsonString(read.json)) as unknown,
      status: statusAt(article, at),
      file: articlePath(read.path),
      adjustments: parsed.adjustments ?? [],
      ref: -index - 1,
    };
    return { kind: 'article', checked };
  }

  function storedArticle(one: StoredRecord): { checked: CheckedArticle; problems?: readonly Problem[] } {
    const { article: before, record, number } = one;
    const parsed = parseRecord(unparsedRecord(record), newsroom);
    const isValid = !(parsed instanceof PublisherError);
    const article = isValid ? { ...asKept(parsed, one), publicId: before.publicId } : before;
    const adjustments = isValid ? (parsed.adjustments ?? []) : [];
    const checked = { article, record, status: statusAt(article, at), adjustments, ref: number };
    return isValid ? { checked } : { checked, problems: parsed.problems };
  }

  return { file, stored: storedArticle };
}

/** A record that may leave out its date keeps the date that the store has. */
function withKnownDate(file: ArticleFile, known: StoredRecord | undefined) {
  const submission = submissionOf(file);
  if (submission.publishedAt === undefined || known === undefined) return submission;
  return { ...submission, publishedAt: rfc3339(known.article.publishedAt) };
}

/** The article as the store would have it: it keeps its public id, and stays withdrawn until its record changes. */
function asKept(parsed: ParsedRecord, known: StoredRecord | undefined): Article {
  const own = JSON.parse(jsonString(parsed.article.text)) as Article;
  const isDerived = known !== undefined && parsed.hasDerivedPublicId === true;
  const article = isDerived ? { ...own, publicId: known.article.publicId } : own;
  const withdrawal = known?.article.withdrawn;
  if (withdrawal === undefined || article.withdrawn !== undefined) return article;
  const isSame = JSON.stringify(JSON.parse(jsonString(parsed.record))) === JSON.stringify(known?.record);
  return isSame ? withdrawnArticle(article, withdrawal) : article;
}

function refused({ path, id, problems }: RefusedFile, isChangedId = false): Read {
  return { kind: 'refused', file: articlePath(path), problems, isChangedId, ...(id === '' ? {} : { article: id }) };
}

function claimed({ id }: ArticleFile, holder: string): Pick<RefusedFile, 'code' | 'problems'> {
  const rule = `is already the id of ${articlePath(holder)}: each file needs an id of its own`;
  return { code: 'identity_conflict', problems: [{ field: 'id', value: id, rule }] };
}
