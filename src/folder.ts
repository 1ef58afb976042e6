import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Problem, PublisherError } from './errors.ts';
import { holdsArticle, readArticleFile } from './import/file.ts';
import { type RawRecord, UnreadableRecord } from './import/record.ts';
import { rfc3339 } from './instant.ts';
import type { Publisher } from './publish.ts';
import { filesBelow, isMissing, type TreeWatcher, watchTree } from './watch.ts';

/** The articles folder, kept in step with the store. */
export interface ArticleFolder {
  /** Publishes every file there is. Returns how many articles were published. */
  readonly load: () => Promise<number>;
  /** From now on a file that comes, changes or goes is published or withdrawn. */
  readonly watch: () => Promise<void>;
  /** Waits until what has changed on disk is in the store, but not longer than `PATIENCE`; undefined where nothing has. */
  readonly settled: () => Promise<void> | undefined;
  readonly close: () => void;
}

interface FolderParts {
  readonly dataFolder: string;
  readonly publisher: Publisher;
  /** Told of a file that cannot be published, which the error names. */
  readonly refuse: (error: PublisherError) => void;
  /** Told of a failure that is no fault of a file: the store, the disk. */
  readonly fail: (error: unknown) => void;
}

interface ArticleFile {
  readonly path: string;
  readonly id: string;
  readonly raw: RawRecord;
  /** Files of the media folder that the article shows: its facts depend on them. */
  readonly media: ReadonlySet<string>;
  readonly modified: number;
}

interface RefusedFile {
  readonly path: string;
  readonly problems: readonly Problem[];
  /** When the file was last written, milliseconds since 1970. */
  readonly modified: number;
}

/** Files that are read and kept together. */
const BATCH = 500;
/** Milliseconds without a change after which a file counts as written to its end. */
const QUIET = 25;
/** Milliseconds for which a file that cannot be published may still be in the middle of being written. */
const HALF_WRITTEN = 1000;
/** Milliseconds an answer waits at most for files that are being read. */
const PATIENCE = 1000;

