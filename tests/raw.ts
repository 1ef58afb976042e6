import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A connection on which a test writes any bytes, and the answers. */
export interface Raw {
  readonly socket: Socket;
  readonly text: () => string;
  /** Resolves with all answers when the service has closed the connection. */
  readonly closed: Promise<string>;
}

/** Connects, writes the bytes and listens. */
export async function speak(port: number, said: string | Uint8Array = ''): Promise<Raw> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const chunks: Buffer[] = [];
  const text = () => Buffer.concat(chunks).toString('latin1');
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {}); // the service may close it while we write
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(text())));
  await once(socket, 'connect');
  if (said.length > 0) socket.write(said);
  return { socket, text, closed };
}

/** Resolves when a server in this process has the head of a request. To be called before the request is sent. */
export function nextHead(): Promise<void> {
  const channel = 'http.server.request.start';
  return new Promise((resolve) => {
    const heard = () => {
      unsubscribe(channel, heard);
      resolve();
    };
    subscribe(channel, heard);
  });
}

interface RawAnswer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** The answers that came one after the other on a connection. */
export function answersIn(text: string): RawAnswer[] {
  return answersToMethods(text, () => false);
}

/** The same, where the answers with some indices, from 0, are answers to HEAD. Those with a status of 1xx count as well. */
export function answersToMethods(text: string, isHead: (index: number) => boolean): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = text;
  while (rest.length > 0) {
    const head = /^HTTP\/1\.1 (\d{3}) [^\r]*\r\n((?:[^\r]+\r\n)*)\r\n/.exec(rest);
    if (head === null) throw new Error(`here begins no answer: ${rest.slice(0, 200)}`);
    const [whole, status = '', headers = ''] = head;
    const end = /^transfer-encoding: chunked\r$/im.test(headers) ? rest.indexOf('\r\n0\r\n\r\n') + 7 - whole.length : 0;
    const isEmpty = status === '304' || isHead(answers.length);
    const length = isEmpty ? 0 : Number(/^content-length: (\d+)\r$/im.exec(headers)?.[1] ?? end);
    if (rest.length < whole.length + length) throw new Error(`the answer breaks off: ${rest.slice(0, 200)}`);
    answers.push({ status: Number(status), headers, body: rest.slice(whole.length, whole.length + length) });
    rest = rest.slice(whole.length + length);
  }
  return answers;
}
