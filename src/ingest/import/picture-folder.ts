import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PublisherError } from '../../errors.ts';
import { isSystemError, systemReason } from '../../lib/system-reason.ts';
import { download, MiB, mayPass } from './download.ts';
import type { OnNote } from './item.ts';
import { pictureType } from './picture-type.ts';

/** Limits on the pictures that one import copies. */
export interface PictureLimits {
  /** Most megabytes of one picture. */
  readonly maxMegabytes: number;
  /** Most pictures that are downloaded. Pictures that are there already do not count. */
  readonly maxCount: number;
}

/** Counts of pictures by result. */
export interface PictureCounts {
  readonly copied: number;
  /** Copied by an earlier import. */
  readonly kept: number;
  /** Not copied, so that stories keep the old addresses. */
  readonly failed: number;
  /** Only in a dry run: those that an import would download. */
  readonly missing?: number;
}

/** Copies of pictures below the media folder. */
export interface PictureFolder {
  /**
   * Returns the path of a picture's copy, such as `/media/imported/NAME.jpg`; undefined if it cannot be copied.
   *
   * @param mayBePrivate whether the picture may be in a private network, because its story is from one
   */
  readonly copy: (address: string, mayBePrivate: boolean) => Promise<string | undefined>;
  readonly counts: () => PictureCounts;
  /** Whether a later import may copy a picture that this one has not copied. */
  readonly isWorthRetrying: () => boolean;
}

interface PictureFolderParts {
  readonly mediaFolder: string;
  readonly limits: PictureLimits;
  readonly onNote: OnNote;
  /** Ends all downloads. Pictures that are not copied until then keep their addresses. */
  readonly signal?: AbortSignal | undefined;
  /** Whether all pictures may be in private networks; no by default. */
  readonly allowPrivate?: boolean;
  /** Finds the copies of earlier imports, and writes nothing. */
  readonly dryRun?: boolean;
}

/** Below the media folder. */
const FOLDER = 'imported';
/** Downloads at once. A picture server of a newsroom that moves may be small. */
const AT_ONCE = 4;
/** Failures in a row after which a server is asked no more. */
const MAX_FAILURES = 20;
/** Pictures that are remembered, so that memory is bounded. Others are looked up again. */
const MAX_KNOWN = 200_000;
/** Milliseconds after which the temporary file of a killed import is removed. */
const STALE = 60 * 60 * 1000;

/**
 * Opens the folder of copied pictures. A copy has a name that is made of the address, so that an interrupted import goes on
 * where it stopped, and a second import copies nothing twice. No file is ever overwritten.
 */
export async function openPictureFolder(parts: PictureFolderParts): Promise<PictureFolder> {
  const folder = join(parts.mediaFolder, FOLDER);
  const earlier = await namesIn(folder);
  if (parts.dryRun !== true) await removeStale(folder);
  const limited = limiter(AT_ONCE);
  const servers = createServers();
  const pending = new Map<string, Promise<string | undefined>>();
  /** Names of the copies that this import uses, by their keys and whether they may be private; undefined for a picture that cannot be copied. */
  const known = new Map<string, string | undefined>();
  const counts = { copied: 0, kept: 0, failed: 0, ...(parts.dryRun === true ? { missing: 0 } : {}) };
  let started = 0;
  let isWorthRetrying = false;

  async function nameFor(address: string, key: string, mayBePrivate: boolean): Promise<string | undefined> {
    const kept = earlier.get(key);
    if (kept !== undefined) {
      counts.kept += 1;
      return kept;
    }
    if (counts.missing !== undefined) {
      counts.missing += 1;
      return undefined;
    }
    if (started === parts.limits.maxCount) {
      parts.onNote(limitNote(parts.limits));
      isWorthRetrying = true;
    }
    started += 1;
    const name = started > parts.limits.maxCount ? undefined : await limited(() => copyTo(key, address, mayBePrivate));
    counts[name === undefined ? 'failed' : 'copied'] += 1;
    return name;
  }

  async function copyTo(key: string, address: string, mayBePrivate: boolean): Promise<string | undefined> {
    const { host } = new URL(address);
    if (parts.signal?.aborted || !servers.mayBeAsked(host)) return undefined;
    try {
      const bytes = await pictureAt(address, parts, mayBePrivate);
      servers.succeeded(host);
      const name = `${key}.${endingOf(bytes)}`;
      await writeNew(folder, name, bytes);
      return name;
    } catch (error) {
      if (parts.signal?.aborted) return undefined; // the story is saved, and the next import goes on
      if (isSystemError(error) || (error instanceof PublisherError && mayPass(error))) isWorthRetrying = true;
      parts.onNote(`${address} was not copied: ${reasonOf(error, parts.limits)}`);
      const isOfNetwork = error instanceof PublisherError && error.cause !== undefined;
      if (isOfNetwork && servers.failed(host))
        parts.onNote(`${MAX_FAILURES} downloads from ${host} failed in a row: no more pictures are copied from there.`);
      return undefined;
    }
  }

  async function knownName(address: string, mayBePrivate: boolean): Promise<string | undefined> {
    const key = keyOf(address);
    const question = `${key} ${mayBePrivate}`;
    if (known.has(question)) return known.get(question);
    const search = pending.get(question) ?? nameFor(address, key, mayBePrivate).finally(() => pending.delete(question));
    pending.set(question, search);
    const name = await search;
    if (known.size < MAX_KNOWN) known.set(question, name);
    return name;
  }

  return {
    async copy(address, mayBePrivate) {
      const name = await knownName(address, mayBePrivate);
      return name === undefined ? undefined : `/media/${FOLDER}/${name}`;
    },
    counts: () => ({ ...counts }),
    isWorthRetrying: () => isWorthRetrying,
  };
}

