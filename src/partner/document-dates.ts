import { secondOf } from '../document/representation.ts';
import type { Instant } from '../lib/instant.ts';
import { createLru } from '../lib/lru.ts';

/** A document that was made, and what the store says of its feed. */
interface MadeDocument {
  readonly digest: string;
  /** When anything in the feed changed last, by the store: also a story that the partner never gets. */
  readonly feedChangedAt: Instant;
  /** The moment of the document. */
  readonly at: Instant;
  /** Time alone has taken a story from it, by a rule of the dialect: nobody knows when. */
  readonly isAged?: boolean;
}

interface Known extends Pick<MadeDocument, 'digest' | 'feedChangedAt'> {
  readonly changedAt: Instant;
}

/** Documents whose dates are remembered. */
const MAX_REMEMBERED = 50_000;

/**
 * Says since when the document of a name is as it is. A change in the feed that does not change the document does not date it: the story
 * may be one that the partner's dialect, rights or urgency leave out. And where time alone changes the document, such as by a
 * rule about the age of stories, the store knows of no change: the document has the moment at which it was made. So has the first
 * document after a start: a client may have one in which the story still was.
 */
export function createDocumentDates(maxRemembered = MAX_REMEMBERED) {
  const known = createLru<string, Known>(maxRemembered);
  return (name: string, { digest, feedChangedAt, at, isAged = false }: MadeDocument): Instant => {
    const before = known.get(name);
    const changedAt = dateAfter(before, { digest, feedChangedAt, at, isAged });
    known.set(name, { digest, feedChangedAt, changedAt });
    return changedAt;
  };
}

function dateAfter(before: Known | undefined, { digest, feedChangedAt, at, isAged }: MadeDocument): Instant {
  if (before === undefined) return isAged ? laterThanServed(at, { feedChangedAt, at }) : feedChangedAt;
  if (digest === before.digest) return before.changedAt;
  const changedAt = feedChangedAt > before.feedChangedAt ? feedChangedAt : at;
  return laterThanServed(before.changedAt, { feedChangedAt: changedAt, at });
}

/** The greatest Last-Modified that a client of an earlier document can have must not fit this one. */
function laterThanServed(before: Instant, { feedChangedAt, at }: Pick<MadeDocument, 'feedChangedAt' | 'at'>): Instant {
  const given = Math.min(secondOf(before), Math.floor(at / 1000) * 1000);
  return secondOf(feedChangedAt) > given ? feedChangedAt : given + 1;
}
