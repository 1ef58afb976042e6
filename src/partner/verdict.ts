import type { Article } from '../article/article.ts';
import type { Partner } from '../config/partners.ts';
import { ORDINARY } from '../feed/audience.ts';
import type { Dialect, DialectItem, DialectRule } from '../format/dialect/dialect.ts';
import type { Instant } from '../lib/instant.ts';

/** The rule of a dialect that leaves a story out of a partner's feed. */
export interface Refusal extends Pick<DialectRule, 'asks' | 'field' | 'evidence' | 'source' | 'read'> {
  readonly rule: string;
  /** What is wrong with the story. */
  readonly reason: string;
  /** The rule depends on the moment: the story may have been delivered before, and nothing of it is wrong. */
  readonly isByTime?: true;
}

/** What of a story decides whether a partner may know of it at all. */
export type Audience = Pick<Article, 'rights' | 'urgency'>;

/** Whether the rights of a story name the partner, or no partner. A story that names others is never there for this one. */
export function hasRights({ rights }: Pick<Article, 'rights'>, { id }: Pick<Partner, 'id'>): boolean {
  return rights?.partners === undefined || rights.partners.includes(id);
}

/** Whether a story is as urgent as the partner wants its stories. */
export function isUrgentEnough(
  { urgency = ORDINARY }: Pick<Article, 'urgency'>,
  partner: Pick<Partner, 'urgency'>,
): boolean {
  return partner.urgency === undefined || urgency <= partner.urgency;
}

/** Whether a partner may have a story, as far as the story and the partner decide it. */
export function isFor(story: Audience, partner: Pick<Partner, 'id' | 'urgency'>): boolean {
  return hasRights(story, partner) && isUrgentEnough(story, partner);
}

/** The rules that leave a story out of the feeds of a dialect at a moment; empty where it keeps all of them. */
export function refusalsOf(item: DialectItem, { rules }: Pick<Dialect, 'rules'>, at: Instant): readonly Refusal[] {
  return rules.flatMap(({ id: rule, level, breach, asks, field, evidence, source, read }) => {
    const reason = level === 'refuse' ? breach(item, at) : undefined;
    if (reason === undefined) return [];
    const refusal = { rule, reason, asks, field, evidence, source, read };
    return [isByTime({ breach }) ? { ...refusal, isByTime: true } : refusal];
  });
}

/**
 * Whether time alone may change which stories a dialect refuses: a rule that depends on the moment has a parameter for it.
 * Such rules are looked at again every hour.
 */
export function dependsOnTime({ rules }: Pick<Dialect, 'rules'>): boolean {
  return rules.some((rule) => rule.level === 'refuse' && isByTime(rule));
}

function isByTime({ breach }: Pick<DialectRule, 'breach'>): boolean {
  return breach.length > 1;
}