function limitNote({ maxCount }: PictureLimits): string {
  return `${maxCount} pictures were copied, the limit of one import: the others keep their addresses. Import again to go on.`;
}

/** The part of a copy's name that is made of its address: readable, and different for every address. */
function keyOf(address: string): string {
  const last = new URL(address).pathname.split('/').at(-1) ?? '';
  const readable = last
    .replace(/\.\w{1,5}$/, '')
    .replace(/%[\da-f]{2}|[^a-z\d]+/gi, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60)
    .toLowerCase();
  const digest = hash('sha256', address).slice(0, 20);
  return readable === '' ? digest : `${readable}-${digest}`;
}

/** Removes what a killed import left. */
async function removeStale(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((name) => name.startsWith('.') && name.endsWith('.part'))) {
    const file = join(folder, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > STALE) await rm(file, { force: true });
  }
}

/** Returns the names of the copies by their keys. */
async function namesIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(folder).catch(() => []);
  const copies = names.filter((name) => !name.startsWith('.'));
  return new Map(copies.map((name) => [name.replace(/\.\w+$/, ''), name]));
}

/** @throws PublisherError `unreachable_source`, `too_large` */
async function pictureAt(
  address: string,
  { limits, signal, allowPrivate = false }: PictureFolderParts,
  mayBePrivate: boolean,
): Promise<Buffer> {
  const limit = limits.maxMegabytes * MiB;
  const picture = await download(address, { accept: 'image/*', limit, signal, allowPrivate, mayBePrivate });
  if (picture === undefined) throw new Error('the server answered without a picture');
  return picture.bytes;
}

class NoPicture extends Error {}

/** Returns the ending for the type of the content, whatever the address and the server call it. */
function endingOf(bytes: Buffer): string {
  const type = pictureType(bytes);
  if (type === undefined) throw new NoPicture('its content is not a picture');
  if ('ending' in type) return type.ending;
  throw new NoPicture(`it is of the type ${type.unshown}, which feed readers do not show`);
}

/** Writes a whole file under a name that no file has. If another import has just written it, that file stays. */
async function writeNew(folder: string, name: string, bytes: Buffer): Promise<void> {
  await mkdir(folder, { recursive: true });
  const part = join(folder, `.${name}.${process.pid}.part`);
  const file = join(folder, name);
  try {
    await writeFile(part, bytes, { flush: true });
    await link(part, file).catch((error: unknown) => {
      if (isCode(error, 'EEXIST')) return;
      return copyFile(part, file, constants.COPYFILE_EXCL); // a file system without hard links
    });
  } finally {
    await rm(part, { force: true });
  }
}

function isCode(error: unknown, code: string): boolean {
  return isSystemError(error) && error.code === code;
}

function reasonOf(error: unknown, { maxMegabytes }: PictureLimits): string {
  if (error instanceof NoPicture) return `${error.message}.`;
  if (!(error instanceof PublisherError)) return `${systemReason(error)}.`;
  return error.code === 'too_large' ? `it is larger than ${maxMegabytes} MB.` : (error.hint ?? error.message);
}

/** Runs at most so many pieces of work at once. */
function limiter(most: number) {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running >= most) await new Promise<void>((resolve) => void waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

/** Remembers which servers fail, so that an import does not wait for each of ten thousand pictures of a dead one. */
function createServers() {
  const failures = new Map<string, number>();
  return {
    mayBeAsked: (host: string) => (failures.get(host) ?? 0) < MAX_FAILURES,
    succeeded: (host: string) => void failures.delete(host),
    /** Returns whether this failure was the last that counts. */
    failed(host: string): boolean {
      const count = (failures.get(host) ?? 0) + 1;
      failures.set(host, count);
      return count === MAX_FAILURES;
    },
  };
}
