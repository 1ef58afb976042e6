import type { Article, Author, Image, Media } from '../article/article.ts';
import type { Content } from '../feed/feeds.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { shorten } from '../lib/text.ts';
import { feedAddress } from './addresses.ts';
import { type Hosts, hostIn } from './hosts.ts';
import { attributes, type Html, html, type Part, trusted } from './html.ts';
import { storyOf } from './story.ts';
import { type Texts, textWith } from './texts.ts';
import { firstWithin } from './within-bytes.ts';
import { isolated, languageName, languageOf, name, plainLine } from './words.ts';

export interface EntryContext {
  readonly texts: Texts;
  readonly hosts: Hosts;
  readonly root: string;
  readonly content: Content;
  /** Whether its picture is the first on the page, which is seen at once. */
  readonly isFirst: boolean;
}

/** A story on a page. The text behind the headline can be cut between two blocks. */
export interface PageEntry {
  readonly before: string;
  readonly blocks: readonly string[];
  /** Whether the blocks are less than the whole story. */
  readonly isCut: boolean;
  readonly after: string;
  /** The link to the story on its own site, where the text is cut. */
  readonly readOn: string;
  /** Bytes without the blocks. */
  readonly size: number;
}

const LAZY = trusted(' loading="lazy"');
/** Bytes of one story that a page shows at most. */
const MAX_STORY = 60_000;
/** Characters around a story. A record may have more, and all of them 20 times would be more than a page. */
const LONGEST = { title: 300, summary: 1500, caption: 1000, alt: 500 } as const;
/** Bytes of the lists around a story, such as 30 authors or 10 players. */
const LIST_BYTES = { sections: 1500, authors: 4000, media: 6000, translations: 3000 } as const;
const MORE = html`…`;

/** The members of a list that a page has room for, and a sign for the others. */
function withinList(items: readonly Html[], bytes: number): readonly Html[] {
  const first = firstWithin(items, bytes);
  return first.length < items.length ? [...first, MORE] : first;
}

export function pageEntry(article: Article, context: EntryContext): PageEntry {
  const { texts, content } = context;
  const shown = new Set(article.media.filter(isPlayable).map(({ url }) => url));
  const story =
    content === 'full'
      ? storyOf(article.html, { ...context, language: article.language, shown, limit: MAX_STORY })
      : { blocks: [], isCut: false };
  const full = texts.text('full');
  const title = isolated(shorten(article.title, LONGEST.title), article.language, texts);
  const summary = isolated(shorten(article.summary, LONGEST.summary), article.language, texts);
  const players = article.media.filter(isPlayable).map((media) => player(media, article, context));
  const before = html`<article class="entry">
<div>
<p class="hush">${date(article.publishedAt, texts)}</p>
${sections(article, context)}</div>
<div class="col">
<h2><a href="${article.url}">${title}</a></h2>
${article.summary !== article.title && html`<p class="standfirst">${summary}</p>\n`}${byline(article, context)}${picture(article.image, article, context)}${firstWithin(players, LIST_BYTES.media)}`;
  const hasStory = story.blocks.length > 0 || story.isCut;
  const opening = html`<details>
<summary>${full}<span class="vh">: ${title}</span></summary>
<div class="text"${languageOf(article.language, texts)}>
`;
  const readOn = html`<p${attributes({ lang: texts.language, dir: texts.direction })}><a href="${article.url}">${readOnText(article, texts)}</a></p>\n`;
  const after = html`${hasStory && trusted('</div>\n</details>\n')}${translations(article, texts)}</div>
</article>`;
  const parts = {
    before: String(before) + (hasStory ? String(opening) : ''),
    after: String(after),
    readOn: String(readOn),
  };
  const size = Object.values(parts).reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  return { ...parts, blocks: story.blocks, isCut: story.isCut, size };
}

function readOnText({ url }: Article, texts: Texts): Html {
  return textWith(texts, 'readOn', { host: html`<bdi dir="ltr">${hostIn(url)}</bdi>` });
}

function date(at: Instant, texts: Texts): Html {
  return html`<time datetime="${rfc3339(at)}">${texts.date(at)}<span class="sep">${texts.comma}</span><span class="hour">${texts.time(at)}</span></time>`;
}

function joined(items: readonly Html[], separator: string): Part {
  return items.map((item, index) => (index === 0 ? item : html`${separator}${item}`));
}

function sections({ sections: terms }: Article, { texts, root }: EntryContext): Part {
  if (terms.length === 0) return undefined;
  const links = terms.map(
    ({ slug, name: term }) => html`<a href="${root}${feedAddress(`section/${slug}`)}">${name(term, texts)}</a>`,
  );
  return html`<p class="hush">${joined(withinList(links, LIST_BYTES.sections), texts.comma)}</p>\n`;
}

