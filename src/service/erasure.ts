import { join } from 'node:path';
import { refuseHeldArticles } from '../ingest/folder/holding-files.ts';
import type { Erasure, Publisher } from '../publish/publish.ts';
import { ERASED, type LocalSetting, type Outcome, type Store, type StoredRecord } from '../store/store.ts';
import { mediaFilesOf, unusedMedia } from './erased-media.ts';
import { removeErasedSince, removeRejectedRecords } from './rejected-files.ts';

/** The store's setting: `yes` where a file of refused records may still have the record of an erased article. */
const FILES_REMAIN: LocalSetting = 'erased-files-remain';

/** The results of erasures. */
export interface Erased {
  /** In the order of the erasures. */
  readonly outcomes: readonly Outcome[];
  /** Files in media/ that the articles named and that no other article names, by their paths below the data folder. */
  readonly media: readonly string[];
  /** For each place that may still have text of the articles, why. */
  readonly remains: readonly string[];
}

/** Erases articles for good. */
export type Erase = (erasures: readonly Erasure[]) => Promise<Erased>;

interface EraserParts {
  /** Absolute path of the data folder. */
  readonly path: string;
  readonly store: Store;
  readonly publisher: Pick<Publisher, 'erase'>;
  /** Called before the files of the store are rewritten, which may take minutes. */
  readonly onRewrite?: () => void;
}

/**
 * Returns a function that erases articles from the store, from its files, and from the files of refused records.
 *
 * The function throws `file_holds_article` where a file in articles/ holds one of the articles: none is erased then.
 */
export function createEraser({ path, store, publisher, onRewrite = () => {} }: EraserParts): Erase {
  return async (erasures) => {
    const stories = await storiesOf(store, erasures);
    const articles = stories.map(({ article }) => article);
    await refuseHeldArticles(join(path, 'articles'), articles, await store.sources());
    const files = await mediaNamedBy(stories, join(path, 'media'));
    const outcomes = await publisher.erase(erasures);
    const erased = outcomes.filter(({ result }) => result === 'erased' || result === 'unchanged').map(({ id }) => id);
    const erasedArticles = articles.filter(({ id }) => erased.includes(id));
    if (erasedArticles.length === 0) return { outcomes, media: [], remains: [] };
    const remains = await removeRejectedRecords(store, path, erasedArticles);
    if (remains.length > 0) await store.saveSetting(FILES_REMAIN, 'yes');
    onRewrite();
    const reason = await store.overwriteErased();
    if (reason !== undefined) remains.push(`the store: ${reason}`);
    const named = erased.flatMap((id) => files.get(id) ?? []);
    const media = await unusedMedia(store, [...new Set(named)]);
    return { outcomes, media: media.map((file) => `media/${file}`), remains };
  };
}

/**
 * Completes erasures that were interrupted: the store erases an article first, the files follow.
 *
 * @returns why text may still be there; undefined where none is left
 */
export async function completeErasures({
  path,
  store,
}: Pick<EraserParts, 'path' | 'store'>): Promise<string | undefined> {
  const filesRemain = (await store.setting(FILES_REMAIN)) === 'yes';
  if (!filesRemain && (await store.setting(ERASED)) === undefined) return undefined;
  const remains = [...(await removeErasedSince({ store, path }, 0))];
  if (filesRemain !== remains.length > 0) await store.saveSetting(FILES_REMAIN, filesRemain ? 'no' : 'yes');
  const reason = await store.overwriteErased();
  if (reason !== undefined) remains.push(`the store: ${reason}`);
  return remains.length === 0 ? undefined : remains.join('; ');
}

async function storiesOf(store: Pick<Store, 'find'>, erasures: readonly Erasure[]): Promise<readonly StoredRecord[]> {
  const found = await Promise.all(erasures.map(({ id }) => store.find(id)));
  return found.filter((stored) => stored !== undefined);
}

/** The files in media/ that each story names. */
async function mediaNamedBy(
  stories: readonly StoredRecord[],
  folder: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const files = new Map<string, readonly string[]>();
  for (const story of stories) files.set(story.article.id, await mediaFilesOf(story, folder));
  return files;
}
