import type { Partner } from '../config/partners.ts';
import type { Publication } from '../config/publication.ts';
import type { DialectName } from '../feed/dialects.ts';
import type { Dialect, DialectItem, DialectOptions, DialectRenderer } from '../format/dialect/dialect.ts';
import type { Instant } from '../lib/instant.ts';
import { rfc3339 } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { StoredArticle } from '../store/store.ts';
import type { PartnerChange } from './changes.ts';
import type { LastChange } from './last-change.ts';
import { partnerCopy } from './partner-copy.ts';
import { refusalsOf } from './verdict.ts';

/** How the stories of a change feed are written: as items of JSON Feed, or as ninjs. */
export const CHANGE_FORMATS = ['json', 'ninjs'] as const;
export type ChangeFormat = (typeof CHANGE_FORMATS)[number];

export interface ChangeItemsParts {
  readonly publication: Publication;
  readonly dialects: Readonly<Partial<Record<DialectName, Dialect>>>;
  /** Takes an article that cannot be rendered: the change feed omits it. */
  readonly report: (stored: StoredArticle, error: unknown) => void;
}

export interface ChangeItems {
  /** What the rule of level `refuse` asks that the story breaks; undefined where it breaks none. */
  readonly refusalOf: (stored: StoredArticle, partner: Partner, at: Instant) => string | undefined;
  /** The changes as JSON. */
  readonly render: (changes: readonly PartnerChange[], partner: Partner, format: ChangeFormat) => readonly string[];
}

/** The format for a partner that names none. */
export function formatOf({ dialect }: Partner): ChangeFormat {
  return dialect.startsWith('ninjs') ? 'ninjs' : 'json';
}

/** What partners with equal options share, of an article in memory. */
type Shared = Map<string, string | undefined>;

/** Renders what changed for partners: of partners with equal options, each story once. */
export function createChangeItems({ publication, dialects, report }: ChangeItemsParts): ChangeItems {
  const shared = new WeakMap<StoredArticle, Shared>();

  function once(stored: StoredArticle, name: string, make: () => string | undefined): string | undefined {
    const known = shared.get(stored) ?? new Map<string, string | undefined>();
    shared.set(stored, known);
    if (!known.has(name)) known.set(name, make());
    return known.get(name);
  }

  function rendererOf(format: ChangeFormat, { dialect }: Partner): DialectRenderer | undefined {
    if (format === 'json') return dialects.plain?.formats.json;
    return dialects[dialect === 'ninjs-2.2' ? dialect : 'ninjs']?.formats.json;
  }

  function optionsOf(partner: Partner): DialectOptions {
    const { contentType, terms } = partner;
    const { language, feedsUrl } = publication;
    const options = { content: contentOf(partner), contentType, feedLanguage: language, feedsUrl };
    return { ...options, publisher: publication, ...(terms === undefined ? {} : { terms }) };
  }

  function contentOf({ content, dialect }: Partner): DialectItem['content'] {
    return content ?? dialects[dialect]?.defaults.content ?? 'full';
  }

  function itemOf({ article, revision }: StoredArticle, partner: Partner, last: LastChange = {}): DialectItem {
    const { datedAt: changedAt, republishedAt = 0 } = last;
    const updatedAt = Math.max(article.updatedAt ?? article.publishedAt, republishedAt);
    const { contentType } = partner;
    const copy = partnerCopy(article, partner);
    return omitUndefined({ article: copy, contentType, content: contentOf(partner), updatedAt, changedAt, revision });
  }

  function textOf(
    { change, at, stored, last, hasLeft }: PartnerChange,
    partner: Partner,
    format: ChangeFormat,
  ): string | undefined {
    const renderer = rendererOf(format, partner);
    const options = optionsOf(partner);
    if (change !== 'withdrawn') return renderer?.entry(itemOf(stored, partner, last), options);
    const { article: copy, contentType, changedAt, revision } = itemOf(stored, partner, last);
    const article = hasLeft === true ? { ...copy, title: '' } : copy;
    return renderer?.takenBack?.(omitUndefined({ article, at, changedAt, revision, contentType }), options);
  }

  function render(change: PartnerChange, partner: Partner, format: ChangeFormat): string | undefined {
    const { stored, at, reason, note, hasLeft } = change;
    // No revision: it counts the changes of all articles, also of those that the partner cannot see.
    const known = { change: change.change, at: rfc3339(at), id: stored.article.publicId, reason, note };
    const head = JSON.stringify(known);
    const name = `${change.change === 'withdrawn' ? at : ''} ${hasLeft === true} ${format} ${keyOf(partner)}`;
    try {
      const item = once(stored, name, () => textOf(change, partner, format));
      return item === undefined ? head : `${head.slice(0, -1)},"item":${item}}`;
    } catch (error) {
      report(stored, error);
      return change.change === 'withdrawn' ? head : undefined;
    }
  }

  return {
    refusalOf: (stored, partner, at) =>
      once(stored, `rules ${keyOf(partner)}`, () => {
        const dialect = dialects[partner.dialect];
        return dialect && refusalsOf(itemOf(stored, partner), dialect, at)[0]?.asks;
      }),
    render: (changes, partner, format) => changes.flatMap((change) => render(change, partner, format) ?? []),
  };
}

const keys = new WeakMap<Partner, string>();

/** All of a partner that its items depend on. */
function keyOf(partner: Partner): string {
  const known = keys.get(partner);
  if (known !== undefined) return known;
  const { dialect, contentType, content, copyright, terms, mediaRights, campaign } = partner;
  const key = JSON.stringify([dialect, contentType, content, copyright, terms, mediaRights, campaign]);
  keys.set(partner, key);
  return key;
}
