import type { Article } from '../article/article.ts';
import type { Publication } from '../config/publication.ts';
import { type Feed, type FeedKey, feedPath, LATEST, type NamedKey } from '../feed/feeds.ts';
import { siteRobots } from '../terms/robots.ts';
import { feedAddress, READERS, rawAddress, rootFrom } from './addresses.ts';
import { chart, rhythm } from './chart.ts';
import { type PageEntry, pageEntry } from './entry.ts';
import { attributes, type Html, html, type Part, trusted } from './html.ts';
import { type Calendar, GROUPS, holds } from './index-page.ts';
import { kindOf } from './kinds.ts';
import { alternates, formats, homeLink, page } from './layout.ts';
import type { ListedFeed } from './listed-feed.ts';
import { firstStory, type OlderPage, pager } from './pager.ts';
import type { Site } from './site.ts';
import { type Texts, textsFor, textWith } from './texts.ts';
import { fairShare } from './within-bytes.ts';
import { isolated, languageName, languageOf, name } from './words.ts';

export interface FeedPage {
  readonly feed: Feed;
  readonly listed: ListedFeed;
  readonly calendar: Calendar | undefined;
  /** The newest stories, as many as a page shows. */
  readonly articles: readonly Article[];
  /** The feeds of languages. */
  readonly languages: readonly NamedKey[];
  /** The page of the archive that has the stories after these. */
  readonly older?: OlderPage;
  /** Takes the index of a story that cannot be rendered: the page is made without it. */
  readonly report: (index: number, error: unknown) => void;
}

/** Bytes of a page with its stories. */
const PAGE_BYTES = 99_000;
/** Where the stories stand: their room is known when the rest of the page is made. No text can hold it, because texts are escaped. */
const STORIES_HERE = '<!--stories-->';

/** The page of a feed: what it is, how to subscribe, and its newest stories. */
export function feedPage(data: FeedPage, site: Site): string {
  const { feed, listed, languages } = data;
  const { publication } = site;
  const texts = textsFor(feed.language, publication);
  const root = rootFrom(feed.key);
  const title = titleOf(data, texts);
  const body = html`<a class="skip" href="#stories">${texts.text('skip')}</a>
<header class="wrap">
<div class="bar">
${homeLink(site, texts, root)}
${languages.length > 1 && languageBar(data, texts, root)}</div>
</header>
<main class="wrap one">
${about(data, title, texts, root, publication.title)}
${subscribe(listed.title || publication.title, feed.key, texts, root, publication)}
<div class="entries" id="stories">
${trusted(STORIES_HERE)}</div>
</main>`;
  const rest = String(
    page({
      site,
      texts,
      root,
      title: feed.key === LATEST ? `${title} · ${publication.title}` : `${listed.title} · ${publication.title}`,
      description: sentence(data, texts, publication.title),
      feed: { key: feed.key, title: feed.title },
      hasScript: true,
      body,
    }),
  );
  const room = PAGE_BYTES - Buffer.byteLength(rest);
  return rest.replace(STORIES_HERE, () => storiesOf(data, site, texts, { root, room }));
}

function languageBar({ feed, languages }: FeedPage, texts: Texts, root: string): Html {
  const links = languages.map(({ key }) => {
    const tag = tagIn(key);
    const language = html` hreflang="${tag}"${languageOf(tag, texts)}`;
    const current = attributes({ 'aria-current': key === feed.key ? 'page' : undefined });
    return html`<li><a href="${root}${feedAddress(key)}"${language}${current}>${shortName(tag)}</a></li>\n`;
  });
  return html`<nav aria-label="${texts.text('languages')}">
<ul>
${links}</ul>
</nav>
`;
}

function tagIn(key: FeedKey): string {
  return Intl.getCanonicalLocales(key.slice(key.indexOf('/') + 1))[0] ?? 'und';
}

