import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { storeFile } from '../../src/service/data-folder.ts';
import { childEnvironment, dataFolder, PUBLICATION, put, record } from '../helpers.ts';
import { FORMATS, keyFor } from '../http/api.ts';

const MAIN = join(import.meta.dirname, '../../src/start.js');
const HURRIED = join(import.meta.dirname, 'hurried-workers.ts');

let compileCache: string;
beforeAll(async () => {
  compileCache = await mkdtemp(join(tmpdir(), 'feed-publisher-compiled-'));
});
afterAll(() => rm(compileCache, { recursive: true, force: true, maxRetries: 5 })); // it is written to when one ends

interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** The program with these arguments. */
function program(folder: string, args: readonly string[]) {
  return started(folder, [MAIN, '--data', folder, '--host', '127.0.0.1', ...args]);
}

/** A script of Node, which leads a group of processes as under a terminal. */
function started(folder: string, args: readonly string[], temporary = folder) {
  const env = childEnvironment({
    NODE_COMPILE_CACHE: compileCache,
    TMPDIR: temporary,
    LOG_LEVEL: 'error',
    METRICS_PORT: 'off',
  });
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    said.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said.err += chunk;
  });
  const finished = once(child, 'close').then(
    (): Finished => ({ code: child.exitCode, signal: child.signalCode, ...said }),
  );
  return { child, said, finished };
}

/** The service with workers, once it says where it is. */
async function startWorkers(folder: string, workers = 2, more: readonly string[] = []) {
  const { key } = await keyFor(folder);
  return serving(folder, key, program(folder, ['--port', '0', '--workers', String(workers), ...more]));
}

async function serving(folder: string, key: string, { child, said, finished }: ReturnType<typeof started>) {
  await until(() => said.out.includes('\n') || child.exitCode !== null);
  const port = Number(/:(\d+)\/feeds/.exec(said.out)?.[1]);
  if (Number.isNaN(port)) throw new Error(`it ended: ${said.out}${said.err}`);
  return { folder, key, child, said, finished, port, connect: () => connectionTo(port, key) };
}

/** What the lines of a log say. */
function messagesOf(log: string): string[] {
  return log.split('\n').flatMap((line) => (line === '' ? [] : [String(JSON.parse(line).msg)]));
}

/** Waits until something is so; the test's own time limit is the end of patience. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(10);
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

type Connection = ReturnType<typeof connectionTo>;

/** One connection, so one process that answers, for as long as it is open. */
function connectionTo(port: number, key: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const used = new Set<Socket>();
  const begin = (path: string, { method = 'GET', headers = {} }: Question = {}) => {
    const all = { Authorization: `Bearer ${key}`, ...headers };
    const asked = request({ host: '127.0.0.1', port, path, method, headers: all, agent });
    asked.once('socket', (socket) => used.add(socket));
    return asked;
  };
  return {
    begin,
    isOpen: () => [...used].some(({ destroyed }) => !destroyed),
    /** How many there were, one after the other. */
    sockets: () => used.size,
    ask: (path: string, question: Question = {}) =>
      new Promise<Answer>((resolve, reject) => {
        const asked = begin(path, question).on('error', reject);
        asked.once('response', (response) => whole(response).then(resolve, reject));
        asked.end(question.body);
      }),
  };
}

async function whole(response: IncomingMessage): Promise<Answer> {
  const body = Buffer.concat(await response.toArray());
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

/** The lines of an answer as they come. */
async function* linesOf(asked: ClientRequest): AsyncGenerator<string, undefined> {
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  yield* createInterface({ input: answer });
  return undefined;
}

function manyTo({ connect }: { readonly connect: () => Connection }, count = 12): Connection[] {
  return Array.from({ length: count }, connect);
}

/** What all of them are answered, once for each different answer. */
async function answersOf(
  connections: readonly Connection[],
  path: string,
  question: Question = {},
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }[]> {
  const answers = await Promise.all(connections.map(({ ask }) => ask(path, question)));
  const told = answers.map(({ status, headers: { date: _, ...headers }, body }) =>
    JSON.stringify({ status, headers, body: body.toString('latin1') }),
  );
  return [...new Set(told)].map((text) => JSON.parse(text));
}

interface Process {
  readonly pid: number;
  readonly role: string;
}

/** The processes that another has started, from Linux's list of all. */
function workersOf({ pid: parent }: ChildProcess): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [, state, ppid] = /\) (\w) (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
        if (Number(ppid) !== parent || state === 'Z') return [];
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return [{ pid: Number(pid), role: command.at(-2) ?? '' }];
      } catch {
        return []; // it has ended meanwhile
      }
    });
}

