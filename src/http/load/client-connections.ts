import type { Socket } from 'node:net';
import { isPrivate, networkOf, withoutMapping } from '../client.ts';
import type { Trust } from '../forwarded.ts';

/** Counts the connections of each client, up to a limit. */
export interface ClientConnections {
  /** Counts a connection until it closes. False, and not counted, where its client has as many as the limit already. */
  readonly admit: (socket: Socket) => boolean;
}

/** @param limit connections of one client at once; 0 for no limit */
export function createClientConnections(limit: number, trust: Trust | undefined): ClientConnections {
  const counts = new Map<string, number>();

  function leave(client: string): void {
    const left = (counts.get(client) ?? 1) - 1;
    if (left === 0) counts.delete(client);
    else counts.set(client, left);
  }

  return {
    admit(socket) {
      const client = clientBehind(socket, trust);
      if (client === undefined) return true;
      const count = (counts.get(client) ?? 0) + 1;
      if (limit > 0 && count > limit) return false;
      counts.set(client, count);
      socket.once('close', () => leave(client));
      return true;
    },
  };
}

/** Undefined for a peer that speaks for other clients, or may. */
function clientBehind(socket: Socket, trust: Trust | undefined): string | undefined {
  const address = withoutMapping(socket.remoteAddress ?? '');
  return isPrivate(address) || trust?.(address, 0) ? undefined : networkOf(address);
}
