import type { Partner } from '../config/partners.ts';
import type { Reach } from '../store/delivery-store.ts';

/** Takes a feed of a partner whose document lists as many withdrawals as it may have, and no older one. */
export type OnFull = (partner: Pick<Partner, 'id'>, feed: string) => void;

/** Feeds that are remembered as full. */
const MAX_REMEMBERED = 10_000;

/** Reports each feed when it becomes full of withdrawals, and not again while it stays full. */
export function createFullReports(onFull: OnFull) {
  const full = new Set<string>();
  return (partner: Pick<Partner, 'id'>, feed: string, reach: Reach | undefined): void => {
    const name = `${partner.id} ${feed}`;
    if (reach === undefined || reach.endsFromNumber === 0) {
      full.delete(name);
      return;
    }
    if (full.has(name)) return;
    if (full.size >= MAX_REMEMBERED) full.clear();
    full.add(name);
    onFull(partner, feed);
  };
}
