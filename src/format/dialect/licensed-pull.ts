import type { Article } from '../../article/article.ts';
import { httpDate, type Instant, rfc3339 } from '../../lib/instant.ts';
import { assertWellFormed, element, indentation, parent, startTag } from '../xml.ts';
import { isSummary } from './breaches.ts';
import type { Dialect, DialectRenderer, TakenBackItem } from './dialect.ts';
import { PUBLIC_FORMATS } from './public-formats.ts';
import { withElements } from './rss-elements.ts';
import { titleOrNeutral } from './taken-back.ts';
import { endOf } from './validity.ts';

const NEWSTEX = 'https://support.newstex.com/support/solutions/articles/4417-delivering-content-to-newstex';
const MINUTE = 60_000;
const HALF_HOUR = 30 * MINUTE;
const DAY = 86_400_000;
const RSS_DEPTH = 2;
const ATOM_DEPTH = 1;

const DCTERMS = { 'xmlns:dcterms': 'http://purl.org/dc/terms/' };
/** IPTC's vocabulary of NewsML-G2: for what neither RSS nor Atom has an element. */
const NAR = { 'xmlns:nar': 'http://iptc.org/std/nar/2006-10-01/' };
const ROOT = startTag('rss', DCTERMS);

/** The plain feed for archives and databases, that fetch every story of the last day: with its validity, urgency, corrections. */
export const licensedPull: Dialect = {
  name: 'licensed-pull',
  title: 'Licensed pull',
  status: 'live',
  formats: { rss: rssFormat(), atom: atomFormat(), json: jsonFormat() },
  contentTypes: ['article'],
  defaults: { entries: 1000, content: 'full', age: DAY },
  withdrawal: 'RSS: stays without its text, `dcterms:valid` has ended; Atom and JSON Feed as in `plain`',
  rules: [
    {
      id: 'summary-only',
      level: 'warn',
      evidence: 'D',
      source: NEWSTEX,
      read: '2026-11-29',
      asks: 'The entries have the full text of the stories.',
      field: 'body',
      breach: isSummary,
    },
  ],
  feedRules: [
    {
      id: 'less-than-thirty-minutes',
      evidence: 'D',
      source: NEWSTEX,
      read: '2026-11-29',
      asks: 'A feed has at least the stories of the last thirty minutes.',
      breach: ({ age = DAY }) =>
        age < HALF_HOUR ? `The feed has the stories of the last ${age / MINUTE} minutes.` : undefined,
    },
  ],
};

function rssFormat(): DialectRenderer {
  const { rss } = PUBLIC_FORMATS;
  return {
    ...rss,
    entry: (item, options) => withElements(rss.entry(item, options), RSS_DEPTH, moreElements(item.article, {}), 'item'),
    takenBack,
  };
}

function atomFormat(): DialectRenderer {
  const { atom } = PUBLIC_FORMATS;
  return {
    ...atom,
    entry: (item, options) =>
      withElements(atom.entry(item, options), ATOM_DEPTH, moreElements(item.article, DCTERMS), 'entry'),
  };
}

/** JSON Feed has no such fields, so that they stand in an object of our own. */
function jsonFormat(): DialectRenderer {
  const { json } = PUBLIC_FORMATS;
  return {
    ...json,
    entry: (item, options) => {
      const { publishedAt, urgency, correction } = item.article;
      const end = endOf(item.article);
      const members = JSON.stringify({
        valid_from: rfc3339(publishedAt),
        valid_until: end === undefined ? undefined : rfc3339(end),
        urgency,
        correction: correction === undefined ? undefined : { note: correction.note, at: rfc3339(correction.at) },
      });
      return `${json.entry(item, options).slice(0, -1)},"_syndication":${members}}`;
    },
  };
}

/** @param namespace the declaration of dcterms, where the root has none */
function moreElements(article: Article, namespace: Readonly<Record<string, string>>): string[] {
  const { publishedAt, urgency, correction } = article;
  return [
    element('dcterms:valid', namespace, period(publishedAt, endOf(article))),
    ...(urgency === undefined ? [] : [element('nar:urgency', NAR, String(urgency))]),
    ...(correction === undefined ? [] : [element('nar:edNote', NAR, correction.note)]),
  ];
}

/** A span of time as Superdesk writes it (DCMI Period). */
function period(start: Instant, end: Instant | undefined): string {
  return [`start=${rfc3339(start)}`, ...(end === undefined ? [] : [`end=${rfc3339(end)}`]), 'scheme=W3C-DTF'].join(
    '; ',
  );
}

/** The entry stays without its text, and its validity has ended. */
function takenBack({ article, at }: TakenBackItem): string {
  const { publicId, url, publishedAt, withdrawn } = article;
  const item = parent(
    'item',
    {},
    [
      element('title', {}, titleOrNeutral(article)),
      ...(url === '' ? [] : [element('link', {}, url)]),
      element('guid', { isPermaLink: 'false' }, publicId),
      element('pubDate', {}, httpDate(publishedAt)),
      element('dcterms:modified', {}, rfc3339(at)),
      element('dcterms:valid', {}, period(publishedAt, at)),
      element('nar:pubStatus', { ...NAR, qcode: 'stat:canceled' }),
      ...(withdrawn?.reason === undefined ? [] : [element('nar:edNote', NAR, withdrawn.reason)]),
    ],
    RSS_DEPTH,
  );
  assertWellFormed(`${ROOT}${item}</rss>`);
  return `${indentation(RSS_DEPTH)}${item}\n`;
}
