import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
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
