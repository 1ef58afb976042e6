import { SaxesParser } from 'saxes';
import { expect } from 'vitest';
import type { Article } from '../../../src/article/article.ts';
import { erasedArticle, withdrawnArticle } from '../../../src/article/stored.ts';
import type { ContentType } from '../../../src/feed/dialects.ts';
import type { Format } from '../../../src/feed/feeds.ts';
import type {
  Dialect,
  DialectHead,
  DialectItem,
  DialectOptions,
  DialectRenderer,
  TakenBackItem,
} from '../../../src/format/dialect/dialect.ts';
import { article } from '../../helpers.ts';
import { sampleFeeds, samplePublication } from '../../peers/newsroom.ts';

/** The moment of the golden documents: the stories of the sample are at most two weeks old. */
export const NOW = Date.parse('2026-11-22T09:00:00Z');

export const publication = samplePublication();

/** The stories of a feed of the sample newsroom, newest first. */
export async function sampleStories(key: string): Promise<readonly Article[]> {
  const feed = (await sampleFeeds()).find((each) => each.key === key);
  if (feed === undefined) throw new Error(`The sample has no feed ${key}.`);
  return feed.articles;
}

/** A story whose files are in the media folder, which has their sizes in pixels. */
function withSizes(story: Article, width: number, height: number): Article {
  return { ...story, media: story.media.map((file) => ({ ...file, width, height })) };
}

/** Stories of the kinds that the sample does not have. */
const pictures = article({
  id: 'market-in-pictures',
  url: 'https://fourrivers.example/en/2026/11/market-in-pictures',
  title: 'A morning at the market, in three pictures & a half',
  summary: 'Before the sun is up, the square is full & loud.',
  body: '<p>Before the sun is up, the square is full.</p><figure><img src="https://media.example/3.webp" width="1280" height="720" alt="A scale"><figcaption>The last scale of its kind.</figcaption></figure>',
  authors: [{ name: 'Awat Zerdeştî' }],
  sections: ['Culture', 'Economy'],
  tags: ['market', 'photography'],
  publishedAt: '2026-11-20T05:00:00Z',
  updatedAt: '2026-11-20T06:30:00Z',
  image: {
    url: 'https://media.example/1.jpg',
    type: 'image/jpeg',
    length: 350_000,
    width: 1920,
    height: 1080,
    alt: 'Crates of pomegranates',
    caption: 'Pomegranates from "Halabja" & elsewhere.',
    credit: 'Photo: Tomas Wrenfield',
    syndicate: true,
  },
  media: [
    {
      url: 'https://media.example/2.jpg',
      type: 'image/jpeg',
      length: 420_000,
      title: 'A porter with his cart',
    },
  ],
  copyright: '© 2026 The Four Rivers Courier',
});

const crossing = article({
  id: 'ferry-film',
  url: 'https://fourrivers.example/en/2026/11/ferry-film',
  title: 'One crossing on the last river ferry',
  summary: 'Four minutes from bank to bank, with 12 cars and a goat.',
  body: '<p>Four minutes from bank to bank.</p>',
  sections: ['Culture'],
  tags: ['ferry', 'river'],
  publishedAt: '2026-11-21T05:00:00Z',
  expiresAt: '2027-01-01T00:00:00Z',
  image: { url: 'https://media.example/ferry.jpg', type: 'image/jpeg', width: 1920, height: 1080 },
  media: [
    {
      url: 'https://media.example/ferry.mp4',
      type: 'video/mp4',
      length: 48_000_000,
      duration: 241.6,
      title: 'The crossing',
    },
  ],
});

export const slideshow = withSizes(pictures, 1600, 900);
export const film = withSizes(crossing, 1920, 1080);

/** A story that a partner gets as it is. */
export function item(of: Article, more: Partial<DialectItem> = {}): DialectItem {
  const updatedAt = of.updatedAt ?? of.publishedAt;
  return { article: of, contentType: 'article', content: 'full', updatedAt, revision: 7, ...more };
}

const WITHDRAWN_AT = Date.parse('2026-11-22T08:00:00Z');

/** A story that was withdrawn, and the same after its erasure. */
export function withdrawn(of: Article, more: Partial<TakenBackItem> = {}): TakenBackItem {
  return {
    article: withdrawnArticle(of, { at: WITHDRAWN_AT }),
    at: WITHDRAWN_AT,
    revision: 8,
    contentType: 'article',
    ...more,
  };
}

export function erased(of: Article, more: Partial<TakenBackItem> = {}): TakenBackItem {
  return withdrawn(erasedArticle({ ...of, withdrawn: { at: WITHDRAWN_AT } }), more);
}

