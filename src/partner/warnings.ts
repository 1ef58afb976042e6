import type { MediaFacts } from '../article/media-facts.ts';
import type { Partner } from '../config/partners.ts';
import type { Publication } from '../config/publication.ts';
import type { Selection } from '../feed/feeds.ts';
import type { Dialect } from '../format/dialect/dialect.ts';
import { DIALECTS_BY_NAME } from '../format/dialect/registry.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { feedsOf, type PartnerFeed } from './addresses.ts';
import { partnerFeed } from './arranger.ts';

/** What the operator should know of a partner whose feeds are served all the same. */
export interface PartnerWarning {
  readonly kind: 'dialect' | 'content-type' | 'languages' | 'feed';
  readonly partner: string;
  /** The name of the feed in its address, where the warning is about one. */
  readonly feed?: string;
  readonly message: string;
}

interface FileWarning extends PartnerWarning {
  readonly kind: 'dialect' | 'content-type';
}

/** What the file of a partner alone shows. */
export function* fileWarnings(partner: Partner, dialect: Dialect): Iterable<FileWarning> {
  const { id, contentType } = partner;
  if (dialect.warning !== undefined) yield { kind: 'dialect', partner: id, message: dialect.warning };
  if (!dialect.contentTypes.includes(contentType)) {
    const message = `${dialect.title} does not take contentType: ${contentType}. Write ${dialect.contentTypes.join(' or ')}`;
    yield { kind: 'content-type', partner: id, message };
  }
}

interface FeedContext {
  readonly dialect: Dialect;
  readonly publication: Publication;
  /** The facts of a picture, where they are known. */
  readonly pictureAt?: (address: string) => Partial<MediaFacts> | undefined;
}

/** The rules of a dialect for a feed as a whole that a partner's feed breaks, with what is wrong. */
export function* feedBreaches(partner: Partner, own: PartnerFeed, { dialect, publication, pictureAt }: FeedContext) {
  const { entries, language } = partnerFeed(partner, own, { name: '', dialect, publication });
  const { podcast, window } = partner;
  const age = window.age ?? dialect.defaults.age;
  const image = podcast?.image ?? publication.icon;
  const picture = image === undefined ? undefined : pictureAt?.(image);
  const feed = omitUndefined({ entries, age, language, publication, podcast, picture });
  for (const rule of dialect.feedRules ?? []) {
    const reason = rule.breach(feed);
    if (reason !== undefined) yield { rule, reason };
  }
}

/**
 * What is known of the partners of a publication without a look at their stories.
 *
 * @param hasSeveralLanguages whether the newsroom writes in several languages
 */
export function* partnerWarnings(publication: Publication, hasSeveralLanguages: boolean): Iterable<PartnerWarning> {
  const customs = new Map(publication.feeds.map(({ id, select }) => [id, select]));
  for (const partner of publication.partners ?? []) {
    const dialect = DIALECTS_BY_NAME[partner.dialect];
    if (dialect === undefined) continue;
    yield* fileWarnings(partner, dialect);
    for (const own of feedsOf(partner)) {
      for (const { reason } of feedBreaches(partner, own, { dialect, publication }))
        yield { kind: 'feed', partner: partner.id, feed: own.name, message: reason };
      const select = partner.select ?? customs.get(own.key);
      if (dialect.isOneLanguage !== true || !hasSeveralLanguages || isOfOneLanguage(own, select)) continue;
      const message = `The feed may have stories in several languages, and ${dialect.title} takes one language a feed: write select with all: [language/…]`;
      yield { kind: 'languages', partner: partner.id, feed: own.name, message };
    }
  }
}

/** Whether a feed has stories in one language only, by its key or its rule. */
function isOfOneLanguage({ key }: PartnerFeed, select: Selection | undefined): boolean {
  const isLanguage = (one: string) => one.startsWith('language/');
  if (select === undefined) return isLanguage(key);
  return select.all.some(isLanguage) || (select.any.length === 1 && select.any.every(isLanguage));
}
