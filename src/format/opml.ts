import type { Feed } from '../feed/feeds.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { element, startTag } from './xml.ts';

/** A feed in a list. */
export interface OpmlFeed extends Pick<Feed, 'title' | 'description' | 'language'> {
  readonly xmlUrl: string;
  readonly htmlUrl: string;
}

export interface OpmlHead {
  readonly title: string;
  readonly ownerName?: string | undefined;
  readonly ownerEmail?: string | undefined;
}

/**
 * The parts of a list of feeds in OPML 2.0 (opml.org/spec2.opml). It has no dates: the list changes only when feeds do, and
 * a date of its newest story would make it another document with each story.
 */
export function opmlHead({ title, ownerName, ownerEmail }: OpmlHead): string {
  const fields = Object.entries(omitUndefined({ title, ownerName, ownerEmail }));
  const lines = fields.map(([name, value]) => `    ${element(name, {}, value)}\n`);
  return `<?xml version="1.0" encoding="utf-8"?>\n<opml version="2.0">\n  <head>\n${lines.join('')}  </head>\n  <body>\n`;
}

export const OPML_TAIL = '  </body>\n</opml>\n';

export function opmlFeed({ title, description, language, xmlUrl, htmlUrl }: OpmlFeed, depth = 0): string {
  const about = { text: title, title, description, language };
  return `${indent(depth)}${element('outline', { type: 'rss', version: 'RSS2', ...about, xmlUrl, htmlUrl })}\n`;
}

/** The beginning and the end of a group, which readers show as a folder. */
export function opmlGroup(title: string): readonly [begin: string, end: string] {
  return [`${indent(0)}${startTag('outline', { text: title, title })}\n`, `${indent(0)}</outline>\n`];
}

function indent(depth: number): string {
  return '  '.repeat(depth + 2);
}
