import ipaddr from 'ipaddr.js';
import type { Context, DocumentRule, NewsroomRule, Rule } from '../rule.ts';

const PUBLICATION = 'publication.yaml';

const SELF_LINK: Rule = {
  id: 'self-link',
  level: 'error',
  title: 'Self links that lead elsewhere',
  consumer: 'every reader that subscribes by the self link, such as Feedbin',
  source: 'https://validator.w3.org/feed/docs/warning/SelfDoesntMatchLocation.html',
  read: '2026-11-30',
};

/** The documents of all feeds have one base, so that one finding says it for all. */
const wrongBase: NewsroomRule = {
  ...SELF_LINK,
  *survey(_survey, { publication: { feedsUrl } }) {
    if (isOfThisMachine(feedsUrl)) {
      const message =
        'is the base of all self links, and only this machine or network can open it: name the public address';
      yield { file: PUBLICATION, field: 'feedsUrl', value: feedsUrl, message };
    }
  },
};

/** The option of a start replaces feedsUrl: a start without it would give all feeds other self links. */
const otherBase: NewsroomRule = {
  ...SELF_LINK,
  id: 'self-link-option',
  level: 'warning',
  title: 'Self links that an option changes',
  *survey(_survey, { publication: { feedsUrl }, servedAt }) {
    if (servedAt === undefined || servedAt === feedsUrl) return;
    const message = `is not ${servedAt}, where readers reach the service: a start without --public-url gives all feeds other self links`;
    yield { file: PUBLICATION, field: 'feedsUrl', value: feedsUrl, message };
  },
};

/** The feeds of the operator that are retired as well: their self links lead to other feeds, or to 410. */
const retiredSelf: NewsroomRule = {
  ...SELF_LINK,
  *survey(_survey, { publication: { retired, feeds } }) {
    const ids = new Set(feeds.map(({ id }) => id));
    for (const [index, { feed, movedTo }] of retired.entries()) {
      if (!ids.has(feed) && feed !== 'latest') continue;
      const end = movedTo === undefined ? '410' : `308 to ${movedTo}`;
      const message = `is a feed of this publication, and its address answers ${end}: remove it from feeds or from retired`;
      yield { file: PUBLICATION, field: `retired[${index}].feed`, value: feed, feed, message };
    }
  },
};

/** Each document is compared with its own address. */
const otherSelf: DocumentRule = {
  ...SELF_LINK,
  *inspect({ feed, format, self, path }, { publication }) {
    if (self === publication.feedsUrl + path) return;
    const value = self ?? 'none';
    yield { feed, field: format, value, message: `is the self link of the document at ${publication.feedsUrl}${path}` };
  },
};

const sitemapHost: NewsroomRule = {
  id: 'sitemap-host',
  level: 'warning',
  title: 'Addresses on hosts whose sitemaps do not count',
  consumer: 'search engines',
  source: 'https://developers.google.com/search/blog/2008/02/cross-submissions-via-robotstxt-on',
  read: '2026-11-30',
  *survey(survey, { publication: { url } }) {
    const site = new URL(url).host;
    for (const [host, { count, example }] of survey.hosts()) {
      if (host === site) continue;
      const stories = count === 1 ? 'this story' : `${count} stories`;
      const message = `${stories} on ${host}, and url names ${site}: search engines skip them in the sitemap unless the robots.txt of ${host} names it`;
      yield {
        article: example.id,
        ...(example.file === undefined ? {} : { file: example.file }),
        field: 'url',
        value: example.url,
        message,
      };
    }
  },
};

/** Whether an address leads to this machine, or into a network that the public internet does not reach. */
function isOfThisMachine(url: Context['publication']['feedsUrl']): boolean {
  const { hostname } = new URL(url);
  if (hostname === 'localhost' || hostname.endsWith('.localhost') || hostname.endsWith('.local')) return true;
  const host = hostname.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(host) && ipaddr.process(host).range() !== 'unicast';
}

export const ADDRESSES: readonly NewsroomRule[] = [wrongBase, retiredSelf, otherBase, sitemapHost];
export const ADDRESS_DOCUMENTS: readonly DocumentRule[] = [otherSelf];
