import { createServer, type Server } from 'node:net';
import { PublisherError } from '../errors.ts';

interface Address {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Whether other processes listen on the same port; the system then spreads connections over all of them. */
  readonly shared?: boolean;
  /** The options that an operator can change; those of the service's own port by default. */
  readonly options?: AddressOptions;
}

interface AddressOptions {
  readonly port: string;
  readonly host: string;
}

const SERVICE_OPTIONS: AddressOptions = { port: '--port', host: '--host' };
export const METRICS_OPTIONS: AddressOptions = { port: '--metrics-port', host: 'METRICS_HOST' };

/** Connections that may wait to be accepted. The first packet of any further one is dropped, which delays it by a second. */
const BACKLOG = 4096;

/**
 * Listens on an address. Returns the port.
 *
 * @throws PublisherError `address_unavailable`
 */
export function listen(server: Server, { host, port, shared = false, options }: Address): Promise<number> {
  return new Promise((done, refused) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      refused(
        new PublisherError('address_unavailable', reasonFor(cause.code, { host, port, options }), {
          hint: cause.message,
          cause,
        }),
      ),
    );
    server.listen({ port, host, reusePort: shared, backlog: BACKLOG }, () => done(portOf(server)));
  });
}

function reasonFor(
  code: string | undefined,
  { host, port, options = SERVICE_OPTIONS }: { host: string; port: number; options: AddressOptions | undefined },
): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} is already in use: choose another with ${options.port}.`;
    case 'EACCES':
      return `This user may not listen on port ${port}: choose a port from 1024 on with ${options.port}.`;
    case 'EADDRNOTAVAIL':
      return `${host} is not an address of this machine: choose another with ${options.host}.`;
    default:
      return `The service cannot listen on port ${port} of ${host}: choose another with ${options.port} or ${options.host}.`;
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/**
 * Checks that a port is free. Listening on a shared port does not: it succeeds even if a second service has the port.
 *
 * @throws PublisherError `address_unavailable`
 */
export async function expectFree(address: Omit<Address, 'shared'>): Promise<void> {
  const server = createServer();
  await listen(server, address);
  await new Promise((closed) => server.close(closed));
}

/** A port that nothing else on this machine gets until it is released. */
export interface HeldPort {
  readonly port: number;
  readonly release: () => void;
}

/**
 * Takes any free port, for a service that has to know its port before it can listen there. Where the service's processes share
 * the port, they can listen there meanwhile.
 *
 * @throws PublisherError `address_unavailable`
 */
export async function holdPort(address: Pick<Address, 'host' | 'shared'>): Promise<HeldPort> {
  const server = createServer((connection) => connection.destroy());
  const port = await listen(server, { ...address, port: 0 });
  return { port, release: () => void server.close() };
}