function kill(service: { readonly child: ChildProcess }, role: string): number {
  const [worker] = workersOf(service.child).filter((other) => other.role === role);
  if (worker === undefined) throw new Error(`there is no ${role}`);
  process.kill(worker.pid, 'SIGKILL');
  return worker.pid;
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

const empty = () => dataFolder({ 'articles/.keep': '', 'media/.keep': '' });
const A = '/api/articles/a';
const putting = (fields: Readonly<Record<string, unknown>>, headers = {}) => ({
  method: 'PUT',
  body: JSON.stringify(record(fields)),
  headers,
});

test.each([
  [1, []],
  [2, ['reader', 'writer']],
  [4, ['reader', 'reader', 'reader', 'writer']],
])('of %i, these are started', async (workers, roles) => {
  const { child, finished } = await startWorkers(await empty(), workers);
  const started = workersOf(child).map(({ role }) => role);
  child.kill('SIGTERM');

  expect(started.sort()).toEqual(roles);
  expect(await finished).toMatchObject({ code: 0, err: '' });
});

describe('all processes', () => {
  test('answer with the same bytes, tags and dates, before and at once after every change', async () => {
    const folder = await dataFolder({
      'articles/f.json': JSON.stringify(record({ id: 'f', title: 'File' })),
      'media/.keep': '',
    });
    const service = await startWorkers(folder, 3);
    const connections = manyTo(service);
    const documents = FORMATS.map((format) => `/feeds/latest.${format}`);
    const tags = new Set<string>();
    const changes: [string, Question][] = [
      ['/api/articles/a', putting({ title: 'First' })],
      ['/api/articles/b', putting({ id: 'b' })],
      ['/api/articles/a', putting({ title: 'Corrected' })],
      ['/api/articles/b?reason=Wrong', { method: 'DELETE' }],
      ['/api/articles', { method: 'POST', body: ['c', 'd'].map((id) => JSON.stringify(record({ id }))).join('\n') }],
    ];
    for (const [index, [path, change]] of changes.entries()) {
      for (const document of documents) await answersOf(connections, document); // now it is at hand everywhere
      const { status } = (await connections[index]?.ask(path, change)) ?? {};
      expect([200, 201]).toContain(status);
      for (const document of documents) {
        const shown = await Promise.all(connections.map(async ({ ask }) => (await ask(document)).headers.etag));
        expect([...new Set(shown)]).toEqual([expect.any(String)]);
        tags.add(`${document} ${shown[0]}`);
      }
    }

    expect(tags.size).toBe(changes.length * documents.length);

    // Last-Modified is not said before its second has come, which of two changes in one second is the next but one.
    await sleep(2000);
    for (const coding of ['identity', 'br', 'gzip', 'zstd']) {
      for (const document of documents) {
        const answers = await answersOf(connections, document, { headers: { 'Accept-Encoding': coding } });
        expect(answers).toEqual([expect.objectContaining({ status: 200 })]);
        const headers = { 'Accept-Encoding': coding, 'If-None-Match': answers[0]?.headers.etag ?? '' };
        expect(await answersOf(connections, document, { headers })).toEqual([expect.objectContaining({ status: 304 })]);
      }
    }

    await put(folder, 'articles/f.json', JSON.stringify(record({ id: 'f', title: 'File again' })));
    const shows = async (connection: Connection | undefined) =>
      (await connection?.ask('/feeds/latest.json'))?.body.includes('File again') ?? false;
    await until(() => shows(connections[0]));
    expect(await Promise.all(connections.map(shows))).toEqual(connections.map(() => true));
  });

  test('lose none of the changes that come to them at once', async () => {
    const service = await startWorkers(await empty());
    const connections = manyTo(service, 8);
    await connections[0]?.ask(A, putting({ title: '0' }));
    let conflicts = 0;
    const addOne = async ({ ask }: Connection): Promise<void> => {
      for (;;) {
        const before = await ask(A);
        const title = String(JSON.parse(before.body.toString()).record.title);
        const headers = { 'If-Match': before.headers.etag ?? '' };
        const { status } = await ask(A, putting({ title: String(Number(title) + 1) }, headers));
        if (status === 200) return;
        expect(status).toBe(412);
        conflicts += 1;
      }
    };
    await Promise.all(
      connections.map(async (connection) => {
        for (let count = 0; count < 10; count += 1) await addOne(connection);
      }),
    );
    const { headers, body } = (await connections[0]?.ask(A)) ?? {};

    expect([headers?.etag, JSON.parse(String(body)).record.title]).toEqual(['"81"', '80']);
    expect(conflicts).toBeGreaterThan(0);
  });
});

describe('a process that is killed', () => {
  const MOST_CHANGES = 5000;

  /** Changes until it is told to stop: what was acknowledged, and with what others were answered. */
  function changing(service: Awaited<ReturnType<typeof startWorkers>>, name: string) {
    const acknowledged: string[] = [];
    const others: unknown[] = [];
    let stopped = false;
    const done = (async () => {
      for (let number = 0; !stopped && number < MOST_CHANGES; number += 1) {
        const id = `${name}${number}`;
        try {
          const { status, headers } = await service.connect().ask(`/api/articles/${id}`, putting({ id }));
          if (status === 201) acknowledged.push(id);
          else others.push([status, headers['retry-after']]);
        } catch (error) {
          others.push(error instanceof Error && 'code' in error ? error.code : error);
        }
      }
    })();
    const stop = () => {
      stopped = true;
      return done;
    };
    onTestFinished(stop);
    return { acknowledged, others, stop };
  }

  async function idsIn(service: Awaited<ReturnType<typeof startWorkers>>): Promise<Set<string>> {
    const ids = new Set<string>();
    for (let cursor: string | undefined = '0'; cursor !== undefined; ) {
      const { body } = await service.connect().ask(`/api/articles?limit=500&cursor=${cursor}`);
      const page = JSON.parse(body.toString());
      for (const { id } of page.articles) ids.add(id);
      cursor = page.cursor;
    }
    return ids;
  }

  test.each([
    ['reader', ['"ECONNRESET"', '"EPIPE"']],
    ['writer', ['"ECONNRESET"', '"EPIPE"', '[503,"2"]']],
  ])('a %s, is started again as the same, and no change that was acknowledged is lost', async (role, mayBeAnswered) => {
    const folder = await empty();
    const service = await startWorkers(folder);
    const loads = ['x', 'y', 'z'].map((name) => changing(service, name));
    await until(() => loads.every(({ acknowledged }) => acknowledged.length > 3));
    await put(folder, 'publication.yaml', PUBLICATION.replace('The Test Post', 'Another'));
    const killed = kill(service, role);
    await until(() => workersOf(service.child).some((worker) => worker.role === role && worker.pid !== killed));
    const before = loads.map(({ acknowledged }) => acknowledged.length);
    await until(() => loads.every(({ acknowledged }, index) => acknowledged.length > (before[index] ?? 0) + 3));
    await Promise.all(loads.map(({ stop }) => stop()));

    const ids = await idsIn(service);
    expect(loads.flatMap(({ acknowledged }) => acknowledged).filter((id) => !ids.has(id))).toEqual([]);
    const others = loads.flatMap((load) => load.others.map((other) => JSON.stringify(other)));
    expect(others.filter((other) => !mayBeAnswered.includes(other))).toEqual([]);
    expect(messagesOf(service.said.err).filter((message) => message.startsWith('The '))).toEqual([
      `The ${role} process ${killed} of the service ended by SIGKILL.`,
    ]);
    expect(service.said.out.match(/\n/g)).toHaveLength(1);

    // Who started later says what the others say, though publication.yaml was changed; Last-Modified when its second has come.
    await sleep(1000);
    const answers = await answersOf(manyTo(service, 24), '/feeds/latest.json');
    expect(answers).toEqual([expect.objectContaining({ status: 200 })]);
    expect(answers[0]?.body.slice(0, 200)).toContain('"title":"The Test Post"');
  });

  test('the writer, leaves the others’ connections: 20,000 records are handed over to the next, and answered as they come', async () => {
    const service = await startWorkers(await empty());
    // The system deals them out by lot: of so many, each process has some.
    const connections = manyTo(service, 24);
    await answersOf(connections, '/feeds/latest.rss');
    const killed = kill(service, 'writer');
    await until(() => workersOf(service.child).some(({ pid, role }) => role === 'writer' && pid !== killed));
    const [held, ...others] = connections.filter(({ isOpen }) => isOpen());
    if (held === undefined) throw new Error('all connections were the writer’s');
    expect(others.length).toBeLessThan(connections.length - 1);
    await until(async () => (await held.ask(A, putting({}))).status === 201);

    const asked = held.begin('/api/articles', { method: 'POST' });
    const answers = linesOf(asked);
    const records = Array.from({ length: 1000 }, (_, index) => JSON.stringify(record({ id: `n${index}` })));
    const numbers: number[] = [];
    while (numbers.length < 20_000) {
      asked.write(`${records.join('\n')}\n`);
      // Nothing more is sent before what was has its answers.
      for (const _ of records) numbers.push(JSON.parse((await answers.next()).value ?? '').line);
    }
    asked.end();

    expect(await answers.next()).toEqual({ done: true, value: undefined });
    expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, index) => index + 1));
    expect(held.sockets()).toBe(1);
  });

  test('with all others at the same time: the service is back at the same port', async () => {
    const service = await startWorkers(await empty());
    const before = workersOf(service.child).map(({ pid }) => pid);
    for (const pid of before) process.kill(pid, 'SIGKILL');
    const answered = async () =>
      (
        await service
          .connect()
          .ask('/feeds/latest.rss')
          .catch(() => undefined)
      )?.status === 200;
    await until(
      () => workersOf(service.child).length === 2 && workersOf(service.child).every(({ pid }) => !before.includes(pid)),
    );
    await until(answered);

    expect(await answered()).toBe(true);
  });

  test('with four others at the same time, is started again as they are: none of them dies again and again', async () => {
    const service = await startWorkers(await empty(), 6);
    const before = workersOf(service.child);
    const [writer] = before.filter(({ role }) => role === 'writer');
    const readers = before.filter(({ role }) => role === 'reader').map(({ pid }) => pid);
    for (const pid of readers) process.kill(pid, 'SIGKILL');
    const isBack = () => workersOf(service.child).filter(({ pid }) => !readers.includes(pid)).length === 6;
    await until(() => isBack() || service.child.exitCode !== null);

    expect(readers).toHaveLength(5);
    expect(workersOf(service.child)).toContainEqual(writer);
    expect(messagesOf(service.said.err).sort()).toEqual(
      readers.map((pid) => `The reader process ${pid} of the service ended by SIGKILL.`).sort(),
    );
  });

  test('five times within a minute ends the service with exit code 1 and says so', async () => {
    const service = await startWorkers(await empty());
    const seen = new Set<number>();
    while (seen.size < 5) {
      await until(() => workersOf(service.child).some(({ pid, role }) => role === 'reader' && !seen.has(pid)));
      seen.add(kill(service, 'reader'));
    }
    const { code, err } = await service.finished;

    expect([code, messagesOf(err)]).toEqual([
      1,
      [
        ...[...seen].map((pid) => `The reader process ${pid} of the service ended by SIGKILL.`),
        'One process of the service ended 5 times within a minute: it stops.',
      ],
    ]);
  });
});

