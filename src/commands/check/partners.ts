import type { Article } from '../../article/article.ts';
import { localFacts } from '../../article/newsroom.ts';
import { PARTNERS_FOLDER } from '../../config/partner-files.ts';
import type { Partner } from '../../config/partners.ts';
import type { Publication } from '../../config/publication.ts';
import { partnerFeedKey } from '../../feed/dialects.ts';
import type { FeedKey } from '../../feed/feeds.ts';
import { customFeedChooser } from '../../feed/selection.ts';
import type { Dialect, DialectItem } from '../../format/dialect/dialect.ts';
import { DIALECTS_BY_NAME } from '../../format/dialect/registry.ts';
import { feedsOf, type PartnerFeed } from '../../partner/addresses.ts';
import { partnerCopy } from '../../partner/partner-copy.ts';
import { isFor, isUrgentEnough } from '../../partner/verdict.ts';
import { feedBreaches, fileWarnings } from '../../partner/warnings.ts';
import type { CheckedArticle } from './checked.ts';
import { createFeedTally, type FeedTally } from './feed-tally.ts';
import type { Context, Rule, Sighting } from './rule.ts';
import { PARTNER_CONTENT_TYPE, PARTNER_DIALECT, PARTNER_LANGUAGES, rulesOfDialect } from './rules/partners.ts';

/** Languages that a message names. */
const MOST_LANGUAGES = 5;

/** The newest stories of the feeds of partners. */
export interface PartnerTallies {
  /** @param feeds of readers, that the article is in */
  readonly add: (checked: CheckedArticle, feeds: readonly FeedKey[]) => void;
  readonly newest: (partner: Partner, own: PartnerFeed, limit: number) => readonly number[];
  /** All articles that may be among the newest ones. */
  readonly refs: () => ReadonlySet<number>;
}

/** Keeps one list for all partners that want the same feed with the same urgency. */
export function createPartnerTallies({ partners = [] }: Pick<Publication, 'partners'>): PartnerTallies {
  const wanted = partners.flatMap((partner) => feedsOf(partner).map(({ key }) => ({ key, partner })));
  const limits = new Map<string, number>();
  for (const { key, partner } of wanted) {
    const name = nameOf(key, partner);
    limits.set(name, Math.max(limits.get(name) ?? 0, sizeOf(partner)));
  }
  const byKey = new Map<FeedKey, Map<Partner['urgency'], FeedTally>>();
  for (const { key, partner } of wanted) {
    const tallies = byKey.get(key) ?? new Map<Partner['urgency'], FeedTally>();
    byKey.set(key, tallies);
    if (!tallies.has(partner.urgency))
      tallies.set(partner.urgency, createFeedTally('', limits.get(nameOf(key, partner)) ?? 0));
  }
  const selectionsOf = customFeedChooser(
    partners.flatMap(({ id, select }) => (select === undefined ? [] : [{ id: partnerFeedKey(id), select }])),
  );

  return {
    add({ article, status, ref }, feeds) {
      if (byKey.size === 0) return;
      const { publishedAt, updatedAt = publishedAt } = article;
      for (const key of [...feeds, ...selectionsOf(feeds)]) {
        for (const [urgency, tally] of byKey.get(key) ?? [])
          if (urgency === undefined || isUrgentEnough(article, { urgency }))
            tally.add(status, { ref, publishedAt, updatedAt });
      }
    },
    newest(partner, own, limit) {
      const tally = byKey.get(own.key)?.get(partner.urgency);
      return tally?.newest(limit).map(({ number }) => number) ?? [];
    },
    refs() {
      const refs = new Set<number>();
      for (const tallies of byKey.values())
        for (const tally of tallies.values())
          for (const { number } of tally.newest(Number.POSITIVE_INFINITY)) refs.add(number);
      return refs;
    },
  };
}

function nameOf(key: FeedKey, { urgency = 0 }: Partner): string {
  return `${key} ${urgency}`;
}

/** The stories of a document, and those that are left out at its head. */
function sizeOf({ dialect, window }: Partner): number {
  return (window.entries ?? DIALECTS_BY_NAME[dialect]?.defaults.entries ?? 0) + window.offset;
}

interface PartnerCheckParts extends Pick<Context, 'publication' | 'newsroom' | 'at'> {
  readonly tallies: PartnerTallies;
  readonly load: (ref: number) => Promise<CheckedArticle | undefined>;
  readonly add: (rule: Rule, sighting: Sighting) => void;
}

