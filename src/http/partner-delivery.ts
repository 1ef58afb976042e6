import type { IncomingMessage, ServerResponse } from 'node:http';
import ipaddr from 'ipaddr.js';
import type { Instant } from '../lib/instant.ts';
import { memo } from '../lib/memo.ts';
import type { DeliveryEnd, DeliveryRecorder } from '../partner/deliveries.ts';
import { contentOf } from './respond.ts';

interface DeliveryParts {
  readonly recorder: Pick<DeliveryRecorder, 'begin'>;
  readonly partner: string;
  /** The id of the key. */
  readonly key: string;
  /** The address of the client, as `createClientOf` finds it. */
  readonly client: string;
}

/** What an answer turned out to be. */
type Delivered = Pick<DeliveryEnd, 'feed' | 'format' | 'revision' | 'reach'>;

/** Stands for feeds and formats that the partner has not: their names are the client's own words, which may be a key. */
const UNKNOWN: Delivered = { feed: 'unknown', format: 'unknown', revision: 0 };

/** What an answer turned out to be, of each one that is followed. A reload begins an answer anew: it is one delivery. */
const followed = new WeakMap<ServerResponse, { delivered: Delivered }>();

/**
 * Records an answer to a partner when it ends. To be called before the answer is decided. It was sent whole if its last byte
 * went to the operating system while the client was there.
 *
 * @param at the moment that the answer describes; by default the present one
 *
 * @returns a function to be called as soon as it is known what the answer has
 */
export function recordDelivery(
  request: IncomingMessage,
  response: ServerResponse,
  { recorder, client, ...owner }: DeliveryParts,
  at?: Instant,
): (delivered: Delivered) => void {
  const known = followed.get(response);
  const answer = known ?? { delivered: UNKNOWN };
  const note = (delivered: Delivered) => {
    answer.delivered = delivered;
  };
  if (known !== undefined) return note;
  followed.set(response, answer);
  const { socket } = response;
  const before = socket?.bytesWritten ?? 0;
  const end = recorder.begin({ ...owner, network: wideNetworkOf(client) }, at);
  response.once('close', () => {
    const isFinished = response.writableFinished;
    const length = request.method === 'HEAD' ? 0 : (contentOf(response)?.bytes ?? 0);
    // Of an answer that broke off, what the connection took, with its head: Node does not say how much of it left.
    const bytes = isFinished ? length : Math.min(length, (socket?.bytesWritten ?? 0) - before);
    const isWhole = isFinished && request.method !== 'HEAD';
    const status = response.headersSent ? response.statusCode : CLIENT_LEFT;
    end({ ...answer.delivered, status, bytes, isWhole });
  });
  return note;
}

/** As in the log: the client left before the answer. */
const CLIENT_LEFT = 499;

const IPV4_BITS = 24;
const IPV6_BITS = 48;

/** The network of a client, so wide that it names no subscriber: `192.0.2.0/24`, `2001:db8:1::/48`. */
export const wideNetworkOf = memo(readNetwork, { max: 1000, maxLength: 100 });

function readNetwork(address: string): string {
  const [withoutZone = ''] = address.split('%', 1);
  if (!ipaddr.isValid(withoutZone)) return 'unknown';
  const parsed = ipaddr.process(withoutZone);
  const bits = parsed.kind() === 'ipv4' ? IPV4_BITS : IPV6_BITS;
  const bytes = parsed.toByteArray().map((byte, index) => (index * 8 < bits ? byte : 0));
  return `${ipaddr.fromByteArray(bytes).toString()}/${bits}`;
}
