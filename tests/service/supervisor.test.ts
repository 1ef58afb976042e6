import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ServiceStatus } from '../../src/pages/service-status.ts';
import { storeFile } from '../../src/service/data-folder.ts';
import { command } from '../commands/terminal.ts';
import { freePort } from '../free-port.ts';
import { childEnvironment, dataFolder, PUBLICATION, put, record, toldIn } from '../helpers.ts';
import { FORMATS, keyFor } from '../http/api.ts';
import { partnerKey } from '../http/partners.ts';
import { sized } from '../soak/sizes.ts';
import { START_FLAGS } from '../start-flags.ts';
import { figuresIn, NEWSROOM, scriptedLoad } from './scripted-load.ts';

const MAIN = join(import.meta.dirname, '../../src/start.js');
const HURRIED = join(import.meta.dirname, 'hurried-workers.ts');

interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** Starts the program with these arguments. */
function program(folder: string, args: readonly string[], logLevel?: string) {
  return started(folder, [MAIN, '--data', folder, '--host', '127.0.0.1', ...args], folder, logLevel);
}

/** Starts a script as the leader of a process group, as a terminal does. */
function started(folder: string, args: readonly string[], temporary = folder, logLevel = 'error') {
  const env = childEnvironment({
    TMPDIR: temporary,
    LOG_LEVEL: logLevel,
    METRICS_PORT: 'off',
  });
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { out: '', err: '' };
  child.stdout?.on('data', (chunk) => {
    said.out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    said.err += chunk;
  });
  const finished = once(child, 'close').then(
    (): Finished => ({ code: child.exitCode, signal: child.signalCode, ...said }),
  );
  return { child, said, finished };
}

/** Starts the service with workers and waits until it serves. */
async function startWorkers(folder: string, workers = 2, more: readonly string[] = [], logLevel?: string) {
  const { key } = await keyFor(folder);
  return serving(folder, key, program(folder, ['--port', '0', '--workers', String(workers), ...more], logLevel));
}

async function serving(folder: string, key: string, { child, said, finished }: ReturnType<typeof started>) {
  await until(() => said.out.includes('\n') || child.exitCode !== null);
  const port = Number(/:(\d+)\/feeds/.exec(said.out)?.[1]);
  if (Number.isNaN(port)) throw new Error(`it ended: ${said.out}${said.err}`);
  return { folder, key, child, said, finished, port, connect: () => connectionTo(port, key) };
}

/** Returns the messages of a log. */
function messagesOf(log: string): string[] {
  return toldIn(log).map(({ msg }) => msg);
}

/** Waits for a condition, up to the time limit of the test. */
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

/** A client with one connection: while it is open, the same process answers. */
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
    /** Returns how many connections the client has used. */
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

/** Yields the lines of an answer as they arrive. */
async function* answerLines(asked: ClientRequest): AsyncGenerator<string, undefined> {
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  yield* createInterface({ input: answer });
  return undefined;
}

function manyTo({ connect }: { readonly connect: () => Connection }, count = 12): Connection[] {
  return Array.from({ length: count }, connect);
}

/** Returns the different answers that all connections get. Their `max-age` counts the seconds down to the next minute. */
async function answersOf(
  connections: readonly Connection[],
  path: string,
  question: Question = {},
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }[]> {
  const answers = await Promise.all(connections.map(({ ask }) => ask(path, question)));
  const texts = answers.map(({ status, headers: { date: _, ...headers }, body }) =>
    JSON.stringify({ status, headers, body: body.toString('latin1') }).replace(/max-age=\d+/, 'max-age=1'),
  );
  return [...new Set(texts)].map((text) => JSON.parse(text));
}

interface Process {
  readonly pid: number;
  readonly role: string;
}

/** Returns the child processes of a process, from /proc. */
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
        return []; // it has just ended
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
  [3, ['reader', 'reader', 'writer']],
])('--workers %i starts %j', async (workers, roles) => {
  const { child, finished } = await startWorkers(await empty(), workers);
  const started = workersOf(child).map(({ role }) => role);
  child.kill('SIGTERM');

  expect(started.sort()).toEqual(roles);
  expect(await finished).toMatchObject({ code: 0, err: '' });
});

