import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Article, parseArticle } from '../../src/article/article.ts';
import { sanitizeBody } from '../../src/article/sanitize.ts';
import { articleText } from '../../src/article/stored.ts';
import { loadPublication } from '../../src/config/publication.ts';
import { ownKeys } from '../../src/feed/feeds.ts';
import { linkTarget } from '../../src/lib/url.ts';
import { newsroomOf } from '../../src/service/data-folder.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { recordOf } from './newsroom.ts';
import { cpuSecondsIn, memoryOf } from './processes.ts';
import { launch } from './service.ts';

/** As `import` keeps them. */
const BATCH = 500;
/** Milliseconds between looks at what the threads of an import have used. */
const LOOK = 100;
/** Records a single thread is measured with. */
const SAMPLE = 10_000;
/** Articles that are made from one parsed one. */
const COPIES = 100;

export interface ImportFigures {
  readonly seconds: number;
  /** CPU seconds by kind of thread: main, workers, V8's own (collecting garbage). */
  readonly cpu: ReadonlyMap<string, number>;
  /** Megabytes at its highest. */
  readonly memory: number;
}

/** The real command on a file of records. */
export async function measureImport(file: string, dataFolder: string): Promise<ImportFigures> {
  const start = performance.now();
  const rejected = join(dataFolder, 'rejected.ndjson');
  const child = launch(['import', file, '--data', dataFolder, '--rejected', rejected]);
  const ended = once(child, 'exit');
  const pid = child.pid ?? 0;
  const threads = new Map<string, { kind: string; seconds: number }>();
  let memory = 0;
  const timer = setInterval(() => {
    for (const thread of threadsOf(pid)) threads.set(thread.id, thread);
    memory = Math.max(memory, highest(pid));
  }, LOOK);
  const [code] = await ended;
  clearInterval(timer);
  if (code !== 0) throw new Error(`import ended with ${code}`);
  const cpu = new Map<string, number>();
  for (const { kind, seconds } of threads.values()) cpu.set(kind, (cpu.get(kind) ?? 0) + seconds);
  return { seconds: (performance.now() - start) / 1000, cpu, memory };
}

const KINDS: Readonly<Record<string, string>> = { 'node-MainThread': 'main', WorkerThread: 'workers' };

function threadsOf(pid: number): { id: string; kind: string; seconds: number }[] {
  const folder = `/proc/${pid}/task`;
  try {
    return readdirSync(folder).map((id) => {
      const stat = readFileSync(join(folder, id, 'stat'), 'utf8');
      const [, name = ''] = /\((.*)\)/.exec(stat) ?? [];
      return { id, kind: KINDS[name] ?? 'others', seconds: cpuSecondsIn(stat) };
    });
  } catch {
    return []; // it has ended
  }
}

function highest(pid: number): number {
  try {
    return memoryOf(pid, 'VmHWM') || 0; // one that is ending has none
  } catch {
    return 0; // it has ended
  }
}

export interface ThreadFigures {
  /** Records a second of CPU time. */
  readonly cleaning: number;
  readonly parsing: number;
}

/** What one thread does of a second's records, with nothing else to do. */
export function measureParsing(dataFolder: string): ThreadFigures {
  const newsroom = newsroomOf(dataFolder, loadPublication(dataFolder));
  const records = Array.from({ length: SAMPLE }, (_, number) => recordOf(number));
  const clean = () => {
    for (const { body, url } of records) sanitizeBody(body, (reference) => linkTarget(reference, url));
  };
  const parse = () => {
    for (const record of records) parseArticle(record, newsroom);
  };
  return { cleaning: SAMPLE / bestOf(clean), parsing: SAMPLE / bestOf(parse) };
}

/** CPU seconds of this thread for some work, the least of three: others run on this machine, too. */
function bestOf(work: () => void): number {
  const rounds = Array.from({ length: 3 }, () => {
    const before = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1e6;
  });
  return Math.min(...rounds);
}

/** Articles a second that an empty store takes when they are there already, in batches as `import` keeps them. */
export async function measureKeeping(dataFolder: string, count: number): Promise<number> {
  const newsroom = newsroomOf(dataFolder, loadPublication(dataFolder));
  const originals = Array.from({ length: Math.ceil(count / COPIES) }, (_, number) => {
    const record = recordOf(number);
    return { article: parseArticle(record, newsroom), record: JSON.stringify(record) };
  });
  const store = openSqliteStore(join(dataFolder, 'keeping.sqlite'));
  let seconds = 0;
  for (let start = 0; start < count; start += BATCH) {
    const changes = Array.from({ length: Math.min(BATCH, count - start) }, (_, offset) => {
      const { article, record } = copied(originals, start + offset);
      return {
        kind: 'put',
        article: articleText(article),
        record,
        feeds: ownKeys(article),
        changedAt: article.publishedAt,
        actor: { kind: 'import', source: 'copies' },
      } as const;
    });
    const before = performance.now();
    await store.apply(changes, Date.now);
    seconds += (performance.now() - before) / 1000;
  }
  await store.close();
  return count / seconds;
}

function copied(originals: readonly { article: Article; record: string }[], number: number) {
  const original = originals[number % originals.length];
  if (original === undefined) throw new Error('there is nothing to copy');
  const id = `copy-${number}`;
  const publishedAt = original.article.publishedAt + Math.floor(number / originals.length) * 1000;
  const article = { ...original.article, id, publicId: `tag:courier.example,2026:${id}`, publishedAt };
  return { article, record: original.record };
}
