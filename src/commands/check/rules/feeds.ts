import { REDIRECTS_FILE } from '../../../config/redirects/recorded-redirects.ts';
import type { FeedKey, Selection } from '../../../feed/feeds.ts';
import { didYouMean } from '../../../lib/nearest-word.ts';
import { kindOf } from '../../../pages/kinds.ts';
import type { DocumentRule, NewsroomRule, Sighting } from '../rule.ts';
import type { Survey } from '../survey.ts';

const OWN = { consumer: 'every reader of the feed', read: '2026-11-30' } as const;
const CONFIGURE = 'docs/configure.md#feeds-of-your-own';
const PUBLICATION = 'publication.yaml';

const retiredTarget: NewsroomRule = {
  ...OWN,
  id: 'retired-target',
  level: 'error',
  title: 'Retired feeds that lead nowhere',
  source: 'docs/configure.md#feeds-that-are-gone',
  *survey(survey, { publication: { retired } }) {
    for (const [index, { feed, movedTo }] of retired.entries()) {
      if (movedTo === undefined || survey.hasFeed(movedTo)) continue;
      const message = `is no feed: readers of ${feed} get 404. Name another feed, or leave movedTo out${meant(movedTo, survey)}`;
      yield { file: PUBLICATION, field: `retired[${index}].movedTo`, value: movedTo, feed, message };
    }
  },
};

const redirectTarget: NewsroomRule = {
  ...OWN,
  id: 'redirect-target',
  level: 'warning',
  title: 'Old addresses that lead nowhere',
  source: 'docs/configure.md#old-addresses',
  *survey(survey, { publication: { redirects }, recorded }) {
    const message = 'has no story: readers of the old address get 404 until it has one';
    for (const [index, redirect] of redirects.entries()) {
      if (!('target' in redirect) || redirect.target === 'gone' || survey.hasFeed(redirect.target.key)) continue;
      const { key } = redirect.target;
      yield { file: PUBLICATION, field: `redirects[${index}].to`, value: key, message: message + meant(key, survey) };
    }
    for (const { feed, line } of recorded.targets)
      if (!survey.hasFeed(feed)) yield { file: REDIRECTS_FILE, line, field: '', value: feed, message };
    for (const { field, value, rule, line } of recorded.problems) {
      yield {
        file: REDIRECTS_FILE,
        ...(line === undefined ? {} : { line }),
        field,
        ...(value === undefined ? {} : { value }),
        message: rule,
      };
    }
  },
};

const emptyRule: NewsroomRule = {
  ...OWN,
  id: 'rule-matches-nothing',
  level: 'warning',
  title: 'Rules that match nothing',
  source: CONFIGURE,
  *survey(survey, { publication: { feeds } }) {
    if (survey.articles() === 0) return;
    for (const [index, { id, select }] of feeds.entries()) {
      if (!survey.feeds().has(id)) {
        const message = `selects no article: the feed is empty${unknownKeys(select, survey)}`;
        yield { file: PUBLICATION, field: `feeds[${index}].select`, value: id, feed: id, message };
        continue;
      }
      for (const part of ['any', 'none'] as const) {
        for (const [at, key] of select[part].entries()) {
          if (survey.hasFeed(key)) continue;
          const message = `is no feed, so that the rule for ${id} has no use for it${meant(key, survey)}`;
          yield { file: PUBLICATION, field: `feeds[${index}].select.${part}[${at}]`, value: key, feed: id, message };
        }
      }
    }
  },
};

/** `. No article has section/wrold. Did you mean section/world?` */
function unknownKeys({ any, all }: Selection, survey: Survey): string {
  const unknown = [...any, ...all].filter((key) => !survey.hasFeed(key));
  return unknown.map((key) => `. No article has ${key}${meant(key, survey)}`).join('');
}

function meant(key: FeedKey, survey: Survey): string {
  return didYouMean(survey.nearest(key));
}

const withoutLink: NewsroomRule = {
  ...OWN,
  id: 'feed-without-link',
  level: 'warning',
  title: 'Feeds that no page links to',
  source: 'docs/pages.md',
  *survey(survey, { linked, publication }): Iterable<Sighting> {
    if (linked === undefined) {
      const message =
        'is off: no page of this service links to a feed. Put the lines of docs/be-found.md into your own site';
      yield { file: PUBLICATION, field: 'pages', value: 'off', message };
      return;
    }
    const seen = [...survey.feeds()].filter(([, tally]) => tally.count('visible') > 0).map(([key]) => key);
    const retired = new Set(publication.retired.map(({ feed }) => feed));
    const all = new Set([...seen, ...publication.feeds.map(({ id }) => id)]);
    const missing = [...all].filter((feed) => !linked.has(feed) && !retired.has(feed));
    const limit = 'not on the page of all feeds, which lists 100 of a kind: people find';
    for (const [kind, [feed = '', ...others]] of Map.groupBy(missing, kindOf)) {
      // A newsroom has more topics and authors than a page can list. Its own feeds it has chosen.
      const message =
        others.length === 0
          ? `is ${limit} it by a search alone`
          : `and ${others.length} more are ${limit} them by a search alone`;
      if (kind !== 'custom') yield { feed, field: '', message };
      else
        for (const own of [feed, ...others])
          yield { feed: own, field: '', message: `is ${limit} it by a search alone` };
    }
  },
};

/** Bytes of a feed. */
const SMARTNEWS_FEED = 1024 * 1024;

const largeFeed: DocumentRule = {
  id: 'smartnews-feed-size',
  level: 'warning',
  title: 'Feeds too large for SmartNews',
  consumer: 'SmartNews',
  source: 'https://publishers.smartnews.com/hc/ja/articles/360036526213',
  read: '2026-11-30',
  *inspect({ feed, format, bytes }) {
    if (format !== 'rss' || bytes <= SMARTNEWS_FEED) return;
    const message = `the RSS feed has ${bytes} bytes: SmartNews recommends no more than ${SMARTNEWS_FEED}. Give it fewer entries`;
    yield { feed, field: 'entries', message };
  },
};

export const FEEDS: readonly NewsroomRule[] = [retiredTarget, redirectTarget, emptyRule, withoutLink];
export const FEED_DOCUMENTS: readonly DocumentRule[] = [largeFeed];