test('a process that hangs is killed and started again; the writer is waited for, and nobody is when all were stopped', async () => {
  const folder = await empty();
  const { key } = await keyFor(folder);
  const watch = { every: 100, patience: { reader: 2000, writer: 60_000 } };
  const service = await serving(folder, key, started(folder, [HURRIED, folder, JSON.stringify(watch)]));
  const before = workersOf(service.child);
  const [reader = 0, writer = 0] = ['reader', 'writer'].map(
    (role) => before.find((worker) => worker.role === role)?.pid,
  );
  const group = -(service.child.pid ?? 0);
  process.kill(group, 'SIGSTOP');
  await sleep(2500);
  process.kill(group, 'SIGCONT');
  await answersOf(manyTo(service, 24), '/feeds/latest.rss');
  await sleep(500);
  expect([workersOf(service.child), service.said.err]).toEqual([before, '']);

  for (const pid of [reader, writer]) process.kill(pid, 'SIGSTOP');
  await until(() => workersOf(service.child).some(({ pid, role }) => role === 'reader' && pid !== reader));
  process.kill(writer, 'SIGCONT');
  const answers = await answersOf(manyTo(service, 24), '/feeds/latest.rss');

  expect(answers).toEqual([expect.objectContaining({ status: 200 })]);
  expect(workersOf(service.child)).toContainEqual({ pid: writer, role: 'writer' });
  expect(messagesOf(service.said.err)).toEqual([
    `The reader process ${reader} of the service said nothing for 2 s: it is killed.`,
    `The reader process ${reader} of the service ended by SIGKILL.`,
  ]);
});