/**
 * Looks at the feeds of partners, and at the stories in them as each partner gets them. What is wrong with a story is said once for
 * a dialect.
 */
export async function checkPartners(parts: PartnerCheckParts): Promise<void> {
  const { publication } = parts;
  const seen = new Set<string>();
  for (const partner of publication.partners ?? []) {
    const dialect = DIALECTS_BY_NAME[partner.dialect];
    if (dialect === undefined) continue;
    for (const { kind, message } of fileWarnings(partner, dialect))
      parts.add(RULE_OF[kind], { file: fileOf(partner), field: FIELD_OF[kind], message });
    for (const own of feedsOf(partner)) await checkFeed(parts, { partner, dialect, own, seen });
  }
}

const RULE_OF = { dialect: PARTNER_DIALECT, 'content-type': PARTNER_CONTENT_TYPE } as const;
const FIELD_OF = { dialect: 'dialect', 'content-type': 'contentType' } as const;

interface CheckedFeed {
  readonly partner: Partner;
  readonly dialect: Dialect;
  readonly own: PartnerFeed;
  /** Stories that were looked at. */
  readonly seen: Set<string>;
}

async function checkFeed(parts: PartnerCheckParts, checked: CheckedFeed): Promise<void> {
  const { publication, newsroom, tallies, load, add } = parts;
  const { partner, dialect, own } = checked;
  const rules = rulesOfDialect(dialect);
  const pictureAt = (address: string) => localFacts(address, newsroom);
  for (const { rule, reason } of feedBreaches(partner, own, { dialect, publication, pictureAt })) {
    const ours = rules.get(rule.id);
    const feed = own.name;
    if (ours !== undefined)
      add(ours, { file: fileOf(partner), field: '', feed, message: `The feed ${feed}: ${reason}` });
  }
  const languages = new Set<string>();
  for (const ref of tallies.newest(partner, own, sizeOf(partner))) {
    const story = await load(ref);
    if (story === undefined || !isFor(story.article, partner) || isTooOld(story.article, checked, parts.at)) continue;
    languages.add(story.article.language);
    if (isNew(story, checked)) checkStory(story, parts, checked);
  }
  if (dialect.isOneLanguage !== true || languages.size < 2) return;
  const named = [...languages].slice(0, MOST_LANGUAGES).join(', ');
  const feed = own.name;
  const message = `The feed ${feed} has stories in ${named}, and ${dialect.title} takes one language a feed: write select with all: [language/…]`;
  const field = partner.select === undefined ? 'feeds' : 'select';
  add(PARTNER_LANGUAGES, { file: fileOf(partner), field, feed, message });
}

function isTooOld({ publishedAt }: Article, { partner, dialect }: CheckedFeed, at: number): boolean {
  const age = partner.window.age ?? dialect.defaults.age;
  return age !== undefined && publishedAt + partner.delay + age < at;
}

/** Whether no other feed has shown the same copy of the story in the same dialect. */
function isNew({ ref }: CheckedArticle, { partner, dialect, seen }: CheckedFeed): boolean {
  const { contentType, content, campaign, copyright, mediaRights } = partner;
  const name = JSON.stringify([ref, dialect.name, contentType, content, campaign, copyright, mediaRights]);
  if (seen.has(name)) return false;
  seen.add(name);
  return true;
}

function checkStory(
  { article, file }: CheckedArticle,
  { add, at }: PartnerCheckParts,
  { partner, dialect }: CheckedFeed,
): void {
  const rules = rulesOfDialect(dialect);
  const item: DialectItem = {
    article: partnerCopy(article, partner),
    contentType: partner.contentType,
    content: partner.content ?? dialect.defaults.content,
    updatedAt: article.updatedAt ?? article.publishedAt,
    revision: 1,
  };
  const place = { article: article.id, ...(file === undefined ? {} : { file }) };
  for (const { id, level, field, breach } of dialect.rules) {
    const reason = breach(item, at);
    const rule = reason === undefined ? undefined : rules.get(id);
    if (reason === undefined || rule === undefined) continue;
    const message = level === 'refuse' ? `${reason} The partner ${partner.id} does not get the story` : reason;
    add(rule, { ...place, field, message });
  }
}

function fileOf({ id }: Partner): string {
  return `${PARTNERS_FOLDER}/${id}.yaml`;
}
