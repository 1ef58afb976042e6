import type { RequestHandler } from 'express';
import type { Partner } from '../config/partners.ts';
import { rfc3339 } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { changesPath, feedsOf, partnerPath, partnerWithId } from '../partner/addresses.ts';
import type { SkippedStory } from '../partner/arranger.ts';
import { type ArticleParts, guard } from './articles.ts';
import { numbersIn, partnerIn, unknownPartner } from './delivery-overviews.ts';
import { query, queryInteger } from './query.ts';
import { respondWithJson } from './respond.ts';

type Handler = RequestHandler<{ path: string[] }>;

const PAGE = { fallback: 100, min: 1, max: 500 };

/** Lists the partners with the addresses of their feeds and change feeds, in the order of their ids. */
export function partnerListHandler({ publication, store, now, partnerDocuments }: ArticleParts): Handler {
  const { partners = [], feedsUrl } = publication;

  async function view(partner: Partner) {
    const { id, name, dialect, contentType } = partner;
    const formats = (await partnerDocuments?.formats(partner)) ?? [];
    const feeds = feedsOf(partner).map((feed) => ({
      feed: feed.name,
      addresses: Object.fromEntries(formats.map((format) => [format, feedsUrl + partnerPath(id, feed.name, format)])),
    }));
    return { partner: id, name, dialect, contentType, feeds, changes: feedsUrl + changesPath(id) };
  }

  return guard({ store, now })('read', async (request, response) => {
    const { cursor = '', limit } = query(request, ['cursor', 'limit']);
    const after = partners.filter(({ id }) => id > cursor);
    const shown = after.slice(0, queryInteger('limit', limit, PAGE));
    const next = after.length > shown.length ? shown.at(-1)?.id : undefined;
    respondWithJson(request, response, {
      body: omitUndefined({ partners: await Promise.all(shown.map(view)), cursor: next }),
    });
  });
}

/** Lists the stories that rules leave out of the feeds of a partner now. */
export function skippedListHandler({ publication, store, now, partnerDocuments }: ArticleParts): Handler {
  return guard({ store, now })('read', async (request, response) => {
    const { cursor, limit } = query(request, ['cursor', 'limit']);
    const id = partnerIn(request.path);
    const partner = partnerWithId(publication, id);
    if (partner === undefined) throw unknownPartner(id, publication);
    const size = queryInteger('limit', limit, PAGE);
    const feeds = feedsOf(partner);
    let [feed, from] = cursor === undefined ? [0, 0] : numbersIn(cursor);
    const skipped: ReturnType<typeof skippedView>[] = [];
    while (feed < feeds.length && skipped.length < size) {
      const name = feeds[feed]?.name ?? '';
      const stories = (await partnerDocuments?.skipped(partner, name)) ?? [];
      const some = stories.slice(from, from + size - skipped.length);
      skipped.push(...some.map((story) => skippedView(name, story)));
      [feed, from] = from + some.length < stories.length ? [feed, from + some.length] : [feed + 1, 0];
    }
    const next = feed < feeds.length ? `${feed}.${from}` : undefined;
    respondWithJson(request, response, { body: omitUndefined({ partner: id, skipped, cursor: next }) });
  });
}

/** A story that is left out, as the API returns it. */
function skippedView(feed: string, story: SkippedStory) {
  const { article, revision, since, rule, reason, field, asks, evidence, source, read } = story;
  const origin = source === '' ? {} : { evidence, source, read };
  return { feed, article, revision, since: rfc3339(since), rule, reason, field, asks, ...origin };
}