describe('the end', () => {
  test.each([
    ['SIGTERM to the one that was started', 'SIGTERM', 1],
    ['SIGINT to all of them, as from a terminal', 'SIGINT', -1],
  ] as const)('%s: what is under way is finished, nothing is left, exit code 0', async (_, signal, sign) => {
    const folder = await empty();
    const service = await startWorkers(folder);
    const pids = workersOf(service.child).map(({ pid }) => pid);
    // Many at once, so that each process has some under way, and readers have handed some over.
    const under = manyTo(service, 8).map((connection, index) => {
      const asked = connection.begin('/api/articles', { method: 'POST', headers: { Connection: 'close' } });
      asked.write(`${JSON.stringify(record({ id: `begun${index}` }))}\n`);
      return { asked, answer: once(asked, 'response').then(([response]) => response as IncomingMessage) };
    });
    await Promise.all(under.map(({ answer }) => answer));
    process.kill(sign * (service.child.pid ?? 0), signal);
    const refused = () =>
      service
        .connect()
        .ask('/feeds/latest.rss')
        .then(
          () => false,
          () => true,
        );
    await until(refused);
    const answers: Answer[] = [];
    // One after the other, so that there are readers that still have some when the writer has none of its own.
    for (const [index, { asked, answer }] of under.entries()) {
      asked.end(JSON.stringify(record({ id: `ended${index}` })));
      answers.push(await whole(await answer));
    }
    const { code, out, err } = await service.finished;

    expect(answers.map(({ body }) => body.toString().match(/"created"/g)?.length)).toEqual(under.map(() => 2));
    expect([code, out.match(/\n/g)?.length, err]).toEqual([0, 1, '']);
    expect([pids.length, pids.filter(isAlive)]).toEqual([2, []]);
    expect(readdirSync(folder).filter((name) => name.startsWith('feed-publisher-'))).toEqual([]);
  });

  test.each([
    ['a second signal', ['SIGTERM', 'SIGTERM'], [143, null]],
    ['the death of the one that was started', ['SIGKILL'], [null, 'SIGKILL']],
  ] as const)('%s ends all at once', async (_, signals, ending) => {
    const folder = await empty();
    const service = await startWorkers(folder);
    const pids = workersOf(service.child).map(({ pid }) => pid);
    const asked = service.connect().begin('/api/articles', { method: 'POST' });
    asked.on('error', () => {}); // it is never answered to its end
    asked.write(`${JSON.stringify(record())}\n`);
    await once(asked, 'response');
    for (const signal of signals) {
      service.child.kill(signal);
      await sleep(200); // two signals at once are one
    }
    const { code, signal } = await service.finished;
    await until(() => !pids.some(isAlive));

    expect([code, signal]).toEqual(ending);
    expect(readdirSync(folder).filter((name) => name.startsWith('feed-publisher-'))).toEqual([]);
  });
});