test('workers have the flags of Node and V8 of the process that starts them', async () => {
  const folder = await empty();
  const args = [...START_FLAGS, MAIN, '--data', folder, '--host', '127.0.0.1', '--port', '0', '--workers', '2'];
  const { child } = await serving(folder, '', started(folder, args));
  expect(
    workersOf(child)
      .map(({ role }) => role)
      .sort(),
  ).toEqual(['reader', 'writer']);
  const commands = workersOf(child).map(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0'));

  expect(commands.map((command) => command.slice(1, 1 + START_FLAGS.length))).toEqual([START_FLAGS, START_FLAGS]);
});

const REDIRECTS = `redirects:
  - { from: "/old?type=rss", to: latest }
  - { from: "/from/{feed}?x={y}", to: "{feed}" }
`;

describe('all processes', () => {
  test('answer with the same bytes, tags and dates, also right after every change', async () => {
    const folder = await dataFolder({
      'publication.yaml': PUBLICATION + REDIRECTS,
      'articles/f.json': JSON.stringify(record({ id: 'f', title: 'File' })),
      'media/.keep': '',
    });
    const service = await startWorkers(folder, 3);
    const connections = manyTo(service);
    // The settings come to the workers as they were read, maps among them.
    for (const path of ['/old?type=rss', '/from/latest?x=1', '/feed/']) {
      const answers = await answersOf(connections, path);
      expect(answers).toEqual([expect.objectContaining({ status: 308 })]);
      expect(answers[0]?.headers.location).toMatch(/feeds\/latest\.rss$/);
    }
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
      for (const document of documents) await answersOf(connections, document); // every process has it in its cache now
      const { status } = (await connections[index]?.ask(path, change)) ?? {};
      expect([200, 201]).toContain(status);
      for (const document of documents) {
        const visible = await Promise.all(connections.map(async ({ ask }) => (await ask(document)).headers.etag));
        expect([...new Set(visible)]).toEqual([expect.any(String)]);
        tags.add(`${document} ${visible[0]}`);
      }
    }

    expect(tags.size).toBe(changes.length * documents.length);

    // Last-Modified is sent when its second has come. The second of two changes in one second is dated one second later.
    await sleep(2000);
    for (const coding of ['identity', 'br', 'gzip', 'zstd']) {
      for (const document of documents) {
        const answers = await answersOf(connections, document, { headers: { 'Accept-Encoding': coding } });
        expect(answers).toEqual([expect.objectContaining({ status: 200 })]);
        expect(answers[0]?.headers.link).toContain(`<http://localhost:${service.port}/feeds/latest.`);
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

  test('lose no change of many at once', async () => {
    const service = await startWorkers(await empty(), 2, [], 'info');
    const connections = manyTo(service, 8);
    await connections[0]?.ask(A, putting({ title: '0' }));
    let conflicts = 0;
    const addOne = async ({ ask }: Connection, read: Answer): Promise<void> => {
      for (let before = read; ; before = await ask(A)) {
        const title = String(JSON.parse(before.body.toString()).record.title);
        const headers = { 'If-Match': before.headers.etag ?? '' };
        const { status } = await ask(A, putting({ title: String(Number(title) + 1) }, headers));
        if (status === 200) return;
        expect(status).toBe(412);
        conflicts += 1;
      }
    };
    // All read the same at first, so that only one of them is not too late.
    const first = await Promise.all(
      connections.map(async (connection) => ({ connection, read: await connection.ask(A) })),
    );
    await Promise.all(
      first.map(async ({ connection, read }) => {
        await addOne(connection, read);
        for (let count = 1; count < 10; count += 1) await addOne(connection, await connection.ask(A));
      }),
    );
    const { headers, body } = (await connections[0]?.ask(A)) ?? {};

    expect([headers?.etag, JSON.parse(String(body)).record.title]).toEqual(['"81"', '80']);
    expect(conflicts).toBeGreaterThanOrEqual(connections.length - 1);

    // Every process has the same history of them, and one process has logged each once.
    const revisions = Array.from({ length: 81 }, (_, index) => index + 1);
    const logged = toldIn(service.said.err).filter((line) => 'what' in line);
    expect(logged.map(({ article, revision }) => [article, revision])).toEqual(revisions.map((each) => ['a', each]));
    const histories = await answersOf(connections, `${A}/history`);
    expect(
      histories.map(({ body: text }) => JSON.parse(text).history.map(({ revision }: { revision: number }) => revision)),
    ).toEqual([revisions]);
  });
});

const MOST_CHANGES = 5000;
/** Records in one request, more than all buffers between the processes hold. */
const FORWARDED = sized({ short: 5000, soak: 20_000, full: 200_000 });

/** Sends changes until `stop`. Keeps the acknowledged ids and all other answers. */
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

describe('a process that is killed', () => {
  test.each([
    ['reader', ['"ECONNRESET"', '"EPIPE"']],
    ['writer', ['"ECONNRESET"', '"EPIPE"', '[503,"2"]']],
  ])('a %s, is restarted with the same role, and no acknowledged change is lost', async (role, mayBeAnswered) => {
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
      `The ${role} process ${killed} was ended by SIGKILL.`,
    ]);
    expect(service.said.out.match(/\n/g)).toHaveLength(1);

    // publication.yaml has changed meanwhile: the restarted process serves what the others serve.
    await sleep(2500); // until Last-Modified of the last changes is in the past: before, it follows the clock
    const answers = await answersOf(manyTo(service, 24), '/feeds/latest.json');
    expect(answers).toEqual([expect.objectContaining({ status: 200 })]);
    expect(answers[0]?.body.slice(0, 200)).toContain('"title":"Another"');
  });

  test(`the writer, does not cut the connections of readers: they forward ${FORWARDED} records to its successor`, {
    tags: ['soak'],
  }, async () => {
    const service = await startWorkers(await empty());
    // The system spreads connections at random: of so many, each process has some.
    const connections = manyTo(service, 24);
    await answersOf(connections, '/feeds/latest.rss');
    const killed = kill(service, 'writer');
    await until(() => workersOf(service.child).some(({ pid, role }) => role === 'writer' && pid !== killed));
    const [held, ...others] = connections.filter(({ isOpen }) => isOpen());
    if (held === undefined) throw new Error('all connections were the writer’s');
    expect(others.length).toBeLessThan(connections.length - 1);
    await until(async () => (await held.ask(A, putting({}))).status === 201);

    const asked = held.begin('/api/articles', { method: 'POST' });
    const answers = answerLines(asked);
    const records = Array.from({ length: 1000 }, (_, index) => JSON.stringify(record({ id: `n${index}` })));
    const numbers: number[] = [];
    while (numbers.length < FORWARDED) {
      asked.write(`${records.join('\n')}\n`);
      // The next records are sent when these have their answers.
      for (const _ of records) numbers.push(JSON.parse((await answers.next()).value ?? '').line);
    }
    asked.end();

    expect((await answers.next()).value).toContain('{"totals":{"created":1000,');
    expect(await answers.next()).toEqual({ done: true, value: undefined });
    expect(numbers).toEqual(Array.from({ length: FORWARDED }, (_, index) => index + 1));
    expect(held.sockets()).toBe(1);
  });

  test('with all others at the same time: the service is back on the same port', async () => {
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

  test('with four others at the same time, is restarted like them: each slot has a count of its own', async () => {
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
      readers.map((pid) => `The reader process ${pid} was ended by SIGKILL.`).sort(),
    );
  });

  test('five times within a minute ends the service with exit code 1 and a message', async () => {
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
        ...[...seen].map((pid) => `The reader process ${pid} was ended by SIGKILL.`),
        'One process of the service ended 5 times within a minute. The service stops.',
      ],
    ]);
  });
});

