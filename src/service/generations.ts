import type { Publication } from '../config/publication.ts';
import type { DocumentCache } from '../document/cache.ts';
import { configurationInForce, configurationOf } from '../publish/refresh.ts';
import type { Store } from '../store/store.ts';
import type { DocumentParts, Documents } from './documents.ts';

/** A publication with everything that is made by it. */
export interface Generation {
  readonly publication: Publication;
  /** See `configurationOf`. */
  readonly configuration: string;
  readonly documents: Documents;
}

interface GenerationParts {
  readonly store: Store;
  readonly publication: Publication;
  readonly open: (publication: Publication, parts: Pick<DocumentParts, 'externalChanges' | 'hasEnded'>) => Documents;
  readonly fail: (error: unknown) => void;
}

export interface Generations {
  readonly current: () => Generation;
  /** The documents of the publication that is in force, whichever it is by then. */
  readonly documents: Pick<Documents, 'forgetErased' | 'keptDocuments' | 'keptEntries'> & Pick<DocumentCache, 'forget'>;
  /** Sets the function that answers with another generation from now on. */
  readonly onReplace: (replace: (generation: Generation) => void) => void;
  /** Opens the documents of a publication, and renders the entries of those that are requested now. */
  readonly prepare: (publication: Publication) => Promise<void>;
  /** Serves the publication that was prepared. A request that waits for a document gets one of this publication. */
  readonly replace: () => void;
  /** The same, if the publication that was prepared is in force. */
  readonly replaceIfInForce: () => Promise<void>;
  readonly followExternalChanges: () => void;
  readonly close: () => Promise<void>;
}

/**
 * The publications of a service, one after the other. A document is made by one of them: as soon as another one serves, work on
 * a document ends with an error, and the request goes to the next generation.
 */
export function openGenerations({ store, publication, open, fail }: GenerationParts): Generations {
  let isFollowing = false;
  let answerWith: (generation: Generation) => void = () => {};
  let current = generationOf(publication);
  let next: Generation | undefined;
  const ended = new WeakSet<Documents>();
  const closing = new Set<Promise<void>>();

  function generationOf(own: Publication): Generation {
    const generation: Generation = {
      publication: own,
      configuration: configurationOf(own),
      documents: open(own, {
        async hasEnded() {
          await replaceIfInForce();
          return ended.has(generation.documents);
        },
        externalChanges: {
          mayHaveExternalChanges: store.mayHaveExternalChanges,
          async takeExternallyChangedFeeds() {
            const keys = await store.takeExternallyChangedFeeds();
            await replaceIfInForce();
            // Whoever takes the changes has to tell the others.
            if (current !== generation) current.documents.documentCache.forget(keys);
            return keys;
          },
        },
      }),
    };
    return generation;
  }

  function end(generation: Generation): void {
    ended.add(generation.documents);
    close(generation);
  }

  function close({ documents }: Generation): void {
    const closed = documents.documentCache
      .close()
      .catch(fail)
      .finally(() => closing.delete(closed));
    closing.add(closed);
  }

  function replace(): void {
    if (next === undefined) return;
    const before = current;
    current = next;
    next = undefined;
    const hot = before.documents.documentCache.hot();
    end(before);
    answerWith(current);
    if (isFollowing) current.documents.documentCache.followExternalChanges();
    current.documents.documentCache.warm(hot);
  }

  async function replaceIfInForce(): Promise<void> {
    const wanted = next;
    if (wanted === undefined) return;
    const inForce = await configurationInForce(store);
    if (inForce === wanted.configuration && next === wanted) replace();
  }

  return {
    current: () => current,
    documents: {
      forget: (keys) => current.documents.documentCache.forget(keys),
      forgetErased: () => current.documents.forgetErased(),
      keptDocuments: () => current.documents.keptDocuments(),
      keptEntries: () => current.documents.keptEntries(),
    },
    onReplace(to) {
      answerWith = to;
    },
    async prepare(wanted) {
      if (next !== undefined) end(next);
      next = undefined;
      if (configurationOf(wanted) === current.configuration) return;
      const prepared = generationOf(wanted);
      await prepared.documents.renderEntries(current.documents.documentCache.hot());
      next = prepared;
    },
    replace,
    replaceIfInForce,
    followExternalChanges() {
      isFollowing = true;
      current.documents.documentCache.followExternalChanges();
    },
    async close() {
      if (next !== undefined) close(next);
      close(current); // it ends nothing that it has begun
      await Promise.all(closing);
    },
  };
}