describe('what stops a start is told once, as without workers, with exit code 1', () => {
  test.each<[string, (folder: string) => Promise<readonly string[]>]>([
    [
      'a port that is taken',
      async () => {
        const taken = createServer().listen(0, '127.0.0.1');
        await once(taken, 'listening');
        onTestFinished(() => void taken.close());
        const address = taken.address();
        return ['--port', String(typeof address === 'object' ? address?.port : '')];
      },
    ],
    [
      'a publication.yaml that is wrong',
      async (folder) => {
        await put(folder, 'publication.yaml', `${PUBLICATION}colour: red\n`);
        return ['--port', '0'];
      },
    ],
    [
      'a store that is too new',
      async (folder) => {
        await keyFor(folder);
        const db = new DatabaseSync(storeFile(folder));
        db.exec('PRAGMA user_version = 1000');
        db.close();
        return ['--port', '0'];
      },
    ],
  ])('%s', async (_, prepare) => {
    const folder = await empty();
    const args = await prepare(folder);
    const alone = await program(folder, args).finished;
    const shared = await program(folder, [...args, '--workers', '3']).finished;
    const untold = (text: string) => text.replaceAll(/\b(?:listen|bind) EADDRINUSE.*/g, 'EADDRINUSE');

    expect({ ...shared, err: untold(shared.err) }).toEqual({ ...alone, err: untold(alone.err) });
    expect([shared.code, shared.out]).toEqual([1, '']);
    expect(shared.err).not.toContain('    at ');
    expect(readdirSync(folder).filter((name) => name.startsWith('feed-publisher-'))).toEqual([]);
  });
});

