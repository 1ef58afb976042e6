import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { type ErrorCode, PublisherError } from '../../src/errors.ts';
import { createAdmission } from '../../src/http/admission.ts';
import { createApp } from '../../src/http/app.ts';
import { createClientOf } from '../../src/http/client.ts';
import { createClientQuota } from '../../src/http/load/client-quota.ts';
import { createForwardingWriter } from '../../src/service/writer.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { type Answer, ask, dataFolder, listen, PUBLICATION, start } from '../helpers.ts';
import { answersIn, speak } from '../raw.ts';
import { appSurroundings } from './api.ts';
import {
  codesOf,
  type DescribedOperation,
  describedApi,
  operationsOf,
  undeclared,
  validatorOf,
} from './description.ts';

/** The errors that do not depend on what an operation does: each declares those that its requests can get, and no other. */

const description = describedApi();
const validate = validatorOf(description);
const operations = operationsOf(description);

type Ask = (operation: DescribedOperation, index: number) => Promise<Pick<Answer, 'status' | 'headers' | 'text'>>;

const addressOf = ({ path }: DescribedOperation) => path.replace('{id}', 'a');

/** Asks for every operation, and compares what declares this code with what gets it. */
async function expectEverywhere(code: ErrorCode, asks: Ask): Promise<void> {
  const declaring = operations.filter(({ operation }) =>
    codesOf(description, operation).some((one) => one.code === code),
  );
  const answers = await Promise.all(
    operations.map(async (operation, index) => {
      const answer = await asks(operation, index);
      const isError = answer.headers['content-type'] === 'application/problem+json; charset=utf-8';
      const isOfCode = isError && JSON.parse(answer.text).code === code;
      const wrong = isOfCode ? undeclared(description, validate, [operation.method, addressOf(operation)], answer) : [];
      return { name: operation.operation.operationId, isOfCode, wrong };
    }),
  );

  expect(answers.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(declaring.length).toBeGreaterThan(0);
  expect(answers.filter(({ isOfCode }) => isOfCode).map(({ name }) => name)).toEqual(
    declaring.map(({ operation }) => operation.operationId),
  );
}

/** Asks with these lines behind the request line, on a connection of its own, which the service closes. */
function askWith(port: number, lines: readonly string[]): Ask {
  return async (operation) => {
    const { closed } = await speak(
      port,
      [`${operation.method.toUpperCase()} ${addressOf(operation)} HTTP/1.1`, ...lines, ''].join('\r\n'),
    );
    const [answer] = answersIn(await closed);
    if (answer === undefined) throw new Error('the service closed the connection without an answer');
    const headers = answer.headers.split('\r\n').map((line) => {
      const [name = '', ...value] = line.split(': ');
      return [name.toLowerCase(), value.join(': ')];
    });
    return { status: answer.status, headers: Object.fromEntries(headers), text: answer.body };
  };
}

test.each<[ErrorCode, readonly string[]]>([
  ['malformed_request', ['Host: a', 'Host: b', '']],
  ['expectation_failed', ['Host: a', 'Expect: 200-ok', '']],
  ['headers_too_large', ['Host: a', ...Array.from({ length: 100 }, () => 'X: y'), '']],
  ['request_timeout', ['Host: a']], // the blank line behind the head never comes
])('%s', async (code, lines) => {
  const { port } = await start(await dataFolder({}), {
    storeFile: ':memory:',
    ...(code === 'request_timeout' ? { connections: { head: 300 } } : {}),
  });

  await expectEverywhere(code, askWith(port, lines));
});

test('too_many_requests', async () => {
  const rate = { perMinute: 0.01, burst: 1 };
  const { port } = await start(await dataFolder({}), { storeFile: ':memory:', trustProxy: 'loopback', rate });

  await expectEverywhere('too_many_requests', async (operation, index) => {
    const question = {
      method: operation.method.toUpperCase(),
      headers: { 'X-Forwarded-For': `198.51.100.${index}`, Connection: 'close' },
    };
    await ask(port, addressOf(operation), question);
    return ask(port, addressOf(operation), question);
  });
});

/** Serves on a free port. */
async function portOf(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((listening) => server.once('listening', listening));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

interface Failing {
  /** What every look at a key rejects with. */
  readonly error?: Error;
  readonly isOverloaded?: boolean;
}

/** A service in which something fails for every request that is no health check. */
async function failing({ error, isOverloaded = false }: Failing): Promise<number> {
  const real = openSqliteStore(':memory:');
  onTestFinished(() => real.close());
  const store = error === undefined ? real : { ...real, key: () => Promise.reject(error) };
  const surroundings = appSurroundings();
  const app = createApp({
    ...surroundings,
    publication: parsePublication(PUBLICATION, 'publication.yaml'),
    store,
    ...createForwardingWriter('/nowhere', { store, log: listen().log.log, now: () => 0 }),
    documentCache: { get: () => Promise.resolve(undefined) },
    now: () => 0,
    mediaFolder: '/nowhere',
    version: '0.0.0',
    check: () => Promise.reject(error),
    phase: () => 'serving',
    fail: () => {},
  });
  return portOf(
    createAdmission({
      store,
      now: () => 0,
      connections: { hold: () => 1 },
      requestQueue: {
        enter: (_lane, job) => (isOverloaded ? job.refuse() : job.begin(() => {})),
      },
      slots: surroundings.slots,
      quota: createClientQuota(undefined, createClientOf()),
      knownAddresses: { has: () => false },
      pendingFileChanges: () => (error instanceof PublisherError ? undefined : error && Promise.reject(error)),
      app: (request: IncomingMessage, response: ServerResponse) => app(request, response),
      observer: { follow: () => {} },
      fail: () => {},
    }),
  );
}

const UNAVAILABLE = new PublisherError('store_unavailable', 'The store cannot be read.');
const DAMAGED = new PublisherError('store_damaged', 'The store is damaged.');

test.each<[ErrorCode, Failing, headers: Record<string, string>]>([
  ['overloaded', { isOverloaded: true }, {}],
  ['internal', { error: new Error('a defect') }, {}],
  ['store_unavailable', { error: UNAVAILABLE }, { Authorization: `Bearer fp_${'0'.repeat(12)}_${'A'.repeat(43)}` }],
  ['store_damaged', { error: DAMAGED }, { Authorization: `Bearer fp_${'0'.repeat(12)}_${'A'.repeat(43)}` }],
  ['not_ready', { error: UNAVAILABLE }, {}],
])('%s', async (code, failure, headers) => {
  const port = await failing(failure);

  await expectEverywhere(code, (operation) =>
    ask(port, addressOf(operation), { method: operation.method.toUpperCase(), headers }),
  );
});
