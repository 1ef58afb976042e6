import type { Publication } from '../config/publication.ts';
import { describeFeed, type FeedKey, feedPath, LATEST, type NamedKey } from '../feed/feeds.ts';
import { OPML_TAIL, opmlFeed, opmlGroup, opmlHead } from '../format/opml.ts';
import type { Instant } from '../lib/instant.ts';
import { createYieldToLoop } from '../lib/yield-to-loop.ts';
import { feedAddress } from '../pages/addresses.ts';
import { GROUPS, type GroupKind } from '../pages/index-page.ts';
import { kindOf } from '../pages/kinds.ts';
import { textsFor } from '../pages/texts.ts';
import type { Store } from '../store/store.ts';
import { seenInPieces } from './seen-feeds.ts';
import type { MadeFile } from './site-file.ts';

interface Parts {
  readonly store: Pick<Store, 'feedKeys' | 'seenFeeds'>;
  readonly publication: Publication;
}

type Feeds = readonly NamedKey[];

/** Feeds that are written at once. */
const WRITTEN_TOGETHER = 200;

/** The feeds that readers can get, in the order of their keys; the operator's in that of publication.yaml. */
export async function publicFeeds({ store, publication }: Parts, at: Instant): Promise<Feeds> {
  const gone = new Set<FeedKey>([LATEST, ...publication.retired.map(({ feed }) => feed)]);
  const custom = publication.feeds.map(({ id }) => id);
  const keys = (await store.feedKeys()).filter((key) => kindOf(key) !== 'custom');
  const seen = await seenInPieces(store, [LATEST, ...keys.filter((key) => key !== LATEST), ...custom], at);
  return seen.filter(({ key }) => key === LATEST || !gone.has(key));
}

/** These feeds in one file, in the groups of the page of all feeds. */
export async function feedList(feeds: Feeds, publication: Publication): Promise<MadeFile> {
  const { title, language, contact, feedsUrl, url, pages } = publication;
  const texts = textsFor(language, publication);
  const rest = createYieldToLoop();
  const groups = Map.groupBy(feeds, ({ key }) => kindOf(key));

  function line({ key, name }: NamedKey, depth: number): string {
    const htmlUrl = pages === undefined ? url : feedsUrl + feedAddress(key);
    return opmlFeed(
      { ...describeFeed(key, name, publication), xmlUrl: feedsUrl + feedPath(key, 'rss'), htmlUrl },
      depth,
    );
  }

  async function lines(listed: Feeds, depth: number): Promise<string> {
    let text = '';
    for (let start = 0; start < listed.length; start += WRITTEN_TOGETHER) {
      await rest();
      for (const feed of listed.slice(start, start + WRITTEN_TOGETHER)) text += line(feed, depth);
    }
    return text;
  }

  let text = opmlHead({ title, ownerName: contact?.name, ownerEmail: contact?.email });
  text += await lines(groups.get(LATEST) ?? [], 0);
  for (const kind of Object.keys(GROUPS) as GroupKind[]) {
    const group = groups.get(kind) ?? [];
    if (group.length === 0) continue;
    const [begin, end] = opmlGroup(texts.text(GROUPS[kind].title));
    text += begin + (await lines(group, 1)) + end;
  }
  return { type: 'text/x-opml', bytes: Buffer.from(text + OPML_TAIL) };
}
