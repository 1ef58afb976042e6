import { LATEST } from '../feed/feeds.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { shorten } from '../lib/text.ts';
import type { FeedKind } from '../store/store.ts';
import { feedAddress } from './addresses.ts';
import { chart, rhythm } from './chart.ts';
import type { Day } from './days.ts';
import { attributes, type Html, html, type Part } from './html.ts';
import { formats, ofPublication, page } from './layout.ts';
import { type Headline, type ListedFeed, LONGEST_SEARCH, type NamedFeed } from './listed-feed.ts';
import type { Site } from './site.ts';
import { type TextName, type Texts, textsFor, textWith } from './texts.ts';
import { bytesOf, fairShare, firstWithin } from './within-bytes.ts';
import { isolated, name } from './words.ts';

/** The kinds of feeds that a page lists below those of all stories. */
export type GroupKind = Exclude<FeedKind, 'latest'>;

export interface Group {
  readonly kind: GroupKind;
  readonly feeds: readonly ListedFeed[];
  /** Feeds that stand behind the others, where a reader opens them. */
  readonly more: readonly (ListedFeed | NamedFeed)[];
}

/** What all pages with feeds know of the time: the days of the charts. */
export interface Calendar {
  readonly days: readonly Day[];
  /** The moment of the newest story, on the last day. */
  readonly newest: Instant;
}

export interface IndexPage {
  readonly calendar: Calendar | undefined;
  readonly latest: ListedFeed | undefined;
  /** In how many languages stories are written. */
  readonly languages: number;
  readonly groups: readonly Group[];
  /** What was searched for, and how many feeds were found. */
  readonly search: { readonly text: string; readonly found: number } | undefined;
}

interface Texting {
  readonly title: TextName;
  readonly note: TextName;
  readonly id: string;
}

export const GROUPS: Readonly<Record<GroupKind, Texting>> = {
  section: { id: 'sections', title: 'sections', note: 'sectionsNote' },
  language: { id: 'languages', title: 'languages', note: 'languagesNote' },
  tag: { id: 'topics', title: 'topics', note: 'topicsNote' },
  author: { id: 'authors', title: 'authors', note: 'authorsNote' },
  custom: { id: 'chosen', title: 'chosen', note: 'chosenNote' },
};
const DENSE: readonly GroupKind[] = ['tag', 'author'];

/** The page of all feeds, or of those that a search finds. */
export function indexPage(data: IndexPage, site: Site): string {
  const { publication, hosts } = site;
  const { calendar, latest, groups, search } = data;
  const texts = textsFor(publication.language, publication);
  const icon = hosts.load(publication.icon, '');
  const heading = texts.text('feeds');
  const body = html`<a class="skip" href="#feeds">${texts.text('skipFeeds')}</a>
<header class="masthead wrap">
<div class="mast">
${icon !== undefined && html`<a href="${publication.url}"><img src="${icon}" width="512" height="512" alt="${new URL(publication.url).host}"></a>\n`}<h1><span class="over">${heading}</span> ${ofPublication(publication.title, publication, texts)}</h1>
</div>
<p class="standfirst">${ofPublication(publication.description, publication, texts)}</p>
</header>
<main class="wrap" id="feeds">
${finder(search?.text ?? '', texts)}
${search === undefined ? jump(data, texts) : found(search, texts)}
${latest !== undefined && latestGroup(latest, data, texts)}
${withinBytes(groups, calendar, texts)}
</main>`;
  return String(
    page({
      site,
      texts,
      root: '',
      title: `${heading} · ${publication.title}`,
      description: publication.description,
      isHidden: search !== undefined,
      feed: { key: LATEST, title: publication.title },
      body,
    }),
  );
}

function finder(text: string, texts: Texts): Html {
  return html`<div class="find">
<p class="standfirst">${texts.text('whatIs')}</p>
<form role="search" method="get" action="./">
<label for="q">${texts.text('find')}</label>
<p class="hush" id="q-hint">${texts.text('findHint')}</p>
<div class="field"><input id="q" name="q" type="search" maxlength="${LONGEST_SEARCH}" autocomplete="off" aria-describedby="q-hint"${attributes({ value: text === '' ? undefined : text, dir: 'auto' })}><button type="submit">${texts.text('search')}</button></div>
</form>
</div>`;
}

