/** Attributes that the sanitizer removes from an element that stays. */
import { type ChangeCounts, countAdjustment, countAttribute } from './change-counts.ts';
import { WEB_ADDRESSES } from './sanitize-rules.ts';

const ADDRESSES = new Set(['href', ...WEB_ADDRESSES]);

/** Counts an allowed attribute that is removed, because its address has no target, or its value is empty. */
export function countLostAttribute(counts: ChangeCounts, name: string, value: string): void {
  if (ADDRESSES.has(name)) countAdjustment(counts, 'address_removed', { noun: `${name} attribute` }, () => value);
  else if (name === 'srcset') countAdjustment(counts, 'srcset_changed', { noun: 'srcset attribute' }, () => value);
  else if (name === 'sandbox') countAdjustment(counts, 'sandbox_replaced', { noun: 'sandbox attribute' }, () => value);
  else countAttribute(counts, name);
}

/** Counts an address that is removed from a `srcset` in which others stay. */
export function countLostCandidate(counts: ChangeCounts, address: string): void {
  countAdjustment(counts, 'srcset_changed', { noun: 'srcset candidate' }, () => address);
}