test('a process that hangs is killed and restarted; the writer has more time, and a pause of all processes is ignored', async () => {
  const folder = await empty();
  const { key } = await keyFor(folder);
  const limits = { interval: 100, patience: { reader: 300, writer: 60_000 } };
  const service = await serving(folder, key, started(folder, [HURRIED, folder, JSON.stringify(limits)]));
  /** Has the supervisor check its workers once. Resolves when those of these roles have answered. */
  const check = async (...roles: string[]) => {
    service.child.send(roles);
    expect(await once(service.child, 'message')).toEqual(['checked', undefined]);
  };
  const before = workersOf(service.child);
  const [reader = 0, writer = 0] = ['reader', 'writer'].map(
    (role) => before.find((worker) => worker.role === role)?.pid,
  );
  const group = -(service.child.pid ?? 0);
  await check('reader', 'writer');
  process.kill(group, 'SIGSTOP');
  await sleep(2 * limits.patience.reader); // a clock would say that the reader is silent for too long
  process.kill(group, 'SIGCONT');
  for (let count = 0; count < 10; count += 1) await check('reader', 'writer');
  expect([workersOf(service.child), service.said.err]).toEqual([before, '']);

  process.kill(writer, 'SIGSTOP');
  for (let count = 0; count < 10; count += 1) await check('reader');
  process.kill(writer, 'SIGCONT');
  process.kill(reader, 'SIGSTOP');
  for (let count = 0; count < 3; count += 1) await check('writer');
  expect([workersOf(service.child), service.said.err]).toEqual([before, '']);
  await check('writer');
  await until(() => workersOf(service.child).some(({ pid, role }) => role === 'reader' && pid !== reader));
  const answers = await answersOf(manyTo(service, 24), '/feeds/latest.rss');

  expect(answers).toEqual([expect.objectContaining({ status: 200 })]);
  expect(workersOf(service.child)).toContainEqual({ pid: writer, role: 'writer' });
  expect(messagesOf(service.said.err)).toEqual([
    `The reader process ${reader} did not answer for 0.3 s. It is killed and restarted.`,
    `The reader process ${reader} was ended by SIGKILL.`,
  ]);
});

