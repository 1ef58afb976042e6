import type { Problem } from '../../errors.ts';
import type { Instant } from '../../lib/instant.ts';
import type { ParsedRecord } from '../../publish/unparsed-record.ts';
import { erasedId, identityProblem, takenPublicId } from '../../store/sqlite/identity-ledger.ts';
import type { StoredArticles } from '../../store/sqlite/stored-articles.ts';
import type { StoredRecord } from '../../store/store.ts';

interface LedgerParts {
  readonly stored: StoredArticles | undefined;
  readonly at: Instant;
}

interface LedgerProblem {
  readonly problem: Problem;
  /** Readers would see the story again, under another id. */
  readonly isChangedId: boolean;
}

/** The rule of the identity ledger that a record of a file breaks, as the store would say it; undefined if it breaks none. */
export async function ledgerProblem(
  { article, hasDerivedPublicId }: ParsedRecord,
  known: StoredRecord | undefined,
  { stored, at }: LedgerParts,
): Promise<LedgerProblem | undefined> {
  if (stored === undefined) return undefined;
  if (known?.isErased === true) return { problem: erasedId(article.id), isChangedId: false };
  if (known !== undefined) {
    const { publicId, publishedAt, withdrawn } = known.article;
    const kept = hasDerivedPublicId === true ? { ...article, publicId } : article;
    const row = { public_id: publicId, published: publishedAt, withdrawn: withdrawn?.at ?? null };
    const problem = identityProblem(kept, row, at);
    if (problem !== undefined) return { problem, isChangedId: problem.field === 'publicId' };
  }
  if (hasDerivedPublicId === true) return undefined;
  const owner = await stored.ownerOf(article.publicId);
  if (owner === undefined || owner === article.id) return undefined;
  return { problem: takenPublicId(article.publicId, { id: owner, erased: 0 }), isChangedId: false };
}
