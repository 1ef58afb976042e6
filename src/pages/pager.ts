import type { Feed } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { archiveAddress } from './addresses.ts';
import { type Html, html } from './html.ts';
import type { Texts } from './texts.ts';

/** A page of an archive, and the days of its oldest and its newest story; no days where it has no story. */
export interface OlderPage {
  readonly page: number;
  readonly days?: readonly [from: Instant, to: Instant];
}

interface Neighbours {
  readonly feed: Pick<Feed, 'key'>;
  readonly newer?: number;
  readonly older?: OlderPage;
  /** Whether the page ends with the first story of the feed. */
  readonly hasFirst?: boolean;
}

/** The links to the pages beside this one, and the days that wait on the older one. Arrows point as lines run. */
export function pager({ feed: { key }, newer, older, hasFirst }: Neighbours, texts: Texts, root: string): Html {
  const [back, on] = texts.direction === 'rtl' ? ['→', '←'] : ['←', '→'];
  const arrow = (sign: string) => html`<span aria-hidden="true">${sign}</span>`;
  const href = (page: number) => `${root}${archiveAddress(key, page)}`;
  const toNewer =
    newer !== undefined && html`<a rel="prev" href="${href(newer)}">${arrow(back)} ${texts.text('newer')}</a>\n`;
  const toOlder =
    older !== undefined && html`<a rel="next" href="${href(older.page)}">${texts.text('older')} ${arrow(on)}</a>\n`;
  const days = older?.days && html`<span class="hush">${texts.days(...older.days)}</span>\n`;
  const end = hasFirst && html`<span class="hush">${texts.text('end')}</span>\n`;
  // The days stand below the link that they are about.
  return html`<nav class="pager" aria-label="${texts.text('archive')}">
${toNewer}${newer !== undefined && older !== undefined ? html`<div>\n${toOlder}<br>${days}</div>\n` : html`${toOlder}${days}`}${end}</nav>
`;
}

/** The line after the first story of a feed. */
export function firstStory(texts: Texts): Html {
  return html`<p class="pager hush">${texts.text('end')}</p>\n`;
}
