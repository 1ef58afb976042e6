import { PARTNERS_FOLDER } from '../../../config/partner-files.ts';
import type { Partner } from '../../../config/partners.ts';
import { DIALECTS } from '../../../feed/dialects.ts';
import type { Dialect, Evidence } from '../../../format/dialect/dialect.ts';
import { DIALECTS_BY_NAME } from '../../../format/dialect/registry.ts';
import { didYouMean, nearestWord } from '../../../lib/nearest-word.ts';
import type { ArticleRule, NewsroomRule, Rule } from '../rule.ts';

const OURS = { level: 'warning', consumer: 'partners', read: '2026-11-30' } as const;
const WARNINGS = 'docs/partners.md#warnings';

export const PARTNER_DIALECT: Rule = {
  ...OURS,
  id: 'partner-dialect',
  title: 'The dialect of a partner needs attention',
  source: WARNINGS,
};

export const PARTNER_CONTENT_TYPE: Rule = {
  ...OURS,
  id: 'partner-content-type',
  title: 'The dialect of a partner does not have its kind of content',
  source: WARNINGS,
};

export const PARTNER_LANGUAGES: Rule = {
  ...OURS,
  id: 'partner-languages',
  title: 'A partner that takes one language a feed gets several',
  source: WARNINGS,
};

/** Searches for a similar id: each compares all partners. */
const MOST_SEARCHES = 100;
const knownIds = new WeakMap<readonly Partner[], { readonly ids: ReadonlySet<string>; searches: number }>();

function idsOf(partners: readonly Partner[]) {
  let known = knownIds.get(partners);
  if (known === undefined) {
    known = { ids: new Set(partners.map(({ id }) => id)), searches: 0 };
    knownIds.set(partners, known);
  }
  return known;
}

const NO_PARTNERS: readonly Partner[] = [];

export const PARTNER_ARTICLES: readonly ArticleRule[] = [
  {
    ...OURS,
    id: 'partner-unknown',
    title: 'The rights of a story name a partner that is not there',
    source: 'docs/records.md#for-partners',
    *look({ article }, { publication }) {
      const named = article.rights?.partners ?? [];
      if (named.length === 0) return;
      const known = idsOf(publication.partners ?? NO_PARTNERS);
      for (const id of named) {
        if (known.ids.has(id)) continue;
        known.searches += 1;
        const nearest = known.searches > MOST_SEARCHES ? undefined : nearestWord(id, [...known.ids]);
        const message = `has no file partners/${id}.yaml: correct the id, or remove it${didYouMean(nearest)}`;
        yield { field: 'rights.partners', value: id, message };
      }
    },
  },
];

export const PARTNER_FEEDS: readonly NewsroomRule[] = [
  {
    ...OURS,
    id: 'partner-feed-unknown',
    title: 'Partners’ files name feeds without a story',
    source: WARNINGS,
    *survey(survey, { publication: { partners = NO_PARTNERS } }) {
      if (survey.articles() === 0) return;
      for (const { id, feeds, select } of partners) {
        for (const [field, keys] of Object.entries({ feeds, ...select })) {
          const name = select === undefined ? field : `select.${field}`;
          for (const [index, key] of keys.entries()) {
            if (survey.hasFeed(key)) continue;
            const message = `has no story: correct the feed, or wait for its first story${didYouMean(survey.nearest(key))}`;
            yield { file: `${PARTNERS_FOLDER}/${id}.yaml`, field: `${name}[${index}]`, value: key, message };
          }
        }
      }
    },
  },
];

/** The rules about partners that are ours. */
export const PARTNER_RULES: readonly Rule[] = [
  PARTNER_DIALECT,
  PARTNER_CONTENT_TYPE,
  PARTNER_LANGUAGES,
  ...PARTNER_ARTICLES,
  ...PARTNER_FEEDS,
];

interface Asked extends Pick<Rule, 'source' | 'read'> {
  readonly id: string;
  readonly asks: string;
  readonly evidence: Evidence;
}

/** A rule of a dialect as a rule of this command. */
function consumerRule({ name, title: consumer }: Dialect, rule: Asked, isRefusing: boolean): Rule {
  const { id, asks, evidence, source, read } = rule;
  const title = `${consumer} ${isRefusing ? 'gets only stories that keep its rule' : 'asks'}: ${asks}`;
  return { id: `${name}/${id}`, level: 'warning', title, consumer, evidence, source, read };
}

const rulesByDialect = new WeakMap<Dialect, ReadonlyMap<string, Rule>>();

/** The rules of a dialect by their ids in it. */
export function rulesOfDialect(dialect: Dialect): ReadonlyMap<string, Rule> {
  const known = rulesByDialect.get(dialect) ?? consumerRules(dialect);
  rulesByDialect.set(dialect, known);
  return known;
}

function consumerRules(dialect: Dialect): ReadonlyMap<string, Rule> {
  return new Map([
    ...dialect.rules.map((rule): [string, Rule] => [rule.id, consumerRule(dialect, rule, rule.level === 'refuse')]),
    ...(dialect.feedRules ?? []).map((rule): [string, Rule] => [rule.id, consumerRule(dialect, rule, false)]),
  ]);
}

/** What consumers ask of partners' feeds and of the stories in them, in the order of the dialects. */
export const DIALECT_RULES: readonly Rule[] = DIALECTS.flatMap((name) => {
  const dialect = DIALECTS_BY_NAME[name];
  return dialect === undefined ? [] : [...rulesOfDialect(dialect).values()];
});