test('a folder for temporary files whose name is too long for a socket is told in a line, with a way out', async () => {
  const folder = await empty();
  const temporary = join(folder, 'long'.repeat(30));
  await mkdir(temporary);
  const args = [MAIN, '--data', folder, '--host', '127.0.0.1', '--port', '0', '--workers', '2'];
  const { code, out, err } = await started(folder, args, temporary).finished;

  expect([code, out]).toEqual([1, '']);
  expect(err.replace(/\S+\/writer/, 'SOCKET')).toBe(
    [
      'The socket SOCKET cannot be listened on.',
      'A socket’s path is a hundred bytes long at most: set TMPDIR to a folder with a shorter name.\n',
    ].join('\n'),
  );
  expect(readdirSync(temporary)).toEqual([]);
});

describe('metrics', () => {
  const ANSWERS = 'feed_publisher_requests_total{route="/feeds/*",method="GET",status="200"}';
  const DURATIONS = 'feed_publisher_request_duration_seconds_count{route="/feeds/*"}';
  const KEPT = 'feed_publisher_kept_documents';

  async function measured(workers: number) {
    const metricsPort = await freePort();
    const service = await startWorkers(await empty(), workers, ['--metrics-port', String(metricsPort)]);
    const scrape = async () => {
      const { body } = await connectionTo(metricsPort, service.key).ask('/metrics');
      const lines = body.toString().split('\n');
      return new Map(lines.map((line) => line.split(' ') as [string, string]));
    };
    return { service, scrape };
  }

  test('are those of all of them', async () => {
    const { service, scrape } = await measured(2);
    await answersOf(manyTo(service, 24), '/feeds/latest.rss');
    const values = await scrape();

    expect(values.get(ANSWERS)).toBe('24');
    expect(values.get('feed_publisher_build_info{version="0.1.0"}')).toBe('1');
  });

  test('never fall: of one that does not answer, and of one that died, stands what it told last', async () => {
    const { service, scrape } = await measured(2);
    await answersOf(manyTo(service, 24), '/feeds/latest.rss');
    const told = async () => {
      const values = await scrape();
      return [ANSWERS, DURATIONS, KEPT].map((name) => values.get(name));
    };
    await until(async () => (await told())[0] === '24'); // an answer is counted after its last byte came
    const all = await told();
    const [reader] = workersOf(service.child).filter(({ role }) => role === 'reader');
    process.kill(reader?.pid ?? 0, 'SIGSTOP');
    const withoutAnswer = await told();
    process.kill(reader?.pid ?? 0, 'SIGKILL');
    await until(() => workersOf(service.child).filter(({ pid }) => pid !== reader?.pid).length === 2);
    const afterDeath = [await told(), await told()];

    expect([all, withoutAnswer]).toEqual([
      ['24', '24', '2'],
      ['24', '24', '2'],
    ]);
    // What it kept in memory is gone with it.
    expect(afterDeath).toEqual([
      ['24', '24', '1'],
      ['24', '24', '1'],
    ]);
  });
});

test('the operator hears that the service is ready while one of them is', async () => {
  const metricsPort = await freePort();
  const service = await startWorkers(await empty(), 2, ['--metrics-port', String(metricsPort)]);
  const pids = workersOf(service.child).map(({ pid }) => pid);
  const ready = async () => {
    const { status, body } = await connectionTo(metricsPort, service.key).ask('/readyz');
    return [status, status === 200 ? body.toString() : JSON.parse(body.toString()).title];
  };
  const heard = [await ready()];
  for (const pid of pids) {
    process.kill(pid, 'SIGSTOP');
    heard.push(await ready());
  }
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  heard.push(await ready());
  const db = new DatabaseSync(storeFile(service.folder));
  db.exec('ALTER TABLE revision RENAME TO elsewhere');
  db.close();
  heard.push(await ready());

  expect(heard).toEqual([
    [200, 'ready'],
    [200, 'ready'],
    [503, 'No process of the service answers.'],
    [200, 'ready'],
    [503, 'The store cannot be read: no such table: revision'],
  ]);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
