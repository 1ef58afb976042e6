import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Connections that are opened together. */
const TOGETHER = 50;
/** Milliseconds between two looks at whether all answers have come. */
const LOOK = 5;
/** Bytes that are read at once. */
const READ = 64 * 1024;
const HEAD_END = '\r\n\r\n';

export interface PollRequest {
  readonly path: string;
  readonly key: string;
}

/**
 * Connections that poll change feeds, each with the cursor of its last answer.
 *
 * This process shares the machine with the service. While answers come, it keeps their bytes and the moment, and nothing else: it
 * reads them when the last one has come. With a promise, a listener and a look at the text for each answer, the client used as much
 * processor time as the service, and the figures were those of the client.
 */
export interface Polls {
  /**
   * Polls on every connection, and resolves when all requests are sent. The answers are the moments at which the last bytes of each
   * had come. They are rejected where an answer has no change.
   */
  readonly poll: (wait: number) => Promise<{ readonly answers: Promise<readonly number[]> }>;
  /** Bytes of the body of the last answer to the first poll. */
  readonly length: () => number;
  readonly close: () => void;
}

interface Poller extends PollRequest {
  socket: Socket | undefined;
  cursor: string;
  /** What has come of the present answer. */
  chunks: Buffer[];
  /** When the last of it came. */
  at: number;
}

interface Page {
  readonly cursor: string;
  readonly hasMore: boolean;
  readonly hasChanges: boolean;
}

/**
 * Polls of these change feeds, each on a connection of its own. The first connection of each feed reads up to the present, and the
 * others go on from there, as clients do that have read it before.
 */
export function pollersOf(port: number, requests: readonly PollRequest[]): Polls {
  const pollers = requests.map((request): Poller => ({ ...request, socket: undefined, cursor: '', chunks: [], at: 0 }));
  const buffer = Buffer.alloc(READ);
  /** The first cursor at the present, by keys. */
  const presents = new Map<string, string>();

  /** The service closes a connection that has had no request for some seconds. */
  async function connected(poller: Poller): Promise<void> {
    if (poller.socket?.writable === true) return;
    const callback = (length: number) => {
      poller.at = performance.now();
      poller.chunks.push(Buffer.from(buffer.subarray(0, length)));
      return true;
    };
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback } });
    socket.on('error', () => {}); // the answer that does not come tells
    await once(socket, 'connect');
    poller.socket = socket;
  }

  async function toPresent(pollers: readonly Poller[]): Promise<void> {
    for (const poller of new Map(pollers.map((each) => [each.key, each])).values()) {
      for (let hasMore = true; hasMore; ) {
        send(poller, 0);
        const [page] = await received([poller]);
        hasMore = page?.hasMore === true;
      }
      presents.set(poller.key, poller.cursor);
    }
  }

  return {
    async poll(wait) {
      for (let next = 0; next < pollers.length; next += TOGETHER) {
        const group = pollers.slice(next, next + TOGETHER);
        await Promise.all(group.map(connected));
        await toPresent(group.filter(({ cursor, key }) => cursor === '' && !presents.has(key)));
        for (const poller of group) poller.cursor ||= presents.get(poller.key) ?? '';
        for (const poller of group) send(poller, wait);
      }
      return { answers: allAnswered(pollers) };
    },
    length() {
      const received = Buffer.concat(pollers[0]?.chunks ?? []);
      return received.length - received.indexOf(HEAD_END) - HEAD_END.length;
    },
    close() {
      for (const { socket } of pollers) socket?.destroy();
    },
  };
}

async function allAnswered(pollers: readonly Poller[]): Promise<readonly number[]> {
  const pages = await received(pollers);
  if (!pages.every(({ hasChanges }) => hasChanges)) throw new Error('a poll was answered without a change');
  if (pages.some(({ hasMore }) => hasMore)) throw new Error('a change did not fit one answer');
  return pollers.map(({ at }) => at);
}

function send(poller: Poller, wait: number): void {
  const { socket, path, key, cursor } = poller;
  poller.chunks = [];
  const query = new URLSearchParams({ wait: String(wait), ...(cursor === '' ? {} : { since: cursor }) });
  socket?.write(`GET ${path}?${query} HTTP/1.1\r\nHost: feeds.courier.example\r\nAuthorization: Bearer ${key}\r\n\r\n`);
}

/** Waits for an answer to each, and reads them. While one is missing, no byte is looked at. */
async function received(pollers: readonly Poller[]): Promise<Page[]> {
  for (const hasCome of [hasBegun, isWhole]) {
    while (!pollers.every(hasCome)) {
      if (pollers.some((poller) => poller.socket?.writable !== true))
        throw new Error('a connection was closed under a poll');
      await sleep(LOOK);
    }
  }
  return pollers.map(pageOf);
}

function hasBegun({ chunks }: Poller): boolean {
  return chunks.length > 0;
}

function isWhole({ chunks }: Poller): boolean {
  return missingOf(Buffer.concat(chunks)) === 0;
}

/** What comes is read as text: a page has no other letters than those of the records. */
function pageOf(poller: Poller): Page {
  const text = Buffer.concat(poller.chunks).toString();
  const [, cursor] = /"cursor":"([^"]+)"/.exec(text) ?? [];
  if (cursor === undefined) throw new Error(`a poll was answered with ${text.slice(0, 500)}`);
  poller.cursor = cursor;
  return { cursor, hasMore: text.includes('"hasMore":true'), hasChanges: text.includes('"change":"') };
}

/** Bytes of an answer that have not come yet; infinite until its head has come. */
function missingOf(received: Buffer): number {
  const end = received.indexOf(HEAD_END);
  if (end < 0) return Number.POSITIVE_INFINITY;
  const [, length = '0'] = /\r\ncontent-length: (\d+)/i.exec(received.toString('latin1', 0, end + 2)) ?? [];
  return end + HEAD_END.length + Number(length) - received.length;
}