/** Without what stands in brackets: “Kurdî” for “Kurdî (kurmancî)”. */
function shortName(tag: string): string {
  return languageName(tag).replace(/\s*[(（].*$/, '');
}

function titleOf({ feed, listed }: FeedPage, texts: Texts): string {
  return feed.key === LATEST ? texts.text('everything') : listed.title;
}

/** What the feed is, in one sentence. */
function sentence({ feed, listed }: FeedPage, texts: Texts, publication: string): string {
  switch (kindOf(feed.key)) {
    case 'language':
      return texts.text('languageFeed', { publication });
    case 'section':
      return texts.text('sectionFeed', { name: listed.title });
    case 'tag':
      return texts.text('tagFeed', { name: listed.title });
    case 'author':
      return texts.text('authorFeed', { name: listed.title });
    default:
      return feed.description;
  }
}

function sentenceInHtml(data: FeedPage, texts: Texts, publication: string): Part {
  const { feed, listed } = data;
  const named = { name: html`<bdi>${listed.title}</bdi>`, publication: html`<bdi>${publication}</bdi>` };
  switch (kindOf(feed.key)) {
    case 'language':
      return textWith(texts, 'languageFeed', named);
    case 'section':
      return textWith(texts, 'sectionFeed', named);
    case 'tag':
      return textWith(texts, 'tagFeed', named);
    case 'author':
      return textWith(texts, 'authorFeed', named);
    default:
      return isolated(feed.description, feed.language, texts);
  }
}

function about(data: FeedPage, title: string, texts: Texts, root: string, publication: string): Html {
  const { feed, listed, calendar } = data;
  const kind = kindOf(feed.key);
  const [id, over] =
    kind === 'latest' ? ['latest', texts.text('latest')] : [GROUPS[kind].id, texts.text(GROUPS[kind].title)];
  const { words, isCount } = rhythm(listed.perDay, texts);
  const inWords =
    calendar === undefined || (isCount && sum(listed.perDay) === listed.articles) ? '' : texts.comma + words;
  return html`<header class="about">
<h1><span class="over"><a href="${root}#${id}">${over}</a></span> ${kind === 'custom' ? isolated(title, feed.language, texts) : name(title, texts)}</h1>
<p class="standfirst">${sentenceInHtml(data, texts, publication)}</p>
${calendar !== undefined && html`${chart(listed.perDay, calendar.newest, texts)}\n`}<p class="hush">${holds(listed, texts)}${inWords}</p>
</header>`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function subscribe(title: string, key: FeedKey, texts: Texts, root: string, publication: Publication): Html {
  const address = `${publication.feedsUrl}${feedPath(key, 'rss')}`;
  const readers = READERS.map(
    ([reader, link]) =>
      html`<li><a href="${link(address)}" rel="nofollow"><bdi${languageOf('en', texts)}>${reader}</bdi></a></li>\n`,
  );
  return html`<aside class="subscribe" aria-labelledby="subscribe-title">
<h2 id="subscribe-title">${texts.text('subscribe')}</h2>
<p>${texts.text('whatIs')}</p>
<h3>${texts.text('address')}</h3>
<code class="address" id="address">${breakable(address)}</code>
<p><button type="button" data-copy="address" data-done="${texts.text('copied')}" hidden>${texts.text('copy')}</button> <span class="hush" role="status"></span></p>
<h3>${texts.text('openIn')}</h3>
<ul class="readers">
${readers}<li><a href="feed:${address}" rel="nofollow">${texts.text('app')}</a></li>
</ul>
<h3>${texts.text('formats')}</h3>
${formats(key, title, texts, root)}
<p class="hush"><a href="${root}${rawAddress(key)}" rel="nofollow">${texts.text('raw')}</a></p>
<details>
<summary>${texts.text('forSites')}</summary>
<p class="hush">${texts.text('forSitesText')}</p>
<pre tabindex="0">${breakable(String(html`${alternates({ key, title }, publication)}`).trimEnd())}</pre>
${key === LATEST && forRobots(texts, publication)}</details>
</aside>`;
}

/** Text with addresses whose lines may end before a slash. A copy of it has no more than the text. */
function breakable(text: string): Html[] {
  const parts = text.split(/(?<=:\/\/)|(?=(?<!\/)\/(?!\/))/);
  return parts.map((part, index) => html`${index > 0 && trusted('<wbr>')}${part}`);
}

/** The lines for the robots.txt of the newspaper's own site. */
function forRobots(texts: Texts, publication: Publication): Html {
  const address = html`<bdi dir="ltr">${new URL('/robots.txt', publication.url).href}</bdi>`;
  return html`<p class="hush">${textWith(texts, 'forRobots', { address })}</p>
<pre tabindex="0">${breakable(siteRobots(publication).trimEnd())}</pre>
`;
}

/** The newest stories, and the links to older ones. */
function storiesOf(data: FeedPage, site: Site, texts: Texts, { root, room }: EntriesPlace): string {
  const { feed, older } = data;
  const links = older === undefined ? '' : String(pager({ feed, older }, texts, root));
  const { text, isWhole } = entriesOf(data, site, texts, { root, room: room - Buffer.byteLength(links) });
  return `${text}${lastLine(data, texts, isWhole) || ''}${links}`;
}

interface EntriesPlace {
  readonly root: string;
  /** Bytes for all of them. */
  readonly room: number;
}

interface ShownEntries {
  readonly text: string;
  /** Whether all of the stories are shown. */
  readonly isWhole: boolean;
}

/** The stories, each cut where all together would be too long: the longest ones first, and only behind their headlines. */
export function entriesOf(
  { feed, articles, report }: Pick<FeedPage, 'feed' | 'articles' | 'report'>,
  { hosts }: Site,
  texts: Texts,
  { root, room }: EntriesPlace,
): ShownEntries {
  const first = articles.findIndex(({ image }) => hosts.load(image?.url, root) !== undefined);
  const entries: PageEntry[] = [];
  let isWhole = true;
  let size = 0;
  for (const [index, article] of articles.entries()) {
    const context = { texts, hosts, root, content: feed.content, isFirst: index === first };
    try {
      const entry = pageEntry(article, context);
      isWhole = entries.length === 0 || size + entry.size <= room;
      if (!isWhole) break;
      size += entry.size;
      entries.push(entry);
    } catch (error) {
      report(index, error);
    }
  }
  const limit = fairShare(
    entries.map(({ blocks }) => lengthOf(blocks)),
    room - size,
  );
  return { text: `${entries.map((entry) => entryText(entry, limit)).join('\n')}\n`, isWhole };
}

function entryText({ before, blocks, isCut, after, readOn }: PageEntry, limit: number): string {
  const shown: string[] = [];
  let size = 0;
  for (const block of blocks) {
    size += Buffer.byteLength(block) + 1;
    if (size > limit) break;
    shown.push(block);
  }
  const text = shown.map((block) => `${block}\n`).join('');
  return before + text + (isCut || shown.length < blocks.length ? readOn : '') + after;
}

function lengthOf(blocks: readonly string[]): number {
  return blocks.reduce((total, block) => total + Buffer.byteLength(block) + 1, 0);
}

/** @param isWhole whether all of the newest stories stand above */
function lastLine({ articles, listed }: FeedPage, texts: Texts, isWhole: boolean): Html | false {
  if (articles.length === 0) return html`<p class="pager">${texts.text('none')}</p>\n`;
  return isWhole && articles.length === listed.articles && firstStory(texts);
}
