import type { Publication } from '../config/publication.ts';
import { DIALECTS_BY_NAME } from '../format/dialect/registry.ts';
import type { Instant } from '../lib/instant.ts';
import { type ChangeAnswers, createChangeAnswers } from '../partner/change-answers.ts';
import { type ChangeItemsParts, createChangeItems } from '../partner/change-items.ts';
import type { Store } from '../store/store.ts';

interface PartnerChangesParts extends Pick<ChangeItemsParts, 'report'> {
  readonly store: Store;
  readonly publication: Publication;
  readonly now: () => Instant;
}

/** The change feed of a publication's partners, with every dialect. */
export function openChanges({ store, publication, now, report }: PartnerChangesParts): ChangeAnswers {
  const items = createChangeItems({ publication, dialects: DIALECTS_BY_NAME, report });
  return createChangeAnswers({ store, publication, items, now });
}