export function openArticleFolder({ dataFolder, publisher, refuse, fail }: FolderParts): ArticleFolder {
  const folder = join(dataFolder, 'articles');
  const published = new Map<string, Pick<ArticleFile, 'id' | 'media'>>();
  const pathOfId = new Map<string, string>();
  /** Files whose id another file has: they are published when that one goes. */
  const rivals = new Map<string, string>();
  const changed = new Set<string>();
  const watchers: TreeWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;

  async function load(): Promise<number> {
    const paths = (await filesBelow(folder)).filter(holdsArticle);
    for (let start = 0; start < paths.length; start += BATCH) {
      const { refused } = await publishFiles(paths.slice(start, start + BATCH), publisher.load);
      refused.forEach(tell);
    }
    return published.size;
  }

  /** Publishes those of the files that are there, and tells which could not be. */
  async function publishFiles(paths: readonly string[], publish: Publisher['publish']) {
    const read = await Promise.all(paths.map((path) => readArticle(folder, path)));
    paths.filter((_, index) => read[index] === undefined).forEach(release);
    const refused = read.filter((file) => file !== undefined && 'problems' in file);
    const owners: ArticleFile[] = [];
    for (const file of read) {
      if (file === undefined || 'problems' in file) continue;
      const owner = claim(file);
      if (owner === undefined) owners.push(file);
      else refused.push(idTaken(file, owner));
    }
    const results = await publish(owners.map(({ raw }) => raw.record));
    for (const [index, file] of owners.entries()) {
      const result = results[index];
      if (result === undefined) continue;
      if ('outcome' in result) published.set(file.path, { id: file.id, media: file.media });
      else refused.push({ ...file, problems: placed(result.refused.problems, file.raw) });
    }
    return { refused };
  }

  function release(path: string): void {
    const file = published.get(path);
    if (file !== undefined && pathOfId.get(file.id) === path) pathOfId.delete(file.id);
    published.delete(path);
  }

  /** Takes the id for a file; where another file has it, returns that one. */
  function claim({ id, path }: ArticleFile): string | undefined {
    const owner = pathOfId.get(id);
    if (owner !== undefined && owner !== path) {
      rivals.set(path, id);
      return owner;
    }
    rivals.delete(path);
    if (id !== '') pathOfId.set(id, path); // without one the record is refused for it
    return undefined;
  }

  async function sync(paths: readonly string[]): Promise<void> {
    const before = new Map(paths.flatMap((path) => filesAt(path)));
    const files = [...new Set([...paths.filter(holdsArticle), ...before.keys()])];
    const { refused } = await publishFiles(files, publisher.publish);
    const gone = [...before.values()]
      .map(({ id }) => id)
      .filter((id) => published.get(pathOfId.get(id) ?? '')?.id !== id);
    await publisher.withdraw(gone, 'its file was removed');
    for (const id of gone) pathOfId.delete(id);
    for (const [path, id] of rivals) if (gone.includes(id)) note(path);
    refused.forEach(tellUnlessHalfWritten);
  }

  /** What is published from a path: a file, or everything below a folder. */
  function filesAt(path: string): [string, Pick<ArticleFile, 'id' | 'media'>][] {
    const file = published.get(path);
    if (file !== undefined) return [[path, file]];
    return holdsArticle(path) ? [] : [...published].filter(([name]) => name.startsWith(`${path}/`));
  }

  function tellUnlessHalfWritten(file: RefusedFile): void {
    if (Date.now() - file.modified > HALF_WRITTEN) tell(file);
    else setTimeout(() => note(file.path), HALF_WRITTEN / 4).unref();
  }

  function tell({ path, problems }: RefusedFile): void {
    const file = `articles/${path}`;
    refuse(new PublisherError('invalid_article', `${file} is not published.`, { file, problems }));
  }

  function note(path: string): void {
    changed.add(path);
    clearTimeout(timer);
    timer = setTimeout(work, QUIET);
  }

  function work(): void {
    timer = undefined;
    working ??= drain()
      .catch(fail)
      .finally(() => {
        working = undefined;
      });
  }

  async function drain(): Promise<void> {
    while (changed.size > 0) {
      const paths = [...changed].slice(0, BATCH);
      for (const path of paths) changed.delete(path);
      await sync(paths);
    }
  }

  function mediaChanged(path: string): void {
    for (const [file, { media }] of published) if (media.has(path)) note(file);
  }

  async function settle(): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while ((changed.size > 0 || working !== undefined) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  return {
    load,
    async watch() {
      watchers.push(await watchTree(folder, note), await watchTree(join(dataFolder, 'media'), mediaChanged));
    },
    settled: () => (changed.size > 0 || working !== undefined ? settle() : undefined),
    close() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

async function readArticle(folder: string, path: string): Promise<ArticleFile | RefusedFile | undefined> {
  const file = join(folder, path);
  let modified = 0;
  try {
    modified = Math.floor((await stat(file)).mtimeMs);
    const bytes = await readFile(file);
    const raw = readArticleFile(bytes, path, rfc3339(modified));
    return { path, modified, raw, id: idOf(raw.record), media: mediaNamedIn(bytes) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (error instanceof UnreadableRecord) return { path, modified, problems: error.problems };
    throw error;
  }
}

function idOf(record: unknown): string {
  const id = typeof record === 'object' && record !== null ? Reflect.get(record, 'id') : undefined;
  return typeof id === 'string' ? id.normalize('NFC') : '';
}

function mediaNamedIn(bytes: Buffer): ReadonlySet<string> {
  const names = bytes.toString('utf8').matchAll(/\/media\/([^\s"'<>()\\?#]+)/g);
  return new Set([...names].map(([, name = '']) => name));
}

function idTaken(file: ArticleFile, owner: string | undefined): RefusedFile {
  const problems = [{ field: 'id', value: file.id, rule: `is the id of articles/${owner} already` }];
  return { ...file, problems: placed(problems, file.raw) };
}

function placed(problems: readonly Problem[], { locate }: RawRecord): Problem[] {
  return problems.map((problem) => ({ ...problem, ...locate(problem.field) }));
}
