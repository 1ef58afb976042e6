import type { Representations } from '../../document/representation.ts';
import { type DocumentFormat, type FeedKey, FORMATS } from '../../feed/feeds.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { createArchiveParts } from './archive-parts.ts';
import { feedDocument } from './feed-documents.ts';
import { earliest, type SiteRun } from './site-run.ts';

/** How often a feed is written again because it has changed meanwhile. */
const ATTEMPTS = 5;

/** The part of the manifest that has the current documents of a feed. */
export function feedPart(key: FeedKey): string {
  return `feeds/${key}`;
}

/** Writes feeds: their archives first, so that no document leads to a page that is not there yet. */
export function createFeedParts(run: SiteRun) {
  const { store, publication, at, documentCache, writer, parts } = run;
  const formats: readonly DocumentFormat[] = publication.pages === undefined ? FORMATS : [...FORMATS, 'html'];
  const archives = createArchiveParts(run);

  async function currentDocuments(key: FeedKey, only: readonly DocumentFormat[]): Promise<Representations[]> {
    const found: Representations[] = [];
    for (const format of only) {
      const representations = await documentCache.get(key, format);
      if (representations !== undefined) found.push(representations);
    }
    return found;
  }

  async function finish(key: FeedKey, documents: readonly Representations[], surroundings: string): Promise<void> {
    const name = feedPart(key);
    const part = await writer.open(name);
    const isWhole = documents.length === formats.length;
    if (!isWhole) part.keepAll();
    await Promise.all(documents.map((representations) => part.put(feedDocument(run, representations))));
    await part.finish();
    const before = isWhole ? undefined : parts.get(name)?.until;
    const until = earliest([before, ...documents.map(({ document }) => document.nextChangeAt)]);
    const { revision } = isWhole ? run : (parts.get(name) ?? run);
    parts.set(name, omitUndefined({ revision, version: surroundings, until }));
  }

  return {
    /**
     * Writes a feed that has changed. If it changes meanwhile, its archive is looked at again before its documents are written.
     *
     * @param surroundings names what its page shows of other feeds
     */
    async write(key: FeedKey, surroundings: string): Promise<void> {
      let documents: readonly Representations[] = [];
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const revision = await store.lastRevision();
        if (attempt > 1) documentCache.forget([key]);
        const snapshot = await store.snapshot(key, at, { limit: 1, tombstonesFor: 0 });
        if (snapshot === undefined) return drop(key); // it was erased since the export began
        await archives.write(key, snapshot.archive?.open);
        documents = await currentDocuments(key, formats);
        await Promise.all(documents.map(({ body }) => body.bytes('gzip')));
        if (!(await store.feedsChangedAfter(revision)).includes(key)) break;
      }
      await finish(key, documents, surroundings);
    },
    /** Writes the page of a feed that has not changed itself. */
    writePage: async (key: FeedKey, surroundings: string): Promise<void> =>
      finish(key, await currentDocuments(key, ['html']), surroundings),
    drop,
  };

  /** Removes everything of a feed that readers can get no more. */
  async function drop(key: FeedKey): Promise<void> {
    for (const name of [feedPart(key), ...archives.of(key)]) {
      await writer.drop(name);
      parts.delete(name);
    }
  }
}
