import type { Stats } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type Problem, PublisherError } from './errors.ts';
import { filesBelow, isMissing } from './files.ts';
import { holdsArticle, readArticleFile } from './import/file.ts';
import { type RawRecord, UnreadableRecord } from './import/record.ts';
import { rfc3339 } from './instant.ts';
import { idOf, type Publisher, type Submission } from './publish.ts';
import type { SourceFile, Store } from './store.ts';
import { type TreeWatcher, watchTrees } from './watch.ts';

/** The articles folder, kept in step with the store. */
export interface ArticleFolder {
  /**
   * Brings the store up to date with the folder, and from then on publishes a file that comes or changes and withdraws
   * the article of one that goes.
   */
  readonly start: () => Promise<void>;
  /** Whether something has changed on disk that is not in the store yet. */
  readonly isUnsettled: () => boolean;
  /** Waits until what has changed on disk is in the store, but not longer than `PATIENCE`. */
  readonly settled: () => Promise<void>;
  readonly close: () => Promise<void>;
}

interface FolderParts {
  readonly dataFolder: string;
  readonly store: Store;
  readonly publisher: Publisher;
  /** Told of a file that cannot be published, which the error names. */
  readonly refuse: (error: PublisherError) => void;
  /** Told of a failure that is no fault of a file: the store, the disk. */
  readonly fail: (error: unknown) => void;
  /** Told how many of the changed files are published at start. */
  readonly progress: (done: number, total: number) => void;
}

interface ArticleFile {
  readonly path: string;
  readonly id: string;
  readonly raw: RawRecord;
  /** Files of the media folder that the article shows: its facts depend on them. */
  readonly media: readonly string[];
  /** When the file was last written, milliseconds since 1970. */
  readonly modified: number;
  readonly signature: string;
}

interface RefusedFile extends Pick<ArticleFile, 'path' | 'id' | 'media' | 'signature'> {
  readonly problems: readonly Problem[];
}

/** Files that are read and kept together. */
const BATCH = 500;
/** Milliseconds without a change after which a file counts as written to its end. */
const QUIET = 25;
/** Milliseconds for which a file that cannot be published may still be in the middle of being written. */
const HALF_WRITTEN = 1000;
/** Milliseconds an answer waits at most for files that are being read. */
const PATIENCE = 1000;

/** Milliseconds an article whose file went waits at most for another file that names its id to be noted. */
const RENAMING = 500;

/** A path that may have changed and was not looked at since. */
interface Noted {
  /** Its place among all that were noted. */
  readonly turn: number;
  /** When it was noted first, and when it changed last, milliseconds. */
  readonly since: number;
  readonly at: number;
}

/** An article whose file went, or holds another by now. */
interface Departed extends Pick<Noted, 'turn' | 'since'> {
  readonly id: string;
}

/** Somebody who waits for what was noted before. */
interface Waiter {
  /** The last turn that is waited for. Not known while a folder that came is read: what it brought is noted after that. */
  last: number | undefined;
  /** When he goes on in any case, milliseconds. */
  readonly until: number;
  readonly goOn: () => void;
}

