import type { ContentType } from '../../feed/dialects.ts';
import { assertWellFormed, assertWellFormedEach, indentation, parent, startTag } from '../xml.ts';
import type { DialectHead, DialectItem, DialectOptions, DialectRenderer, TakenBackItem } from './dialect.ts';
import { type Story, storyOf, takenBackStory } from './story.ts';

/** One or several elements of a channel. */
export type ChannelPiece = (head: DialectHead) => readonly string[];
/** One or several elements of an item. */
export type ItemPiece = (story: Story) => readonly string[];

/** How a consumer wants RSS, as data. Elements come in the order of the lists. */
export interface RssShape {
  /** The namespaces by their prefixes, as of `NAMESPACES`. All are declared at the root. */
  readonly namespaces: Readonly<Record<string, string>>;
  readonly channel: readonly ChannelPiece[];
  readonly item: readonly ItemPiece[];
  /** The item of a story that was withdrawn. Missing where the consumer knows none. */
  readonly takenBack?: readonly ItemPiece[];
}

/** The namespaces of dialects. */
export const NAMESPACES = {
  atom: 'http://www.w3.org/2005/Atom',
  content: 'http://purl.org/rss/1.0/modules/content/',
  dc: 'http://purl.org/dc/elements/1.1/',
  dcterms: 'http://purl.org/dc/terms/',
  media: 'http://search.yahoo.com/mrss/',
  mi: 'http://schemas.ingestion.microsoft.com/common/',
  oa: 'http://news.line.me/rss/1.0/oa',
  snf: 'http://www.smartnews.be/snf',
} as const;

/** The namespaces of these prefixes. */
export function namespaces(...prefixes: readonly (keyof typeof NAMESPACES)[]): Readonly<Record<string, string>> {
  return Object.fromEntries(prefixes.map((prefix) => [prefix, NAMESPACES[prefix]]));
}

/** Levels of an item, and of its elements, below the root. */
const ITEM_DEPTH = 2;
export const PIECE_DEPTH = ITEM_DEPTH + 1;

const TAIL = '    </channel>\n</rss>\n';

/** The renderer of a dialect of RSS 2.0 with one shape for each type of content; that of articles is the default. */
export function rssRenderer(
  shapes: { readonly article: RssShape } & Readonly<Partial<Record<ContentType, RssShape>>>,
): DialectRenderer {
  const shapeOf = (contentType: ContentType) => shapes[contentType] ?? shapes.article;
  const knowsWithdrawals = Object.values(shapes).some((shape) => shape.takenBack !== undefined);
  return {
    mediaType: 'application/rss+xml',
    head: (head) => channel(shapeOf(head.contentType), head),
    entry: (item: DialectItem, options: DialectOptions) => {
      const shape = shapeOf(item.contentType);
      return itemElement(shape, shape.item, storyOf(item, options));
    },
    ...(knowsWithdrawals && {
      takenBack: (item: TakenBackItem, options: DialectOptions) => {
        const shape = shapeOf(item.contentType);
        return shape.takenBack === undefined ? '' : itemElement(shape, shape.takenBack, takenBackStory(item, options));
      },
    }),
    separator: '',
    tail: TAIL,
  };
}

function rootOf(shape: RssShape): string {
  const declarations = Object.entries(shape.namespaces).map(([prefix, address]) => [`xmlns:${prefix}`, address]);
  return startTag('rss', { version: '2.0', ...Object.fromEntries(declarations) });
}

function channel(shape: RssShape, head: DialectHead): string {
  const elements = shape.channel.flatMap((piece) => piece(head));
  const lines = elements.map((each) => `${indentation(ITEM_DEPTH)}${each}\n`);
  const document = `<?xml version="1.0" encoding="utf-8"?>\n${rootOf(shape)}\n    <channel>\n${lines.join('')}`;
  assertWellFormed(`${document}${TAIL}`);
  return document;
}

function itemElement(shape: RssShape, pieces: readonly ItemPiece[], story: Story): string {
  const elements = pieces.flatMap((piece) => piece(story));
  const item = parent('item', {}, elements, ITEM_DEPTH);
  assertWellFormedEach(rootOf(shape), [item]);
  return `${indentation(ITEM_DEPTH)}${item}\n`;
}
