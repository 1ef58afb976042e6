import type { IncomingMessage } from 'node:http';
import { brokenKeyRule, KINDS, normalKey } from '../config/feed-keys.ts';
import { excerpt, type Problem, PublisherError } from '../errors.ts';
import type { FeedKey } from '../feed/feeds.ts';
import { didYouMean, meantWord, synonymsOf } from '../lib/nearest-word.ts';
import { STATUSES, type Status } from '../store/store.ts';
import { meantFeed } from './nearest-feed.ts';

/** Parameters by the words of other services. */
const SYNONYMS = synonymsOf({
  cursor: 'after page offset next since start from token',
  limit: 'count size perpage pagesize max top anzahl limite',
  feed: 'section tag author category channel key',
  status: 'state filter zustand statut estado durum',
  reason: 'note why because grund raison motivo sebep message comment',
});

/**
 * The query's parameters. Unknown and repeated ones are refused: they are mistakes that would otherwise go unnoticed.
 *
 * @throws PublisherError `invalid_query`
 */
export function query<Name extends string>(
  request: IncomingMessage,
  known: readonly Name[],
): Partial<Record<Name, string>> {
  // Without `new URL`: an address in absolute form may have an invalid host.
  const [, ...parts] = (request.url ?? '').split('?');
  const searchParams = new URLSearchParams(parts.join('?'));
  const unknown = [...searchParams.keys()].find((name) => !known.some((other) => other === name));
  if (unknown !== undefined) {
    const meant = known.length > 1 ? meantWord(unknown, known, SYNONYMS) : undefined;
    const rule = `is not a parameter: use ${known.join(', ')}${didYouMean(meant)}`;
    throw invalidQuery({ field: excerpt(unknown), rule });
  }
  const repeated = known.find((name) => searchParams.getAll(name).length > 1);
  if (repeated !== undefined) {
    const value = excerpt(searchParams.getAll(repeated).join(', '));
    throw invalidQuery({ field: repeated, value, rule: 'must be given once' });
  }
  return Object.fromEntries(searchParams) as Partial<Record<Name, string>>;
}

interface IntegerRange {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

/** A parameter that is a whole number; the fallback where it is missing. */
export function queryInteger(field: string, text: string | undefined, range: IntegerRange): number {
  if (text === undefined) return range.fallback;
  const value = integerIn(text, range);
  if (value !== undefined) return value;
  const rule = `must be a whole number from ${range.min} to ${range.max}`;
  throw invalidQuery({ field, value: excerpt(text), rule });
}

/** The revision after which a page of the list begins; 0 for the first page. */
export function queryCursor(text: string | undefined): number {
  if (text === undefined) return 0;
  const value = integerIn(text, { min: 0, max: Number.MAX_SAFE_INTEGER });
  if (value !== undefined) return value;
  const rule =
    'must be the cursor of the page before, a whole number: take it from “cursor” in that answer, or leave it out for the first page';
  throw invalidQuery({ field: 'cursor', value: excerpt(text), rule });
}

function integerIn(text: string, { min, max }: Pick<IntegerRange, 'min' | 'max'>): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= min && value <= max ? value : undefined;
}

/** Statuses by the words of other systems and languages. */
const STATUS_SYNONYMS = synonymsOf({
  visible: 'published public live online active sichtbar veröffentlicht publié publicado yayında',
  embargoed: 'scheduled future draft pending gesperrt geplant programmé programado ambargolu',
  expired: 'old ended past archived abgelaufen expiré caducado',
  withdrawn: 'deleted removed retracted gone unpublished trash zurückgezogen retiré retirado',
});

/** What can be read of an article besides itself. */
export const VIEWS = ['feeds', 'history'] as const;
export type View = (typeof VIEWS)[number];

const VIEW_SYNONYMS = synonymsOf({
  feeds: 'feed memberships channels',
  history: 'audit log changes versions revisions verlauf historique historial geçmiş',
});

export function queryView(text: string): View {
  const view = VIEWS.find((name) => name === text);
  if (view !== undefined) return view;
  const rule = `must be one of ${VIEWS.join(', ')}${didYouMean(meantWord(text, VIEWS, VIEW_SYNONYMS))}`;
  throw invalidQuery({ field: 'view', value: excerpt(text), rule });
}

export function queryStatus(text: string): Status {
  const status = STATUSES.find((name) => name === text);
  if (status !== undefined) return status;
  const meant = meantWord(text, STATUSES, STATUS_SYNONYMS);
  const rule = `must be one of ${STATUSES.join(', ')}${didYouMean(meant)}`;
  throw invalidQuery({ field: 'status', value: excerpt(text), rule });
}

/** Kinds of feeds in other languages. */
const KIND_SYNONYMS = synonymsOf({
  section: 'category categories channel rubrik ressort rubrique sección bölüm kategori beş',
  tag: 'keyword topic label schlagwort étiquette etiqueta etiket',
  author: 'byline writer autor auteur yazar nivîskar',
  language: 'lang locale sprache langue idioma dil ziman',
});

const LONGEST_KEY = 200;

/**
 * The problem of a feed that a filter names, and that no feed can be.
 *
 * @param rule the rule that the key breaks
 */
export function brokenFeedProblem(key: FeedKey, rule: string, known: readonly FeedKey[]): Problem {
  if (key.length > LONGEST_KEY) return unknownFeed(key, rule, undefined);
  const [kind = '', ...name] = key.split('/');
  const meantKind = name.length > 0 ? meantWord(kind, KINDS, KIND_SYNONYMS) : undefined;
  const corrected = normalKey(`${meantKind}/${name.join('/')}`);
  const isValid = meantKind !== undefined && brokenKeyRule(corrected) === undefined;
  return unknownFeed(key, rule, isValid ? corrected : meantFeed(key, known));
}

/** The problem of a feed that a filter names, and that no article is in, if another feed looks like it. */
export function emptyFeedProblem(key: FeedKey, known: readonly FeedKey[]): Problem | undefined {
  if (key.length > LONGEST_KEY || known.includes(key)) return undefined;
  const nearest = meantFeed(key, known);
  return nearest === undefined ? undefined : unknownFeed(key, 'must name a feed that has articles', nearest);
}

function unknownFeed(key: FeedKey, rule: string, nearest: string | undefined): Problem {
  return { field: 'feed', value: excerpt(key), rule: `${rule}${didYouMean(nearest)}` };
}

export function invalidQuery(problem: Problem): PublisherError {
  return new PublisherError('invalid_query', 'The query is not valid.', { problems: [problem] });
}
