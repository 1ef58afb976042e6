import { rfc3339 } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { RecordedDelivery, RecordingGap } from '../store/delivery-store.ts';
import type { Receipt, TrackedEnd } from './receipts.ts';

/** A delivery as the API and the command line have it. */
export function deliveryView({ at, partner, key, feed, format, status, bytes, isWhole, ...rest }: RecordedDelivery) {
  const { revision, network } = rest;
  return { at: rfc3339(at), partner, key, feed, format, status, bytes, whole: isWhole, revision, network };
}

export function gapView({ from, to }: RecordingGap) {
  return { from: rfc3339(from), to: rfc3339(to) };
}

/** A withdrawal, the end of a licence or a correction as the API and the command line have it. */
export function endView({ id, publicId, ending, at, publishedAt, title, url, reason, note, receipts }: TrackedEnd) {
  return omitUndefined({
    article: id,
    publicId,
    kind: ending,
    at: rfc3339(at),
    published: rfc3339(publishedAt),
    title: title === '' ? undefined : title,
    url: url === '' ? undefined : url,
    reason,
    note,
    receipts: receipts.map(receiptView),
  });
}

function receiptView(receipt: Receipt) {
  const { partner, state } = receipt;
  if (receipt.state === 'seen') {
    const { at, key, feed } = receipt;
    return { partner, state, at: rfc3339(at), key, feed };
  }
  if (receipt.state === 'left out') return { partner, state, rule: receipt.rule };
  return receipt.state === 'expired' ? { partner, state, known: receipt.known } : { partner, state };
}
