import { LATEST } from '../feed/feeds.ts';
import { archiveAddress, feedAddress, rootFrom } from './addresses.ts';
import { entriesOf, type FeedPage, subscribe } from './feed-page.ts';
import { html, trusted } from './html.ts';
import { homeLink, page } from './layout.ts';
import { type OlderPage, pager } from './pager.ts';
import type { Site } from './site.ts';
import { textsFor } from './texts.ts';
import { name } from './words.ts';

export interface ArchivePage extends Pick<FeedPage, 'feed' | 'articles' | 'report'> {
  /** The number of the page. */
  readonly page: number;
  /** The name of the feed in lists. Empty for the feed of all articles. */
  readonly title: string;
  readonly older?: OlderPage;
  /** The number of the page with newer stories; missing where the page of the feed has them. */
  readonly newer?: number;
}

/** A page of older stories of a feed. It shows all of them. */
export function archivePage(data: ArchivePage, site: Site): string {
  const { feed, articles, older } = data;
  const { publication } = site;
  const texts = textsFor(feed.language, publication);
  const root = rootFrom(archiveAddress(feed.key, data.page).slice('feeds/'.length));
  const title = feed.key === LATEST ? texts.text('everything') : data.title;
  const dates = articles.map(({ publishedAt }) => publishedAt);
  const days = dates.length === 0 ? '' : texts.days(Math.min(...dates), Math.max(...dates));
  const body = html`<a class="skip" href="#stories">${texts.text('skip')}</a>
<header class="wrap">
<div class="bar">
${homeLink(site, texts, root)}
</div>
</header>
<main class="wrap one">
<header class="about">
<h1><span class="over"><a href="${root}${feedAddress(feed.key)}">${name(title, texts)}</a></span> ${texts.text('archive')}</h1>
<p class="hush">${days}</p>
</header>
${subscribe(data.title || publication.title, feed.key, texts, root, publication)}
<div class="entries" id="stories">
${trusted(entriesOf(data, site, texts, { root, room: Number.POSITIVE_INFINITY }).text)}${pager({ ...data, hasFirst: older === undefined && articles.length > 0 }, texts, root)}</div>
</main>`;
  return String(
    page({
      site,
      texts,
      root,
      title: [days, title, publication.title].filter((part) => part !== '').join(' · '),
      feed: { key: feed.key, title: feed.title },
      hasScript: true,
      body,
    }),
  );
}