interface DocumentParts {
  readonly contentType?: ContentType;
  readonly format?: Format;
  readonly stories: readonly Article[];
  readonly takenBack?: readonly TakenBackItem[];
  readonly head?: Partial<DialectHead>;
}

export const options: DialectOptions = {
  content: 'full',
  contentType: 'article',
  feedLanguage: 'en',
  feedsUrl: publication.feedsUrl,
  publisher: publication,
};

/** A document of a dialect: head, entries, markers of withdrawals, tail. */
export function documentOf(dialect: Dialect, parts: DocumentParts): string {
  const { contentType = 'article', format = 'rss', stories, takenBack = [] } = parts;
  const renderer = rendererOf(dialect, format);
  const settings = { ...options, contentType };
  const head: DialectHead = {
    title: 'The Four Rivers Courier',
    description: publication.description,
    language: 'en',
    self: `${publication.feedsUrl}partners/example/latest.${format}`,
    id: 'https://fourrivers.example/feeds/latest',
    publication,
    contentType,
    content: 'full',
    updatedAt: WITHDRAWN_AT,
    ...(stories[0] && { publishedAt: stories[0].publishedAt }),
    tombstones: [],
    ...parts.head,
  };
  const entries = [
    ...stories.map((story) => renderer.entry(item(story, { contentType }), settings)),
    ...takenBack.map((each) => renderer.takenBack?.({ ...each, contentType }, settings) ?? ''),
  ];
  return renderer.head(head) + entries.filter((entry) => entry !== '').join(renderer.separator) + renderer.tail;
}

export function rendererOf(dialect: Dialect, format: Format): DialectRenderer {
  const renderer = dialect.formats[format];
  if (renderer === undefined) throw new Error(`${dialect.name} has no ${format}.`);
  return renderer;
}

/** An element as an independent parser reads it. */
export interface XmlElement {
  /** With the prefix that the document uses. */
  readonly name: string;
  /** The namespace. */
  readonly uri: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** Parses a document with saxes, which knows namespaces. Throws if it is not well-formed. */
export function parseXml(document: string): XmlElement {
  type Open = { -readonly [Key in keyof XmlElement]: XmlElement[Key] } & { children: XmlElement[] };
  const root: Open = { name: '', uri: '', attributes: {}, text: '', children: [] };
  const open: Open[] = [root];
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, uri, attributes }) => {
    const values = Object.entries(attributes).map(([key, { value }]) => [key, value]);
    const element: Open = { name, uri, attributes: Object.fromEntries(values), text: '', children: [] };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  const addText = (text: string) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    open.pop();
  });
  parser.write(document).close();
  const [element] = root.children;
  if (element === undefined) throw new Error('The document is empty.');
  return element;
}

export function childrenOf(parent: XmlElement, name: string): readonly XmlElement[] {
  return parent.children.filter((child) => child.name === name);
}

export function textOf(parent: XmlElement, name: string): string | undefined {
  return childrenOf(parent, name)[0]?.text.trim();
}

/** What a consumer's table says of the children of an element, in its order: `?` none or one, `+` one or more, `*` any number. */
export function expectChildren(parent: XmlElement, table: readonly string[]): void {
  const counts = new Map<string, number>();
  for (const { name } of parent.children) counts.set(name, (counts.get(name) ?? 0) + 1);
  const names = table.map((entry) => entry.replace(/[?+*]$/, ''));
  expect([...counts.keys()].filter((name) => !names.includes(name))).toEqual([]);
  for (const entry of table) {
    const name = entry.replace(/[?+*]$/, '');
    const count = counts.get(name) ?? 0;
    if (!/[?*]$/.test(entry)) expect(count, name).toBeGreaterThanOrEqual(1);
    if (!/[+*]$/.test(entry)) expect(count, name).toBeLessThanOrEqual(1);
  }
  const order = parent.children.map(({ name }) => names.indexOf(name));
  expect(order).toEqual([...order].sort((one, other) => one - other));
}

/** The items of a document. */
export function itemsOf(document: string): readonly XmlElement[] {
  return parseXml(document).children.flatMap((channel) => childrenOf(channel, 'item'));
}

/** The item of one story. */
export function entryOf(dialect: Dialect, of: Article, more: Partial<DialectItem> = {}): XmlElement {
  const renderer = rendererOf(dialect, 'rss');
  const contentType = more.contentType ?? 'article';
  const head = documentOf(dialect, { contentType, stories: [] }).replace(renderer.tail, '');
  const [entry] = itemsOf(`${head}${renderer.entry(item(of, more), { ...options, contentType })}${renderer.tail}`);
  if (entry === undefined) throw new Error('The document has no item.');
  return entry;
}