describe('the end', () => {
  test.each([
    ['SIGTERM to the supervisor', 'SIGTERM', 1],
    ['SIGINT to all processes, as from a terminal', 'SIGINT', -1],
  ] as const)('%s: requests are finished, nothing is left, exit code 0', async (_, signal, sign) => {
    const folder = await empty();
    const service = await startWorkers(folder);
    const pids = workersOf(service.child).map(({ pid }) => pid);
    // Many at once, so that each process has some, and readers forward some.
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
    // One after the other, so that readers still have some when the writer has none of its own.
    for (const [index, { asked, answer }] of under.entries()) {
      asked.end(JSON.stringify(record({ id: `ended${index}` })));
      answers.push(await whole(await answer));
    }
    const { code, out, err } = await service.finished;

    expect(answers.map(({ body }) => body.toString().match(/:"created"/g)?.length)).toEqual(under.map(() => 2));
    expect([code, out.match(/\n/g)?.length, err]).toEqual([0, 1, '']);
    expect([pids.length, pids.filter(isAlive)]).toEqual([2, []]);
    expect(readdirSync(folder).filter((name) => name.startsWith('feed-publisher-'))).toEqual([]);
  });

  test.each([
    ['a second signal', ['SIGTERM', 'SIGTERM'], [143, null]],
    ['the death of the supervisor', ['SIGKILL'], [null, 'SIGKILL']],
  ] as const)('%s ends all processes at once', async (_, signals, ending) => {
    const folder = await empty();
    const service = await startWorkers(folder);
    const pids = workersOf(service.child).map(({ pid }) => pid);
    const asked = service.connect().begin('/api/articles', { method: 'POST' });
    asked.on('error', () => {}); // its answer is cut off
    asked.write(`${JSON.stringify(record())}\n`);
    await once(asked, 'response');
    for (const signal of signals) {
      service.child.kill(signal);
      await sleep(600); // sooner, a second signal counts as the first
    }
    const { code, signal } = await service.finished;
    await until(() => !pids.some(isAlive));

    expect([code, signal]).toEqual(ending);
    expect(readdirSync(folder).filter((name) => name.startsWith('feed-publisher-'))).toEqual([]);
  });
});

