import { DomUtils, parseDocument } from 'htmlparser2';

/** One entry as a reader understood it. What a reader does not expose is absent, never guessed. */
export type Reading = {
  readonly id: string;
  /** Text: where the document says that it is HTML, what that HTML says. */
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

/** What a piece of HTML says. */
export function textOfHtml(html: string): string {
  return DomUtils.textContent(parseDocument(html));
}

/** RSS dates, newsboat and feedparser know only whole seconds, so that is what dates are compared by. */
export function instant(date: string | number): string {
  const milliseconds = new Date(date).getTime();
  if (Number.isNaN(milliseconds)) throw new Error(`not a date: ${date}`);
  return new Date(Math.floor(milliseconds / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

/**
 * The reading without what readers do differently to one and the same document: feedsmith and feedparser trim every
 * text, newsboat trims titles and puts a space for each line break in them, feedme changes nothing. Markup, entities
 * and inner white space of bodies come back from all of them untouched.
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

/** The dates of a reading, of those that the entry has. */
export function datesOf(
  published: string | undefined,
  updated: string | undefined,
): Pick<Reading, 'published' | 'updated'> {
  return {
    ...(published === undefined ? {} : { published: instant(published) }),
    ...(updated === undefined ? {} : { updated: instant(updated) }),
  };
}

/** The texts of a reading: an entry without a body of its own shows its summary as the body. */
export function textsOf(content: string | undefined, summary: string | undefined): Pick<Reading, 'body' | 'summary'> {
  if (content === undefined) return { body: summary ?? '' };
  return { body: content, ...(summary === undefined ? {} : { summary }) };
}
