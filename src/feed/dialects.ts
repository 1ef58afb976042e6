/** The dialects by name, in the order in which docs/dialects.md has them. `npm run dialects` adds those that are new. */
export const DIALECTS = [
  'plain',
  'summary',
  'licensed-pull',
  'msn',
  'smartnews',
  'flipboard',
  'yahoo',
  'line',
  'newsbreak',
  'feedly',
  'apple-news',
  'google-news',
  'alexa-flash-briefing',
  'podcast',
  'ninjs',
  'ninjs-2.2',
] as const;
export type DialectName = (typeof DIALECTS)[number];

/** What the entries of a partner's feed are. Some partners take one kind a feed. */
export const CONTENT_TYPES = ['article', 'slideshow', 'video'] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

/** In the keys of feeds that partners select themselves: `partner/` and the partner's id. Readers have no such feed. */
const PARTNER_FEED = 'partner/';

/** The key of a partner's own selection, in the store. */
export function partnerFeedKey(partner: string): string {
  return PARTNER_FEED + partner;
}

/** Whether a feed is a partner's own selection, which only that partner may see. */
export function isPartnerFeed(key: string): boolean {
  return key.startsWith(PARTNER_FEED);
}

/** The name of a partner's own selection in its addresses: `/partners/{partner}/selection.rss`. */
export const SELECTION = 'selection';
