import type { ArticleRule, DocumentRule, NewsroomRule, Rule } from './rule.ts';
import { ADDRESS_DOCUMENTS, ADDRESSES } from './rules/addresses.ts';
import { DATES } from './rules/dates.ts';
import { FEED_DOCUMENTS, FEEDS } from './rules/feeds.ts';
import { IDENTITY } from './rules/identity.ts';
import { LANGUAGE_FEEDS, LANGUAGES } from './rules/languages.ts';
import { LINKS, LOST_LINKS } from './rules/links.ts';
import { DIALECT_RULES, PARTNER_ARTICLES, PARTNER_FEEDS, PARTNER_RULES } from './rules/partners.ts';
import { ASSET_PICTURES, PICTURES } from './rules/pictures.ts';
import { IGNORED_FILE, REFUSED_RECORD, UNRENDERABLE } from './rules/records.ts';
import { TEXTS } from './rules/texts.ts';

export const ARTICLE_RULES: readonly ArticleRule[] = [
  ...PICTURES,
  ...TEXTS,
  ...DATES,
  ...LANGUAGES,
  ...LINKS,
  ...PARTNER_ARTICLES,
];

export const NEWSROOM_RULES: readonly NewsroomRule[] = [
  ...IDENTITY,
  ...ASSET_PICTURES,
  ...LANGUAGE_FEEDS,
  ...LOST_LINKS,
  ...FEEDS,
  ...ADDRESSES,
  ...PARTNER_FEEDS,
];

export const DOCUMENT_RULES: readonly DocumentRule[] = [...FEED_DOCUMENTS, ...ADDRESS_DOCUMENTS];

/** All rules but those of dialects, each id once, in the order of a report. */
export const RULES: readonly Rule[] = [
  ...new Map(
    [
      REFUSED_RECORD,
      UNRENDERABLE,
      IGNORED_FILE,
      ...ARTICLE_RULES,
      ...NEWSROOM_RULES,
      ...DOCUMENT_RULES,
      ...PARTNER_RULES,
    ].map((rule) => [rule.id, rule as Rule]),
  ).values(),
].sort((one, other) => levelOrder(one) - levelOrder(other));

function levelOrder({ level }: Rule): number {
  return level === 'error' ? 0 : 1;
}

/** All rules, with those of dialects, which `dialects.md` describes. */
export const ALL_RULES: readonly Rule[] = [...RULES, ...DIALECT_RULES];
