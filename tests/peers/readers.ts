import { decodeHTML } from 'entities/decode';
import { FORMATS, type Format } from '../../src/feed/feeds.ts';
import { feedParser } from './feed-parser.ts';
import { feedme } from './feedme.ts';
import { feedparser } from './feedparser.ts';
import { feedsmith } from './feedsmith.ts';
import { newsboat } from './newsboat.ts';
import type { Published } from './newsroom.ts';
import type { Reading } from './reading.ts';
import { rssParser } from './rss-parser.ts';
import { sfeed } from './sfeed.ts';
import { xmlFeed } from './xml-feed.ts';

export type Reader = {
  readonly name: string;
  /** The programs that a peerTest needs. A parser from npm needs none. */
  readonly programs: readonly string[];
  readonly formats: readonly Format[];
  readonly read: (document: Published) => Promise<readonly Reading[]>;
  /** Leaves out of a reading everything that this reader does not expose. */
  readonly shows: (reading: Reading, format: Format) => Reading;
};

const everything = (reading: Reading): Reading => reading;

/** All readers that the project is tested with. */
export const readers: readonly Reader[] = [
  {
    name: 'newsboat',
    programs: ['newsboat'],
    formats: ['rss', 'atom'],
    read: ({ url }) => newsboat(url),
    shows: shownByNewsboat,
  },
  {
    name: 'feedparser',
    programs: ['feedparser'],
    formats: ['rss', 'atom'],
    read: ({ url }) => feedparser(url),
    shows: everything,
  },
  {
    name: 'feedsmith',
    programs: [],
    formats: FORMATS,
    read: async ({ text }) => feedsmith(text),
    shows: everything,
  },
  {
    name: 'feedme',
    programs: [],
    formats: FORMATS,
    read: ({ text }) => feedme(text),
    shows: everything,
  },
  {
    name: 'rss-parser',
    programs: [],
    formats: ['rss', 'atom'],
    read: ({ text }) => rssParser(text),
    shows: shownByRssParser,
  },
  {
    name: '@rowanmanning/feed-parser',
    programs: [],
    formats: ['rss', 'atom'],
    read: async ({ text }) => feedParser(text),
    shows: shownByFeedParser,
  },
  {
    name: 'sfeed',
    programs: ['sfeed'],
    formats: ['rss', 'atom'],
    read: ({ text }) => sfeed(text),
    shows: shownBySfeed,
  },
  {
    name: 'XML::Feed',
    programs: ['XML::Feed'],
    formats: ['rss', 'atom'],
    read: ({ text }) => xmlFeed(text),
    shows: shownByXmlFeed,
  },
];

/** newsboat keeps no summary and no date of change. Atom's authors become one string. */
function shownByNewsboat({ summary, updated, authors, ...rest }: Reading): Reading {
  return { ...rest, authors: [authors.join(', ')] };
}

/** rss-parser has no date of change, and the first author of an Atom entry. */
function shownByRssParser({ updated, authors, ...rest }: Reading): Reading {
  return { ...rest, authors: authors.slice(0, 1) };
}

/** feed-parser does not know dcterms:modified: an item's date of change is its date. It decodes references in bodies. */
function shownByFeedParser(reading: Reading, format: Format): Reading {
  const body = decodeHTML(reading.body);
  return format === 'rss' ? { ...reading, body, updated: reading.published ?? '' } : { ...reading, body };
}

/** sfeed has one text and one date, and the first author of an Atom entry. */
function shownBySfeed({ summary, updated, authors, ...rest }: Reading): Reading {
  return { ...rest, authors: authors.slice(0, 1) };
}

/** XML::Feed has the first author of an Atom entry. */
function shownByXmlFeed({ authors, ...rest }: Reading): Reading {
  return { ...rest, authors: authors.slice(0, 1) };
}
