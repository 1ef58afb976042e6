import { feedme } from './feedme.ts';
import { feedparser } from './feedparser.ts';
import { feedsmith } from './feedsmith.ts';
import { newsboat } from './newsboat.ts';
import type { Reading } from './reading.ts';

export type Format = 'rss' | 'atom' | 'json';

/** A published document: its text, and the loopback address that serves it. */
export type Published = { readonly url: string; readonly text: string };

export type Reader = {
  readonly name: string;
  /** The programs a peerTest needs; none for a parser from npm. */
  readonly programs: readonly string[];
  readonly formats: readonly Format[];
  readonly read: (document: Published) => Promise<readonly Reading[]>;
  /** What this reader can show of a reading: the rest it does not expose, so it can neither agree nor disagree. */
  readonly shows: (reading: Reading, format: Format) => Reading;
};

const everything = (reading: Reading): Reading => reading;

/** Every reader the project is tried against, and what is known of it. */
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
    formats: ['rss', 'atom', 'json'],
    read: async ({ text }) => feedsmith(text),
    shows: everything,
  },
  {
    name: 'feedme',
    programs: [],
    formats: ['rss', 'atom', 'json'],
    read: ({ text }) => feedme(text),
    shows: everything,
  },
];

/** newsboat keeps no summary and no date of change. Of several `dc:creator` it keeps the last, and Atom's authors become one string. */
function shownByNewsboat({ summary, updated, authors, ...rest }: Reading, format: Format): Reading {
  const author = format === 'rss' ? authors.at(-1) : authors.join(', ');
  return { ...rest, authors: author ? [author] : [] };
}
