import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createQueueSlots } from '../../../src/http/load/queue-slots.ts';
import { createUnansweredRequests } from '../../../src/http/load/unanswered-requests.ts';

function exchange(socket = new Socket()): [IncomingMessage, ServerResponse & EventEmitter] {
  return [{ socket } as IncomingMessage, new EventEmitter() as ServerResponse & EventEmitter];
}

test('a connection is busy until its last request is answered, and then says so once', () => {
  const answered: Socket[] = [];
  const unanswered = createUnansweredRequests((socket) => answered.push(socket));
  const socket = new Socket();
  const [first, firstResponse] = exchange(socket);
  const [second, secondResponse] = exchange(socket);

  expect([unanswered.add(first, firstResponse), unanswered.add(second, secondResponse)]).toEqual([1, 2]);
  expect(unanswered.add(second, secondResponse), 'a request is added once').toBe(2);
  expect(unanswered.of(socket)?.request).toBe(second);
  firstResponse.emit('close');
  expect([unanswered.isBusy(socket), answered]).toEqual([true, []]);
  secondResponse.emit('close');
  expect([unanswered.isBusy(socket), answered]).toEqual([false, [socket]]);
});

test('a connection with something to do afterwards does that instead', () => {
  const events: string[] = [];
  const unanswered = createUnansweredRequests(() => events.push('all answered'));
  const [request, response] = exchange();
  unanswered.add(request, response);
  Object.assign(unanswered.of(request.socket) ?? {}, { afterwards: () => events.push('afterwards') });
  response.emit('close');

  expect(events).toEqual(['afterwards']);
});

test('responses that wait for their turn close with their connection', async () => {
  const closed: string[] = [];
  let socket: Socket | undefined;
  const server = createServer((request, response) => {
    socket ??= request.socket;
    unanswered.add(request, response);
    const name = request.url ?? '';
    response.once('close', () => closed.push(`${name} ${response.destroyed}`));
    if (name === '/sent' || name === '/ready') response.end(name);
    if (name === '/last') client.destroy();
  });
  const unanswered = createUnansweredRequests((busy) => allAnswered.resolve(busy));
  const allAnswered = Promise.withResolvers<Socket>();
  server.on('connection', (connection) => connection.once('close', () => unanswered.closeWaiting(connection)));
  onTestFinished(() => void server.close());
  const { port } = (await once(server.listen(0, '127.0.0.1'), 'listening').then(() => server.address())) as AddressInfo;
  const client = connect(port, '127.0.0.1');
  const paths = ['/sent', '/turn', '/ready', '/waiting', '/last'];
  client.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));

  expect(await allAnswered.promise).toBe(socket);
  expect(closed.toSorted()).toEqual(['/last true', '/ready true', '/sent true', '/turn true', '/waiting true']);
});

test.each<[string, (slots: ReturnType<typeof createQueueSlots>, request: IncomingMessage) => void, number]>([
  ['its client leaves', () => {}, 1],
  ['its client leaves while the work goes on', (slots, request) => slots.keep(request), 0],
  [
    'the work ends after its client has left',
    (slots, request) => {
      slots.keep(request);
      slots.release(request);
    },
    1,
  ],
])('a request frees its slot when %s', (_, before, freed) => {
  const slots = createQueueSlots();
  const [request, response] = exchange();
  let count = 0;
  slots.hold(request, response, () => {
    count += 1;
  });
  before(slots, request);
  response.emit('close');

  expect(count).toBe(freed);
});