export function openArticleFolder(parts: FolderParts): ArticleFolder {
  const { dataFolder, store, publisher, refuse, fail, progress } = parts;
  const folder = join(dataFolder, 'articles');
  const mediaFolder = join(dataFolder, 'media');
  const published = new Map<string, SourceFile>();
  const pathOfId = new Map<string, string>();
  /** Folders that articles were published from. They may be named like articles. */
  const folders = new Set<string>();
  /** What files that were refused wait for: an id that another has, a picture that is not there yet. */
  const refusedFiles = new Map<string, Pick<ArticleFile, 'id' | 'media' | 'signature'>>();
  /** Since when a file cannot be published. */
  const failingSince = new Map<string, number>();
  const noted = new Map<string, Noted>();
  /** Their articles are withdrawn once no other file can have them any more: files and folders are renamed. */
  let departed: Departed[] = [];
  /** In the order in which they came and go on. */
  const waiters: Waiter[] = [];
  let turns = 0;
  let watcher: TreeWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let working: { readonly turn: number; readonly done: Promise<void> } | undefined;
  let closed = false;

  async function start(): Promise<void> {
    for (const needed of [folder, mediaFolder]) await mkdir(needed, { recursive: true });
    // Watched before it is read, so that no change falls between; what is noted meanwhile waits for its turn.
    watcher = await watchTrees(dataFolder, ['articles', 'media'], { onChange: changed, lookAgain, fail });
    const done = catchUp();
    working = { turn: 0, done };
    await done;
    working = undefined;
    schedule();
  }

  /** Publishes what changed, and withdraws what went, while the service was not running. */
  async function catchUp(): Promise<void> {
    const publish = (await store.count()) === 0 ? publisher.load : publisher.publish;
    for (const source of await store.sources()) {
      if (source.path === '') depart(source);
      else {
        setPublished(source);
        pathOfId.set(source.id, source.path);
      }
    }
    const pending = await changedSince();
    let done = 0;
    for (const batch of batches(pending)) {
      (await bringUpToDate(batch, publish)).forEach(tell);
      done += batch.length;
      progress(done, pending.length);
    }
    await withdrawDeparted();
  }

  /** Notes what has changed without being told. */
  async function lookAgain(): Promise<void> {
    for (const path of await changedSince()) note(path);
  }

  /** Files that are gone, or are others than when they were read. */
  async function changedSince(): Promise<string[]> {
    const paths = (await filesBelow(folder)).filter(holdsArticle);
    const there = new Set(paths);
    const changed = [...published.keys()].filter((path) => !there.has(path));
    for (const batch of batches(paths)) changed.push(...(await changedAmong(batch)));
    return changed;
  }

  async function changedAmong(paths: readonly string[]): Promise<string[]> {
    const same = await Promise.all(
      paths.map(async (path) => {
        const known = refusedFiles.get(path) ?? published.get(path);
        if (known === undefined) return false;
        return known.signature === (await signatureOf(await statOf(join(folder, path)), known.media));
      }),
    );
    return paths.filter((_, index) => !same[index]);
  }

  async function signatureOf(article: Stats | undefined, media: readonly string[]): Promise<string> {
    const stats = [article, ...(await Promise.all(media.map((name) => statOf(join(mediaFolder, name)))))];
    return stats.map((status) => (status === undefined ? '-' : `${status.size}@${status.mtimeMs}`)).join(' ');
  }

  /** Publishes the files that are there and notes whose articles are to be withdrawn. Returns what was refused. */
  async function bringUpToDate(paths: readonly string[], publish: Publisher['publish']): Promise<RefusedFile[]> {
    const before = new Map(paths.flatMap((path) => filesAt(path)));
    try {
      const files = [...new Set([...paths.filter(holdsArticle), ...before.keys()])];
      const refused = await publishFiles(files, publish);
      const gone = [...before.values()].filter(({ path, id }) => published.get(path)?.id !== id);
      gone.forEach(depart);
      const ids = new Set(gone.map(({ id }) => id));
      for (const [path, { id }] of refusedFiles) if (ids.has(id)) note(path, working?.turn);
      return refused;
    } catch (error) {
      for (const file of before.values()) restore(file); // what went is still to be withdrawn
      throw error;
    }
  }

  function depart({ id }: Pick<SourceFile, 'id'>): void {
    departed.push({ id, turn: working?.turn ?? turns, since: Date.now() });
  }

  /** Withdraws the articles whose files went and that no other file has now. */
  async function withdrawDeparted(): Promise<void> {
    const until = departedUntil();
    const over = departed.filter(({ since }) => since < until);
    if (over.length === 0) return;
    const ids = new Set(over.map(({ id }) => id).filter((id) => !isPublished(id)));
    if (ids.size > 0) await publisher.withdraw([...ids].map((id) => ({ id, forgetSource: true })));
    departed = departed.filter(({ since }) => since >= until);
  }

  /**
   * What departed before this moment has no other file: nothing is noted that could be one. As changes may never end,
   * what was noted more than `RENAMING` after it is not waited for, nor is a file that is written without end.
   */
  function departedUntil(): number {
    if (noted.size === 0 && watcher?.busy() !== true) return Number.POSITIVE_INFINITY;
    let first = Date.now();
    for (const { since, at } of noted.values()) if (at - since <= PATIENCE) first = Math.min(first, since);
    return first - RENAMING;
  }

  function restore(file: SourceFile): void {
    if (published.has(file.path)) return;
    setPublished(file);
    if (!pathOfId.has(file.id)) pathOfId.set(file.id, file.path);
  }

  function isPublished(id: string): boolean {
    return published.get(pathOfId.get(id) ?? '')?.id === id;
  }

  async function publishFiles(paths: readonly string[], publish: Publisher['publish']) {
    const read = await Promise.all(paths.map(readArticle));
    paths.filter((_, index) => read[index] === undefined).forEach(release);
    for (const file of read) if (file !== undefined) giveUp(file);
    const refused: RefusedFile[] = [];
    const owners = new Map<string, ArticleFile>();
    const claimants: [file: ArticleFile, owner: string][] = [];
    for (const file of read) {
      if (file === undefined) continue;
      const owner = 'problems' in file ? undefined : (owners.get(file.id)?.path ?? pathOfId.get(file.id));
      if ('problems' in file) refused.push(file);
      else if (owner !== undefined && owner !== file.path) claimants.push([file, owner]);
      else owners.set(file.id === '' ? file.path : file.id, file); // without an id it is refused for that
    }
    const results = (await publish([...owners.values()].map(submissionOf))).values();
    for (const file of owners.values()) {
      const result = results.next().value;
      if (result === undefined) continue;
      if ('outcome' in result) keep(file);
      else refused.push({ ...file, problems: placed(result.refused.problems, file.raw) });
    }
    for (const [file, owner] of claimants) {
      if (pathOfId.get(file.id) === owner) refused.push(idTaken(file, owner));
      else note(file.path, working?.turn); // the owner was refused itself
    }
    for (const { path, id, media, signature } of refused) refusedFiles.set(path, { id, media, signature });
    return refused;
  }

  /**
   * Files that swap their ids each wait for the other's. What is published under the former id stays until the file is
   * published under the new one.
   */
  function giveUp({ path, id }: Pick<ArticleFile, 'path' | 'id'>): void {
    const former = published.get(path)?.id;
    if (former !== undefined && id !== '' && id !== former && pathOfId.get(former) === path) pathOfId.delete(former);
  }

  function keep({ path, id, signature, media }: ArticleFile): void {
    release(path);
    setPublished({ path, id, signature, media });
    pathOfId.set(id, path);
  }

  function setPublished(file: SourceFile): void {
    published.set(file.path, file);
    let above = posix.dirname(file.path);
    for (; above !== '.' && !folders.has(above); above = posix.dirname(above)) folders.add(above);
  }

  function release(path: string): void {
    const file = published.get(path);
    if (file !== undefined && pathOfId.get(file.id) === path) pathOfId.delete(file.id);
    published.delete(path);
    refusedFiles.delete(path);
    failingSince.delete(path);
  }

  async function readArticle(path: string): Promise<ArticleFile | RefusedFile | undefined> {
    const file = join(folder, path);
    let signature = '';
    const unreadable = (problems: readonly Problem[]) => ({ path, problems, id: '', media: [], signature });
    try {
      const status = await stat(file); // before it is read: what is written meanwhile makes it another file
      if (!status.isFile()) return undefined; // a folder has its name now
      signature = await signatureOf(status, []);
      const bytes = await readFile(file);
      const media = mediaNamedIn(bytes);
      const raw = readArticleFile(bytes, path);
      signature = await signatureOf(status, media);
      return { path, modified: Math.floor(status.mtimeMs), raw, id: idOf(raw.record), media, signature };
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (error instanceof UnreadableRecord) return unreadable(error.problems);
      if (error instanceof Error && 'syscall' in error) return unreadable([{ field: '', rule: error.message }]);
      throw error;
    }
  }

  /** What is published from a path: a file, and everything below a folder. */
  function filesAt(path: string): [string, SourceFile][] {
    const file = published.get(path);
    const files: [string, SourceFile][] = file === undefined ? [] : [[path, file]];
    if (path !== '' && !folders.has(path)) return files;
    return [...files, ...[...published].filter(([name]) => path === '' || name.startsWith(`${path}/`))];
  }

  function tellUnlessHalfWritten(file: RefusedFile): void {
    const since = failingSince.get(file.path) ?? Date.now();
    failingSince.set(file.path, since);
    if (Date.now() - since >= HALF_WRITTEN) tell(file);
    else setTimeout(() => note(file.path), HALF_WRITTEN / 4).unref();
  }

  function tell({ path, problems }: RefusedFile): void {
    failingSince.delete(path);
    const file = `articles/${path}`;
    refuse(new PublisherError('invalid_article', `${file} is not published.`, { file, problems }));
  }

  function changed(path: string): void {
    if (path === 'articles') note('');
    else if (path.startsWith('articles/')) note(path.slice('articles/'.length));
    else mediaChanged(path.replace(/^media\/?/, ''));
  }

  function mediaChanged(path: string): void {
    const isIn = (name: string) => path === '' || name === path || name.startsWith(`${path}/`);
    for (const files of [published, refusedFiles]) {
      for (const [file, { media }] of files) if (media.some(isIn)) note(file);
    }
  }

  /** `turn`: that of the change which this one follows from, so that who waits for the one waits for the other. */
  function note(path: string, turn = ++turns): void {
    const before = noted.get(path);
    const at = Date.now();
    noted.set(path, { turn: Math.min(turn, before?.turn ?? turn), since: before?.since ?? at, at });
    schedule();
  }

  function schedule(): void {
    if (closed || noted.size + departed.length === 0 || working !== undefined) return;
    timer ??= setTimeout(work, QUIET);
  }

  function work(): void {
    timer = undefined;
    const quiet = [...noted].filter(([, { at }]) => Date.now() - at >= QUIET);
    const batch = quiet.slice(0, BATCH).map(([path]) => path);
    const turn = Math.min(turns, ...batch.map((path) => noted.get(path)?.turn ?? turns));
    for (const path of batch) noted.delete(path);
    const done = keepUp(batch)
      .catch((error) => {
        fail(error);
        const waiting = departed;
        departed = [];
        setTimeout(() => {
          departed.push(...waiting);
          for (const path of batch) note(path);
          schedule();
        }, HALF_WRITTEN).unref();
      })
      .finally(() => {
        working = undefined;
        schedule();
      });
    working = { turn, done };
  }

  async function keepUp(batch: readonly string[]): Promise<void> {
    if (batch.length > 0) (await bringUpToDate(batch, publisher.publish)).forEach(tellUnlessHalfWritten);
    await withdrawDeparted();
  }

  /** The first turn that is not over. A file that is written without end is not waited for. */
  function openTurn(): number {
    let first = working?.turn ?? Number.POSITIVE_INFINITY;
    const patient = Date.now() - PATIENCE;
    for (const { turn, since } of noted.values()) if (since > patient) first = Math.min(first, turn);
    for (const { turn, since } of departed) if (since > patient) first = Math.min(first, turn);
    return first;
  }

  /** Waits for what was noted before, not for what comes after: changes may never end. */
  function settled(): Promise<void> {
    return new Promise((goOn) => {
      waiters.push({ last: watcher?.busy() ? undefined : turns, until: Date.now() + PATIENCE, goOn });
      if (waiters.length === 1) letGoOn();
    });
  }

  /** Looks once for all who wait: there may be thousands of them, and of files. */
  function letGoOn(): void {
    if (!watcher?.busy()) for (const waiter of waiters) waiter.last ??= turns;
    const open = openTurn();
    const now = Date.now();
    const mustWait = ({ last, until }: Waiter) => !closed && now < until && (last === undefined || last >= open);
    const first = waiters.findIndex(mustWait);
    for (const { goOn } of waiters.splice(0, first < 0 ? waiters.length : first)) goOn();
    if (waiters.length > 0) setTimeout(letGoOn, 5);
  }

  return {
    start,
    isUnsettled: () =>
      watcher?.busy() === true || working !== undefined || (noted.size + departed.length > 0 && openTurn() < Infinity),
    settled,
    async close() {
      closed = true;
      clearTimeout(timer);
      watcher?.close();
      await working?.done;
    },
  };
}

function* batches(paths: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < paths.length; start += BATCH) yield paths.slice(start, start + BATCH);
}

async function statOf(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
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

function idTaken(file: ArticleFile, owner: string): RefusedFile {
  const problems = [{ field: 'id', value: file.id, rule: `is the id of articles/${owner} already` }];
  return { ...file, problems: placed(problems, file.raw) };
}

function submissionOf({ raw: { record, dateIsOptional }, modified, path, signature, media }: ArticleFile): Submission {
  const source = { path, signature, media };
  return dateIsOptional ? { record, source, publishedAt: rfc3339(modified) } : { record, source };
}

function placed(problems: readonly Problem[], { locate }: RawRecord): Problem[] {
  return problems.map((problem) => ({ ...problem, ...locate(problem.field) }));
}