describe('an error at the start is printed once, as without workers, with exit code 1', () => {
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
    const shared = await program(folder, [...args, '--workers', '2']).finished;
    const withoutCall = (text: string) => text.replaceAll(/\b(?:listen|bind) EADDRINUSE.*/g, 'EADDRINUSE');

    expect({ ...shared, err: withoutCall(shared.err) }).toEqual({ ...alone, err: withoutCall(alone.err) });
    expect([shared.code, shared.out]).toEqual([1, '']);
    expect(shared.err).not.toContain('    at ');
    expect(readdirSync(folder).filter((name) => name.startsWith('feed-publisher-'))).toEqual([]);
  });
});

test('a temporary folder whose path is too long for a socket is reported with a way out', async () => {
  const folder = await empty();
  const temporary = join(folder, 'long'.repeat(30));
  await mkdir(temporary);
  const args = [MAIN, '--data', folder, '--host', '127.0.0.1', '--port', '0', '--workers', '2'];
  const { code, out, err } = await started(folder, args, temporary).finished;

  expect([code, out]).toEqual([1, '']);
  expect(err.replace(/\S+\/writer/, 'SOCKET')).toBe(
    [
      'The service cannot listen on the socket SOCKET.',
      'A socket’s path has at most 103 bytes: set TMPDIR to a folder with a shorter name.\n',
    ].join('\n'),
  );
  expect(readdirSync(temporary)).toEqual([]);
});

describe('metrics', () => {
  const ANSWERS = 'feed_publisher_requests_total{route="/feeds/*",method="GET",status="200"}';
  const DURATIONS = 'feed_publisher_request_duration_seconds_count{route="/feeds/*"}';
  const KEPT = 'feed_publisher_kept_documents';

  async function measured() {
    const metricsPort = await freePort();
    const service = await startWorkers(await empty(), 2, ['--metrics-port', String(metricsPort)]);
    const scrape = async () => {
      const { body } = await connectionTo(metricsPort, service.key).ask('/metrics');
      const lines = body.toString().split('\n');
      return new Map(lines.map((line) => line.split(' ') as [string, string]));
    };
    return { service, scrape };
  }

  test('are those of all processes, and never fall: a process that does not answer, or has ended, counts with its last values', async () => {
    const { service, scrape } = await measured();
    await answersOf(manyTo(service, 24), '/feeds/latest.rss');
    const values = async () => {
      const all = await scrape();
      return [ANSWERS, DURATIONS, KEPT].map((name) => all.get(name));
    };
    await until(async () => (await values())[0] === '24'); // an answer is counted after its last byte
    expect((await scrape()).get('feed_publisher_build_info{version="0.1.0"}')).toBe('1');
    const all = await values();
    const [reader] = workersOf(service.child).filter(({ role }) => role === 'reader');
    process.kill(reader?.pid ?? 0, 'SIGSTOP');
    const withoutAnswer = await values();
    process.kill(reader?.pid ?? 0, 'SIGKILL');
    await until(() => workersOf(service.child).filter(({ pid }) => pid !== reader?.pid).length === 2);
    const afterDeath = [await values(), await values()];

    expect([all, withoutAnswer]).toEqual([
      ['24', '24', '2'],
      ['24', '24', '2'],
    ]);
    // Its gauges are gone with it.
    expect(afterDeath).toEqual([
      ['24', '24', '1'],
      ['24', '24', '1'],
    ]);
  });
});

