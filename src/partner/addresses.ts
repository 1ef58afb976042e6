import type { Partner } from '../config/partners.ts';
import type { Publication } from '../config/publication.ts';
import { partnerFeedKey, SELECTION } from '../feed/dialects.ts';
import type { FeedKey, Format } from '../feed/feeds.ts';

/** A feed of a partner: its name in addresses, and its key in the store. */
export interface PartnerFeed {
  /** `latest`, `section/world`, …, or `selection`. */
  readonly name: string;
  readonly key: FeedKey;
}

/** The feeds that a partner may fetch, in the order of its file. */
export function feedsOf({ id, feeds, select }: Pick<Partner, 'id' | 'feeds' | 'select'>): readonly PartnerFeed[] {
  if (select !== undefined) return [{ name: SELECTION, key: partnerFeedKey(id) }];
  return feeds.map((key) => ({ name: key, key }));
}

/** The partner's feed with that name in addresses. */
export function feedNamed(partner: Pick<Partner, 'id' | 'feeds' | 'select'>, name: string): PartnerFeed | undefined {
  return feedsOf(partner).find((feed) => feed.name === name);
}

/** The path of a partner's feed below the service's address, without a key and without a leading slash. */
export function partnerPath(partner: string, name: string, format: Format): string {
  return `${pathWithoutFormat(partner, name)}.${format}`;
}

/** The name of the change feed in the addresses of a partner. */
export const CHANGES = 'changes';

/** The path of a partner's change feed, as `partnerPath` gives that of a feed. */
export function changesPath(partner: string): string {
  return pathWithoutFormat(partner, CHANGES);
}

/** The permanent id of a partner's feed: below the site's address, so that it survives a move of the service. */
export function partnerFeedId(partner: string, name: string, siteUrl: string): string {
  return new URL(`/${pathWithoutFormat(partner, name)}`, siteUrl).href;
}

function pathWithoutFormat(partner: string, name: string): string {
  return `partners/${[partner, ...name.split('/')].map(encodeURIComponent).join('/')}`;
}

type Partners = NonNullable<Publication['partners']>;

const byId = new WeakMap<Partners, ReadonlyMap<string, Partner>>();

/** The partner with that id. */
export function partnerWithId({ partners }: Pick<Publication, 'partners'>, id: string): Partner | undefined {
  if (partners === undefined) return undefined;
  let known = byId.get(partners);
  if (known === undefined) {
    known = new Map(partners.map((partner) => [partner.id, partner]));
    byId.set(partners, known);
  }
  return known.get(id);
}