function byline({ authors, updatedAt, source }: Article, { texts, root }: EntryContext): Part {
  const links = authors.map((author) => authorLink(author, texts, root));
  const names = withinList(links, LIST_BYTES.authors);
  const parts = [
    ...(names.length > 0 ? [textWith(texts, 'by', { names: texts.list(names) })] : []),
    ...(source === undefined
      ? []
      : [textWith(texts, 'source', { name: html`<a href="${source.url}">${name(source.name, texts)}</a>` })]),
    ...(updatedAt === undefined
      ? []
      : [
          html`<time datetime="${rfc3339(updatedAt)}">${texts.text('updated', {
            date: `${texts.date(updatedAt)}${texts.comma}${texts.time(updatedAt)}`,
          })}</time>`,
        ]),
  ];
  if (parts.length === 0) return undefined;
  // No middle dot beside Arabic digits: it would read as a zero.
  return html`<p class="byline">${joined(parts, texts.direction === 'rtl' ? texts.comma : ' · ')}</p>\n`;
}

function authorLink({ slug, name: author }: Author, texts: Texts, root: string): Html {
  return html`<a rel="author" href="${root}${feedAddress(`author/${slug}`)}">${name(author, texts)}</a>`;
}

function picture(image: Image | undefined, { language }: Article, { texts, hosts, root, isFirst }: EntryContext): Part {
  if (image === undefined) return undefined;
  const file = hosts.load(image.url, root);
  const { credit = '', width, height } = image;
  const alt = shorten(image.alt ?? '', LONGEST.alt);
  const caption = shorten(image.caption ?? '', LONGEST.caption);
  const size = attributes({ width: width?.toString(), height: height?.toString() });
  const content =
    file === undefined
      ? html`<a href="${image.url}">${texts.text('elsewhere', { what: texts.text('picture'), host: hostIn(image.url) })}</a>`
      : html`<img src="${file}"${size} alt="${plainLine(alt)}"${isFirst ? '' : LAZY}${alt === '' ? '' : languageOf(language, texts)}>`;
  const words = html`${caption !== '' && isolated(caption, language, texts)}${caption !== '' && credit !== '' && ' '}${credit !== '' && html`<span class="credit">${name(credit, texts)}</span>`}`;
  return html`<figure>
${content}
${(caption !== '' || credit !== '') && html`<figcaption>${words}</figcaption>\n`}</figure>\n`;
}

function isPlayable({ type }: Media): boolean {
  return /^(?:audio|video)\//.test(type);
}

function player(media: Media, { language, title }: Article, { texts, hosts, root }: EntryContext): Html {
  const { url, type, duration } = media;
  const file = hosts.load(url, root);
  const isSound = type.startsWith('audio/');
  const label = shorten(media.title ?? title, LONGEST.title);
  const time = duration === undefined ? undefined : html`${texts.comma}${clock(duration)}`;
  if (file === undefined) {
    const what = texts.text(isSound ? 'sound' : 'video');
    const words = texts.text('elsewhere', { what, host: hostIn(url) });
    return html`<p class="hush"><a href="${url}">${words}</a>${texts.comma}${isolated(label, language, texts)}${time}</p>\n`;
  }
  const named = attributes({ 'aria-label': `${texts.text('listen')}: ${plainLine(label)}` });
  const element = isSound
    ? html`<audio controls preload="none" src="${file}"${named}></audio>`
    : html`<video controls preload="none" src="${file}"${attributes({ 'aria-label': plainLine(label) })}></video>`;
  return html`<figure>
${element}
<figcaption>${isolated(label, language, texts)}${time}. <a href="${file}" download>${texts.text('download')}<span class="vh">: ${isolated(label, language, texts)}</span></a></figcaption>
</figure>\n`;
}

/** `0:15`, `1:02:03` */
function clock(duration: number): Html {
  const seconds = Math.round(duration);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  const text = hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  return html`<time datetime="PT${seconds}S">${text}</time>`;
}

function translations({ translations: others, language }: Article, texts: Texts): Part {
  const links = others
    .filter((other) => other.language.toLowerCase() !== language.toLowerCase())
    .map(
      (other) =>
        html`<a href="${other.url}" hreflang="${other.language}"${languageOf(other.language, texts)}>${languageName(other.language)}</a>`,
    );
  if (links.length === 0) return undefined;
  return html`<p class="also"><span>${texts.text('alsoIn')}</span> ${joined(withinList(links, LIST_BYTES.translations), ' ')}</p>\n`;
}