function jump({ latest, groups }: IndexPage, texts: Texts): Html {
  const links = [
    ...(latest === undefined ? [] : [['latest', texts.text('latest')] as const]),
    ...groups.map(({ kind }) => [GROUPS[kind].id, texts.text(GROUPS[kind].title)] as const),
  ].map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>\n`);
  return html`<nav class="jump" aria-label="${texts.text('feeds')}">
<ul>
${links}</ul>
</nav>`;
}

function found({ text, found: n }: NonNullable<IndexPage['search']>, texts: Texts): Html {
  const q = html`<bdi>${text}</bdi>`;
  if (n === 0) return html`<p class="jump" role="status">${textWith(texts, 'foundNone', { q })}</p>`;
  return html`<div class="jump">
<p role="status">${textWith(texts, 'found', { q }, n)}</p>
<p><a href="./">${texts.text('showAll')}</a></p>
</div>`;
}

function latestGroup(feed: ListedFeed, { calendar, languages }: IndexPage, texts: Texts): Html {
  const title = texts.text('latest');
  const first = calendar?.days[0]?.[0];
  return html`<section class="group split" id="latest" aria-labelledby="latest-title">
<header>
<h2 id="latest-title">${title}</h2>
${calendar !== undefined && html`<p class="hush">${texts.text('bars')}</p>\n`}</header>
<ul>
<li class="feed lead">
<div>
<h3><a href="${feedAddress(feed.key)}">${texts.text('everything')}</a></h3>
<p class="hush">${holds(feed, texts)}${languages > 1 && ` ${texts.text('inLanguages', { n: texts.number(languages) })}`}${calendar !== undefined && `${texts.comma}${rhythm(feed.perDay, texts).words}`}</p>
${feed.newest !== undefined && newest(feed.newest, texts, true)}
${formats(feed.key, title, texts, '')}
<p class="hush"><a href="feeds.opml" type="text/x-opml">${texts.text('opml')}</a></p>
</div>
${
  calendar !== undefined &&
  first !== undefined &&
  html`<div>
${chart(feed.perDay, calendar.newest, texts, true)}
<p class="hush ends"><span>${texts.dayAndMonth(first)}</span> <span>${texts.date(calendar.newest)}</span></p>
</div>`
}
</li>
</ul>
</section>`;
}

/**
 * The groups. Where the page would be too long, feeds at the end of a group are only named, and names are left out: a search
 * finds them.
 */
function withinBytes(groups: readonly Group[], calendar: Calendar | undefined, texts: Texts): Part {
  const lists = groups.map(({ feeds }) => feeds.map((feed) => listedFeed(feed, calendar, texts)));
  const limit = fairShare(lists.map(bytesOf), FEED_BYTES);
  const shown = lists.map((list) => firstWithin(list, limit));
  const share = (LIST_BYTES - bytesOf(shown.flat())) / groups.length;
  return groups.map(({ kind, feeds, more }, index) => {
    const first = shown[index] ?? [];
    const isCut = first.length < feeds.length;
    const rest = isCut ? [...feeds.slice(first.length), ...more].map(onlyNamed) : more;
    return groupSection(kind, first, moreFeeds(rest, share, calendar, texts), texts);
  });
}

/** Bytes of all lists. With everything around them, the page stays below 150 kB. */
const LIST_BYTES = 135_000;
/** Of these, bytes of feeds that are more than their names. */
const FEED_BYTES = 125_000;

function onlyNamed({ key, title, language }: NamedFeed): NamedFeed {
  return omitUndefined({ key, title, language });
}

interface MoreFeeds {
  readonly count: number;
  readonly list: Html;
}

function groupSection(kind: GroupKind, feeds: readonly Html[], more: MoreFeeds, texts: Texts): Html {
  const { id, title, note } = GROUPS[kind];
  const dense = DENSE.includes(kind) ? ' dense' : '';
  return html`<section class="group split${dense}" id="${id}" aria-labelledby="${id}-title">
<header>
<h2 id="${id}-title">${texts.text(title)}</h2>
<p class="hush">${texts.text(note)}</p>
</header>
<ul>
${feeds}</ul>
${
  more.count > 0 &&
  html`<details>
<summary>${texts.plural(kind === 'tag' ? 'more' : 'moreFeeds', more.count)}</summary>
${more.list}
</details>`
}
</section>
`;
}

/** @param bytes of the list. Where whole feeds are more, they are only named. */
function moreFeeds(more: Group['more'], bytes: number, calendar: Calendar | undefined, texts: Texts): MoreFeeds {
  const whole = more.filter((feed) => 'perDay' in feed).map((feed) => listedFeed(feed, calendar, texts));
  if (whole.length > 0 && bytesOf(whole) <= bytes) return { count: whole.length, list: html`<ul>\n${whole}</ul>` };
  const items = more
    .values()
    .map((feed) => html`<li><a href="${feedAddress(feed.key)}">${titleOf(feed, texts)}</a></li>\n`);
  const names = firstWithin(items, bytes);
  return { count: names.length, list: html`<ul class="names">\n${names}</ul>` };
}

function titleOf({ title, language }: NamedFeed, texts: Texts): Part {
  return language === undefined ? name(title, texts) : isolated(title, language, texts);
}

function listedFeed(feed: ListedFeed, calendar: Calendar | undefined, texts: Texts): Html {
  const { key, description, language, perDay } = feed;
  const about =
    description !== undefined &&
    html`${language === undefined ? name(shortened(description), texts) : isolated(shortened(description), language, texts)} `;
  return html`<li class="feed">
<div>
<h3><a href="${feedAddress(key)}">${titleOf(feed, texts)}</a></h3>
<p class="hush">${about}${holds(feed, texts)}${about !== false && '.'}</p>
</div>
<div>
${
  calendar !== undefined &&
  html`${chart(perDay, calendar.newest, texts)}
<p class="hush">${rhythm(perDay, texts).words}</p>`
}
</div>
<div>
${feed.newest !== undefined && newest(feed.newest, texts)}
</div>
${formats(key, feed.title, texts, '')}
</li>
`;
}

/** Characters of a headline or a description in a list. */
const LONGEST = 200;

function shortened(text: string): string {
  return shorten(text, LONGEST);
}

/** How many stories a feed holds, in words. */
export function holds({ articles }: Pick<ListedFeed, 'articles'>, texts: Texts): string {
  return texts.plural('stories', articles);
}

function newest({ title, url, language, publishedAt }: Headline, texts: Texts, hasTime = false): Html {
  const time = hasTime ? `${texts.comma}${texts.time(publishedAt)}` : '';
  return html`<p class="newest"><a href="${url}">${isolated(shortened(title), language, texts)}</a></p>
<p class="hush"><time datetime="${rfc3339(publishedAt)}">${texts.date(publishedAt)}${time}</time></p>`;
}
