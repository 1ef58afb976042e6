import { DomUtils, parseDocument } from 'htmlparser2';
import type { Article } from '../../src/article/article.ts';
import type { Format } from '../../src/feed/feeds.ts';
import { joinNames } from '../../src/lib/name-list.ts';

/** One entry as a reader understood it. A field that the reader does not expose is absent. */
export type Reading = {
  readonly id: string;
  /** Text. If the document says that the title is HTML: the text of that HTML. */
  readonly title: string;
  readonly link: string;
  /** ISO 8601, UTC, whole seconds. */
  readonly published?: string;
  /** ISO 8601, UTC, whole seconds. */
  readonly updated?: string;
  readonly authors: readonly string[];
  /** Markup, as the reader would hand it to its renderer. */
  readonly body: string;
  /** Text, as the title; an RSS `description` is always HTML. */
  readonly summary?: string;
};

/** The authors in a document: in RSS one text with all names, and the publication for an article without authors. */
export function authorsShown({ authors, language }: Article, publication: string, format: Format): readonly string[] {
  const names = authors.length === 0 ? [publication] : authors.map(({ name }) => name);
  return format === 'rss' ? [joinNames(names, language)] : names;
}

/** The text of a piece of HTML. */
export function textOfHtml(html: string): string {
  return DomUtils.textContent(parseDocument(html));
}

/** A date in whole seconds: RSS, newsboat and feedparser know no fractions. */
export function instant(date: string | number): string {
  const milliseconds = new Date(date).getTime();
  if (Number.isNaN(milliseconds)) throw new Error(`not a date: ${date}`);
  return new Date(Math.floor(milliseconds / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

/**
 * The reading without the differences between readers of one document: feedsmith and feedparser trim every text, newsboat
 * trims titles and replaces each line break in them by a space, feedme changes nothing. No reader changes markup, entities
 * and inner white space of bodies.
 *
 * Still different, and not hidden here: feedparser takes U+0080 to U+009F for Windows-1252; feedsmith drops a comment
 * inside a CDATA section that is followed by another one. A publisher should avoid both.
 */
export function comparable(reading: Reading): Reading {
  return {
    ...reading,
    title: reading.title.replace(/[\r\n]/g, ' ').trim(),
    body: reading.body.trim(),
    authors: reading.authors.map((author) => author.trim()),
    ...(reading.summary === undefined ? {} : { summary: reading.summary.trim() }),
  };
}

/** The dates of a reading. An entry may lack either. */
export function datesOf(
  published: string | undefined,
  updated: string | undefined,
): Pick<Reading, 'published' | 'updated'> {
  return {
    ...(published === undefined ? {} : { published: instant(published) }),
    ...(updated === undefined ? {} : { updated: instant(updated) }),
  };
}

/** The texts of a reading. Readers show the summary as the body of an entry that has no other. */
export function textsOf(content: string | undefined, summary: string | undefined): Pick<Reading, 'body' | 'summary'> {
  if (content === undefined) return { body: summary ?? '' };
  return { body: content, ...(summary === undefined ? {} : { summary }) };
}
