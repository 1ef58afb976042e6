import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { type Article, parseArticle } from '../src/article/article.ts';
import type { Newsroom } from '../src/article/newsroom.ts';
import { describeProblem, type Problem } from '../src/errors.ts';
import { omitUndefined } from '../src/lib/omit-undefined.ts';
import { openDataFolder } from '../src/service/data-folder.ts';
import { serve } from '../src/service/serve.ts';
import type { ServeOptions, ServiceProcess } from '../src/service/service-process.ts';
import { type OpenLog, openLog } from '../src/telemetry/log.ts';

/** A newsroom without files of its own. */
export const newsroom: Newsroom = {
  url: 'https://news.example/',
  feedsUrl: 'https://feeds.news.example/',
  language: 'en',
  mediaFolder: '/dev/null',
};

type Fields = Readonly<Record<string, unknown>>;

/** The smallest record that can be published, with the fields that matter to a test. */
export function record(fields: Fields = {}): Fields {
  return {
    id: 'a',
    url: 'https://news.example/a',
    title: 'A title',
    body: '<p>A body.</p>',
    publishedAt: '2026-11-20T10:00:00Z',
    ...fields,
  };
}

export function article(fields: Fields = {}): Article {
  return parseArticle(record(fields), newsroom);
}

/** A record whose story links to these files below media/: the service serves no others. */
export function linking(...names: readonly string[]): string {
  const links = names.map((name) => `<a href="/media/${encodeURI(name)}">A file</a>`);
  return JSON.stringify(record({ id: 'files', body: `<p>${links.join(' ')}</p>` }));
}

export const PUBLICATION = `title: The Test Post
url: https://news.example/
feedsUrl: https://feeds.news.example/
description: News for tests.
language: en
`;

/** Seconds since the last write to a text file: enough that the service does not wait for more of it. */
const WRITTEN_AGO = 2;

/** Makes a data folder with these files, by their paths, and removes it when the test is over. */
export async function dataFolder(files: Readonly<Record<string, string | Uint8Array>> = {}): Promise<string> {
  const folder = await makeFolder(files);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The same, but the caller removes the folder. */
export async function makeFolder(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'feed-publisher-'));
  for (const [path, content] of Object.entries({ 'publication.yaml': PUBLICATION, ...files })) {
    await put(folder, path, content);
    const written = Date.now() / 1000 - WRITTEN_AGO;
    if (/\.(md|txt)$/.test(path)) await utimes(join(folder, path), written, written);
  }
  return folder;
}

/** Writes a file below a folder, and makes the folders between. */
export async function put(folder: string, path: string, content: string | Uint8Array): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** Makes more changes in a folder than the system's queue for a watcher holds, so that the system drops later changes. */
export function overflow(folder: string): void {
  const files = ['.a', '.b'].map((name) => join(folder, name)); // the system merges equal changes in a row
  for (const file of files) writeFileSync(file, '');
  for (let change = 0; change < mostChangesWaiting(); change += 1) utimesSync(files[change % 2] ?? '', 0, 0);
}

function mostChangesWaiting(): number {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
  } catch {
    return 0; // no Linux
  }
}

export interface Running extends ServiceProcess {
  readonly dataFolder: string;
  /** Warnings, errors and problems in the log, in words. */
  readonly lines: readonly string[];
  /** All lines of the log. */
  readonly told: readonly Told[];
}

/** A line of the log. */
export interface Told {
  readonly level: string;
  readonly msg: string;
  readonly file?: string;
  readonly problems?: readonly Problem[];
  readonly [field: string]: unknown;
}

/** The lines of a log without those of changes and refused changes, which name their actor. */
export function withoutChanges(told: readonly Told[]): Told[] {
  return told.filter(({ actor }) => actor === undefined);
}

/** Parses the whole lines of a log. A last line without its end is still on its way. */
export function toldIn(text: string): Told[] {
  const whole = text.split('\n').slice(0, -1);
  return whole.flatMap((line): Told[] => (line === '' ? [] : [JSON.parse(line)]));
}

/** Opens a log for a service in this process, and collects its lines. */
export function listen(): { log: OpenLog; told: Told[]; lines: string[] } {
  const told: Told[] = [];
  const lines: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      for (const line of toldIn(text)) {
        told.push(line);
        lines.push(...complaintsIn(line));
      }
      done();
    },
  });
  return { log: openLog(stream), told, lines };
}

/**
 * The message of a warning or an error, or each problem of a file in the form of a compiler. Requests do not count, nor do
 * changes and refused changes, which name their actor.
 */
function complaintsIn({ level, msg, file, actor, problems = [] }: Told): string[] {
  if (level === 'info' || msg === 'request' || actor !== undefined) return [];
  const described = problems.map((problem) => describeProblem(problem, file));
  return file !== undefined && described.length > 0 ? described : [[msg, ...described].join(' ')];
}

interface StartOptions extends Partial<ServeOptions> {
  readonly feedsUrl?: string;
  /** `:memory:` writes nothing into the folder. */
  readonly storeFile?: string;
}

/** Whether the services of this run may answer by the fast path. FAST_PATH=off says no. */
export const FAST_PATH = process.env.FAST_PATH !== 'off';

/** What a child process inherits of the environment: what the run of the tests sets, and no option of the operator's. */
export function childEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH, TMPDIR, NODE_COMPILE_CACHE, FAST_PATH: fastPath } = process.env;
  return omitUndefined({ PATH, TMPDIR, NODE_COMPILE_CACHE, FAST_PATH: fastPath, ...more });
}

/** Starts the real service on a free port of loopback, and closes it when the test is over. */
export async function start(folder: string, options: StartOptions = {}): Promise<Running> {
  const service = await serving(folder, options);
  onTestFinished(() => service.close());
  return service;
}

/** The same, but the caller closes the service. */
export async function serving(folder: string, { feedsUrl, storeFile, ...options }: StartOptions): Promise<Running> {
  const { log, told, lines } = listen();
  const openedFolder = openDataFolder(folder, { feedsUrl, storeFile });
  const defaults = { host: '127.0.0.1', port: 0, version: '0.0.0', fastPath: FAST_PATH };
  const service = await serve(openedFolder, { ...defaults, log, ...options });
  return { ...service, dataFolder: folder, lines, told };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

interface Question {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
}

/** Asks by `node:http`: unlike `fetch`, it adds no headers, decodes nothing and follows no redirect. */
export function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: Question = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const whole = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole, text: whole.toString() });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** The body of an answer without its content coding. */
export function decoded({ headers, body }: Answer): Buffer {
  switch (headers['content-encoding']) {
    case undefined:
      return body;
    case 'br':
      return brotliDecompressSync(body);
    case 'zstd':
      return zstdDecompressSync(body);
    case 'gzip':
      return gunzipSync(body);
    default:
      throw new Error(`${headers['content-encoding']} is not one of our codings`);
  }
}
