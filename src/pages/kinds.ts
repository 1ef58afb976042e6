import { type FeedKey, LATEST } from '../feed/feeds.ts';
import type { FeedKind, OwnKind } from '../store/store.ts';

export const OWN_KINDS: readonly OwnKind[] = ['section', 'language', 'tag', 'author'];

/** `section/world` → `section`; the kind of a feed that the operator defines is `custom`. */
export function kindOf(key: FeedKey): FeedKind {
  const kind = key.slice(0, Math.max(0, key.indexOf('/')));
  return OWN_KINDS.find((own) => own === kind) ?? (key === LATEST ? LATEST : 'custom');
}
