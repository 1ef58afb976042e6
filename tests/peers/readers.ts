import { FORMATS, type Format } from '../../src/feed/feeds.ts';
import { feedme } from './feedme.ts';
import { feedparser } from './feedparser.ts';
import { feedsmith } from './feedsmith.ts';
import { newsboat } from './newsboat.ts';
import type { Published } from './newsroom.ts';
import type { Reading } from './reading.ts';

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
];

/** newsboat keeps no summary and no date of change. Of several `dc:creator` it keeps the last, and Atom's authors become one string. */
function shownByNewsboat({ summary, updated, authors, ...rest }: Reading, format: Format): Reading {
  const author = format === 'rss' ? authors.at(-1) : authors.join(', ');
  return { ...rest, authors: author ? [author] : [] };
}
