import { hash } from 'node:crypto';
import type { Representations } from '../../document/representation.ts';
import { FORM_CODINGS, modifiedSecond } from '../../document/site-manifest.ts';
import { type DocumentFormat, type FeedKey, FORMATS } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { ListedPage } from '../../store/store.ts';
import { feedDocument, fileOf } from './feed-documents.ts';
import type { PartWriter } from './part-writer.ts';
import { earliest, isCurrent, type SiteRun } from './site-run.ts';
import type { PageState } from './site-state.ts';

/** Pages of an archive in one part of the manifest: a change must not rewrite the list of a whole history. */
const PAGES_IN_PART = 1000;
/** Pages of an archive that are made at once: compression has four threads. */
const MADE_TOGETHER = 4;

/** A page of an archive with the next older one, to which its page for people leads. */
interface PageToWrite extends ListedPage {
  readonly older: ListedPage | undefined;
}

function archivePart(key: FeedKey, number: number): string {
  return `archives/${key}/${number}`;
}

/** The key of the feed whose archive a part of the manifest has; undefined for other parts. */
export function feedOfArchivePart(part: string): FeedKey | undefined {
  return /^archives\/(.+)\/\d+$/.exec(part)?.[1];
}

/** Writes the archives of feeds: the pages that have changed since the last export. */
export function createArchiveParts(run: SiteRun) {
  const { store, publication, at, documentCache, writer, parts, throwIfStopped } = run;
  const formats: readonly DocumentFormat[] = publication.pages === undefined ? FORMATS : [...FORMATS, 'html'];
  /** The parts of the last export, by the keys of their feeds. */
  const known = Map.groupBy(writer.parts(), feedOfArchivePart);

  /** Makes the documents of a page in all codings. */
  async function makePage(key: FeedKey, page: PageToWrite): Promise<Representations[]> {
    const found = await Promise.all(formats.map((format) => documentCache.get(key, format, page.page)));
    const documents = found.filter((representations) => representations !== undefined); // a page may be divided meanwhile
    await Promise.all(documents.flatMap(({ body }) => FORM_CODINGS.map((coding) => body.bytes(coding))));
    return documents;
  }

  /** Writes the documents of a page. Returns what its dates do not tell. */
  async function putPage(
    page: PageToWrite,
    documents: readonly Representations[],
    part: PartWriter,
  ): Promise<PageState | undefined> {
    await Promise.all(documents.map((representations) => part.put(feedDocument(run, representations))));
    const until = earliest(documents.map(({ document }) => document.nextChangeAt));
    const isDated = documents.every(
      ({ document: { changedAt, format } }) => modifiedSecond(changedAt) === modifiedSecond(listedChange(page, format)),
    );
    return isDated && until === undefined ? undefined : omitUndefined({ version: versionOf(page), until });
  }

  function isWritten(key: FeedKey, page: PageToWrite, part: PartWriter, state: PageState | undefined): boolean {
    if (state !== undefined) return state.version === versionOf(page) && (state.until ?? Infinity) > at;
    return formats.every((format) => {
      const path = fileOf(run, key, format, page.page);
      return part.known.get(path)?.lastModified === modifiedSecond(listedChange(page, format));
    });
  }

  /** @param open the number of the page that is not full yet: people find it at an address of its own */
  async function writeArchivePart(
    key: FeedKey,
    number: number,
    pages: readonly PageToWrite[],
    open: number | undefined,
  ): Promise<void> {
    const name = archivePart(key, number);
    const before = parts.get(name);
    const version = hash('sha256', pages.map((page) => `${page.page} ${versionOf(page)}`).join('\n'), 'base64url');
    if (open === undefined && before?.version === version && isCurrent(before, at)) return;
    const part = await writer.open(name);
    const states: Record<string, PageState> = {};
    for (let start = 0; start < pages.length; start += MADE_TOGETHER) {
      throwIfStopped();
      const together = pages.slice(start, start + MADE_TOGETHER).map((page) => {
        const isSame = before !== undefined && isWritten(key, page, part, before.pages?.[page.page]);
        return { page, documents: isSame ? undefined : makePage(key, page) };
      });
      await Promise.all(together.map(({ documents }) => documents));
      // In their order: each page leads to the older one.
      for (const { page, documents } of together) {
        if (documents === undefined) for (const format of formats) part.keep(fileOf(run, key, format, page.page));
        const kept = before?.pages?.[page.page];
        const state = documents === undefined ? kept : await putPage(page, await documents, part);
        if (state !== undefined) states[page.page] = state;
      }
    }
    const ownPage = open === undefined ? undefined : await documentCache.get(key, 'html', open);
    if (ownPage !== undefined) await part.put(feedDocument(run, ownPage));
    await part.finish();
    const until = earliest([ownPage?.document.nextChangeAt, ...Object.values(states).map((state) => state.until)]);
    if (writer.has(name)) parts.set(name, omitUndefined({ version, until, pages: states }));
    else parts.delete(name);
  }

  return {
    /**
     * Writes the archive of a feed, oldest pages first.
     *
     * @param open the number of the page that is not full yet
     */
    async write(key: FeedKey, open: number | undefined): Promise<void> {
      const pages = await store.archivePages(key, at);
      const withOlder = pages.map((page, index): PageToWrite => ({ ...page, older: pages[index - 1] }));
      const byPart = Map.groupBy(withOlder, ({ page }) => Math.floor(page / PAGES_IN_PART));
      const openPart =
        open === undefined || publication.pages === undefined ? undefined : Math.floor(open / PAGES_IN_PART);
      const numbers = new Set([...byPart.keys(), ...(openPart === undefined ? [] : [openPart])]);
      for (const number of [...numbers].toSorted((one, other) => one - other))
        await writeArchivePart(key, number, byPart.get(number) ?? [], number === openPart ? open : undefined);
      for (const name of known.get(key) ?? []) {
        if (numbers.has(Number(name.slice(name.lastIndexOf('/') + 1)))) continue;
        await writer.drop(name);
        parts.delete(name);
      }
    },
    /** The parts of the last export that have the archive of a feed. */
    of: (key: FeedKey): readonly string[] => known.get(key) ?? [],
  };
}

/** When a document of a page changed last, as far as the list of pages tells. Pages for people name the days of the older one. */
function listedChange({ changedAt, older }: PageToWrite, format: DocumentFormat): Instant {
  return format === 'html' ? Math.max(changedAt, older?.changedAt ?? 0) : changedAt;
}

function versionOf({ changedAt, older }: PageToWrite): string {
  return `${changedAt} ${older?.page ?? 0} ${older?.changedAt ?? 0}`;
}
