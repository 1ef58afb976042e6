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
  /** Reads documents, each for itself. A program starts only once for them, if it can. */
  readonly read: (documents: readonly Published[]) => Promise<readonly (readonly Reading[])[]>;
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
    read: oneByOne(({ url }) => newsboat(url)),
    shows: shownByNewsboat,
  },
  {
    name: 'feedparser',
    programs: ['feedparser'],
    formats: ['rss', 'atom'],
    read: (documents) => feedparser(documents.map(({ url }) => url)),
    shows: everything,
  },
  {
    name: 'feedsmith',
    programs: [],
    formats: FORMATS,
    read: oneByOne(async ({ text }) => feedsmith(text)),
    shows: everything,
  },
  {
    name: 'feedme',
    programs: [],
    formats: FORMATS,
    read: oneByOne(({ text }) => feedme(text)),
    shows: everything,
  },
  {
    name: 'rss-parser',
    programs: [],
    formats: ['rss', 'atom'],
    read: oneByOne(({ text }) => rssParser(text)),
    shows: shownByRssParser,
  },
  {
    name: '@rowanmanning/feed-parser',
    programs: [],
    formats: ['rss', 'atom'],
    read: oneByOne(async ({ text }) => feedParser(text)),
    shows: shownByFeedParser,
  },
  {
    name: 'sfeed',
    programs: ['sfeed'],
    formats: ['rss', 'atom'],
    read: oneByOne(({ text }) => sfeed(text)),
    shows: shownBySfeed,
  },
  {
    name: 'XML::Feed',
    programs: ['XML::Feed'],
    formats: ['rss', 'atom'],
    read: (documents) => xmlFeed(documents.map(({ text }) => text)),
    shows: shownByXmlFeed,
  },
];

function oneByOne(read: (document: Published) => Promise<readonly Reading[]>): Reader['read'] {
  return async (documents) => {
    const readings: (readonly Reading[])[] = [];
    for (const document of documents) readings.push(await read(document));
    return readings;
  };
}

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
