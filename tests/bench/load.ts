/**
 * The load generator, a process of its own: a child with a channel to its parent, which sends tasks and gets figures.
 * It writes requests that are made already, reads of an answer its head alone, and skips the body where it came.
 */
import { connect, type Socket } from 'node:net';
import { createHistogram } from 'node:perf_hooks';

export interface LoadTask {
  readonly port: number;
  /** Whole requests, sent one after the other, from the first again after the last. */
  readonly requests: readonly string[];
  readonly connections: number;
  /** It ends after that time, or when as many are answered. */
  readonly seconds: number;
  readonly most?: number;
}

export interface LoadFigures {
  /** How many answers had which status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly answers: number;
  readonly seconds: number;
  /** Milliseconds from the writing of a request to the last byte of its answer. */
  readonly p50: number;
  readonly p99: number;
  /** Connections that failed or ended before the answer did. */
  readonly errors: number;
  /** The share of a core that this process used. */
  readonly busy: number;
}

/** Larger reads are fewer; one buffer is enough, for what is read is looked at before the next read. */
const BUFFER = Buffer.allocUnsafe(512 * 1024);
/** No head is longer. */
const HEAD = 8192;
const HEAD_END = '\r\n\r\n';
const LENGTH = '\r\ncontent-length: ';

process.on('message', (task: LoadTask) => {
  void run(task).then((figures) => process.send?.(figures));
});
process.once('disconnect', () => process.exit()); // nobody is there to tell

async function run({ port, requests, connections, seconds: limit, most = Infinity }: LoadTask): Promise<LoadFigures> {
  const latencies = createHistogram({ lowest: 1, highest: 60_000_000, figures: 3 });
  const statuses: Record<string, number> = {};
  const sockets = new Set<Socket>();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let [sent, answers, errors] = [0, 0, 0];
  let isOver = false;

  /** Fulfilled with what sends the first request when there is a connection. */
  function open(): Promise<() => void> {
    let sentAt: number | undefined;

    function send(): void {
      if (isOver || sent >= most) return;
      sentAt = performance.now();
      socket.write(requests[sent % requests.length] ?? '', 'latin1');
      sent += 1;
    }

    const read = answerReader((status, isLast) => {
      if (isOver || sentAt === undefined) return;
      latencies.record(Math.max(1, Math.round((performance.now() - sentAt) * 1000)));
      sentAt = undefined;
      statuses[status] = (statuses[status] ?? 0) + 1;
      answers += 1;
      if (answers >= most) end();
      else if (isLast) socket.end();
      else send();
    });

    const { promise, resolve } = Promise.withResolvers<() => void>();
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: BUFFER, callback: read } });
    sockets.add(socket);
    socket.once('connect', () => resolve(send));
    socket.once('error', () => {}); // the close that follows tells
    socket.once('close', (isFailed) => {
      sockets.delete(socket);
      resolve(() => {});
      if (isOver) return;
      if (isFailed || sentAt !== undefined) errors += 1;
      if (errors > connections) end();
      else void open().then((begin) => begin());
    });
    return promise;
  }

  const begin = await Promise.all(Array.from({ length: connections }, open));
  const start = performance.now();
  const cpuBefore = process.cpuUsage();
  for (const send of begin) send();
  const timer = setTimeout(end, limit * 1000);
  await ended;
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  isOver = true;
  clearTimeout(timer);
  for (const socket of sockets) socket.destroy();
  const [p50 = 0, p99 = 0] = [50, 99].map((share) => latencies.percentile(share) / 1000);
  return { statuses, answers, seconds, p50, p99, errors, busy: (user + system) / 1e6 / seconds };
}

/** Takes what is read into BUFFER, and tells of each answer that is complete whether the connection ends with it. */
function answerReader(tell: (status: string, isLast: boolean) => void): (length: number) => boolean {
  let started = ''; // of a head that came in part
  let left = 0; // bytes of the body that are still to come
  let status = '';
  let isLast = false;

  function readHead(length: number): boolean {
    const text = started + BUFFER.toString('latin1', 0, Math.min(length, HEAD));
    const end = text.indexOf(HEAD_END);
    if (end < 0) {
      started = text;
      return false;
    }
    const head = text.slice(0, end + 2).toLowerCase();
    const announced = head.indexOf(LENGTH);
    status = head.slice(9, 12);
    isLast = head.includes('\r\nconnection: close\r\n');
    const body = status === '304' || announced < 0 ? 0 : Number.parseInt(head.slice(announced + LENGTH.length), 10);
    left = body - (length - (end + HEAD_END.length - started.length));
    started = '';
    return true;
  }

  return (length) => {
    if (left > 0) left -= length;
    else if (!readHead(length)) return true;
    if (left <= 0) tell(status, isLast);
    return true;
  };
}
