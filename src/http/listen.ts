import { createServer, type Server } from 'node:net';
import { PublisherError } from '../errors.ts';

interface Address {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Whether other processes listen on the same port: the system deals connections out to all. */
  readonly shared?: boolean;
}

/** Connections that may wait to be taken: of those beyond, the first packet is dropped, which costs a second at least. */
const BACKLOG = 4096;

/**
 * Listens, and tells on which port.
 *
 * @throws PublisherError `address_unavailable`
 */
export function listen(server: Server, { host, port, shared = false }: Address): Promise<number> {
  return new Promise((done, refused) => {
    server.once('error', (cause) =>
      refused(
        new PublisherError('address_unavailable', `Port ${port} of ${host} cannot be listened on.`, {
          hint: cause.message,
          cause,
        }),
      ),
    );
    server.listen({ port, host, reusePort: shared, backlog: BACKLOG }, () => done(portOf(server)));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/**
 * Finds out whether nobody listens there. Who shares a port would otherwise share it with a second service as well.
 *
 * @throws PublisherError `address_unavailable`
 */
export async function expectFree(address: Omit<Address, 'shared'>): Promise<void> {
  const server = createServer();
  await listen(server, address);
  await new Promise((closed) => server.close(closed));
}