test('the figures of the status are those of all processes, on both addresses, and survive a restart', async () => {
  const folder = await dataFolder(NEWSROOM);
  const metricsPort = await freePort();
  const more = ['--metrics-port', String(metricsPort)];
  const first = await startWorkers(folder, 2, more);
  const { port, key } = first;
  const status = async (from: number): Promise<ServiceStatus> => {
    const { body } = await connectionTo(from, key).ask('/api/status');
    return JSON.parse(body.toString());
  };
  const load = await scriptedLoad(port, key);
  /** An answer is counted after its last byte, perhaps in another process: a later look decides. */
  const agree = (from: number) => async () => {
    const figures = figuresIn(await status(from));
    const isEqual = isDeepStrictEqual(figures, JSON.parse(JSON.stringify(load.figures())));
    load.count(200); // this look
    return isEqual;
  };
  await until(agree(port));
  const { processes, load: busy } = await status(port);
  load.count(200);
  expect([processes, busy.connections.limit]).toEqual([2, 20_000]);
  const page = (await connectionTo(metricsPort, key).ask('/status')).body.toString();
  expect(page).toContain('Readers are served.');
  first.child.kill('SIGTERM');
  expect((await first.finished).code).toBe(0);

  const second = await startWorkers(folder, 2, more);
  await until(agree(second.port));
});

test('deliveries by all processes are one record; a kill of all leaves a gap for each, and receipts say so', async () => {
  const partner = 'name: Wire\ndialect: plain\nfeeds: [latest]\n';
  const folder = await dataFolder({ 'articles/.keep': '', 'partners/wire.yaml': partner });
  const metricsPort = await freePort();
  const service = await startWorkers(folder, 2, ['--metrics-port', String(metricsPort)]);
  const { key } = await partnerKey(folder, 'wire');
  expect((await service.connect().ask(A, putting({}))).status).toBe(201);
  await answersOf(manyTo(service, 24), `/partners/wire/${key}/latest.rss`);
  const operator = connectionTo(metricsPort, service.key);
  await until(async () => (await operator.ask('/partners/wire')).body.toString().includes('24 answers in 24 hours'));
  expect((await service.connect().ask(A, { method: 'DELETE' })).status).toBe(200);
  const workers = workersOf(service.child);
  process.kill(-(service.child.pid ?? 0), 'SIGKILL');
  await service.finished;
  await until(() => workers.every(({ pid }) => !isAlive(pid)));

  const { out, err } = await command(['deliveries', 'wire', '--data', folder, '--json']);
  expect(out.trimEnd().split('\n')).toHaveLength(24);
  expect(err.match(/^Not recorded: from /gm)).toHaveLength(2);
  const receipts = await command(['withdrawals', '--data', folder, '--json']);
  expect(JSON.parse(receipts.out).receipts).toEqual([{ partner: 'wire', state: 'not recorded' }]);
});

test('/readyz answers 200 while one process is ready', async () => {
  const metricsPort = await freePort();
  const service = await startWorkers(await empty(), 2, ['--metrics-port', String(metricsPort)]);
  const pids = workersOf(service.child).map(({ pid }) => pid);
  const ready = async () => {
    const { status, body } = await connectionTo(metricsPort, service.key).ask('/readyz');
    return [status, status === 200 ? body.toString() : JSON.parse(body.toString()).title];
  };
  const [first = 0, second = 0] = pids;
  // A process that does not answer in time counts as one that does not answer: on a busy machine, a later look decides.
  await expect.poll(ready).toEqual([200, 'ready']);
  process.kill(first, 'SIGSTOP');
  await expect.poll(ready).toEqual([200, 'ready']);
  process.kill(second, 'SIGSTOP');
  await expect.poll(ready).toEqual([503, 'No process of the service answers.']);
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  await expect.poll(ready).toEqual([200, 'ready']);
  const db = new DatabaseSync(storeFile(service.folder));
  db.exec('ALTER TABLE revision RENAME TO elsewhere');
  db.close();
  // “No change is made to it.” follows where a process has found it before.
  const damaged = expect.stringMatching(/^The store is damaged: SQLite reports “no such table: revision”\./);
  await expect.poll(ready).toEqual([503, damaged]);
});
