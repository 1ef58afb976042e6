import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** Names the connections of clients, so that those that parse records can serve them in turn. */
const names = new WeakMap<Socket, string>();
let last = 0;

/** The name of a connection: the same for all its requests, and none of another. */
export function connectionName(socket: Socket): string {
  let name = names.get(socket);
  if (name === undefined) {
    last += 1;
    name = `${process.pid}-${last}`;
    names.set(socket, name);
  }
  return name;
}

/** The header by which a process that forwards a request tells the writer the name of its client's connection. */
export const CONNECTION_NAME = 'X-Client-Connection';

/** Gives the connection that a request was forwarded on the name of its client's. */
export function nameConnection({ socket, headers }: IncomingMessage): void {
  const name = headers[CONNECTION_NAME.toLowerCase()];
  if (typeof name === 'string') names.set(socket, name);
}
