import { webUrl } from '../../lib/url.ts';
import { sourceDate } from './dates.ts';
import { looseText } from './loose-text.ts';
import { type Attachment, picturesByStory } from './shortcodes.ts';
import { childElements, textContent, type XmlElement } from './xml.ts';
import type { XmlPart } from './xml-parts.ts';

/** The parts of an export that stories refer to. */
export interface Site {
  /** Display names by login: of users, and of the guest authors that a common plugin adds. */
  readonly authors: ReadonlyMap<string, string>;
  /** By id. */
  readonly attachments: ReadonlyMap<string, Attachment>;
  /** The pictures that were uploaded for each story, by its id. */
  readonly galleries: ReadonlyMap<string, readonly Attachment[]>;
  /** The contents of published shared blocks by id. */
  readonly blocks: ReadonlyMap<string, string>;
  /** Milliseconds that the site's clock is ahead of UTC in a month of the year, 0 to 11; 0 if no post shows it. */
  readonly clockOffset: (month: number) => number;
}

/** Most characters of all shared blocks. */
const MAX_BLOCKS = 64 * 1024 * 1024;

/** @param onPart receives each part as well */
export async function readSite(parts: AsyncIterable<XmlPart>, onPart: (part: XmlElement) => void): Promise<Site> {
  const authors = new Map<string, string>();
  const attachments = new Map<string, Attachment>();
  const blocks = new Map<string, string>();
  const clock = clockOffsets();
  let length = 0;
  try {
    for await (const { element: part } of parts) {
      onPart(part);
      if (part.name === 'wp:author') authors.set(value(part, 'wp:author_login'), displayName(part));
      if (part.name !== 'item') continue;
      const type = value(part, 'wp:post_type');
      const id = value(part, 'wp:post_id');
      const attachment = type === 'attachment' ? attachmentOf(part) : undefined;
      if (attachment !== undefined) attachments.set(id, attachment);
      if (type === 'guest-author') addGuest(part, authors);
      if (type === 'wp_block' && isShown(part)) {
        const content = value(part, 'content:encoded');
        length += content.length;
        if (length <= MAX_BLOCKS) blocks.set(id, content);
      }
      clock.add(value(part, 'wp:post_date'), value(part, 'wp:post_date_gmt'));
    }
  } catch {
    // The second pass fails at the same position. It reports the error after the stories before it.
  }
  const galleries = picturesByStory(attachments.values());
  return { authors, attachments, galleries, blocks, clockOffset: clock.offset };
}

/** Whether the site shows a shared block in stories. */
function isShown(block: XmlElement): boolean {
  return value(block, 'wp:status') === 'publish' && value(block, 'wp:post_password') === '';
}

/** The text of the first child of this name. */
export function value(element: XmlElement, name: string): string {
  return textContent(childElements(element, name)[0]);
}

/** The values of a post's meta field. */
export function metas(item: XmlElement, key: string): string[] {
  return childElements(item, 'wp:postmeta')
    .filter((entry) => value(entry, 'wp:meta_key') === key)
    .map((entry) => value(entry, 'wp:meta_value'));
}

export function meta(item: XmlElement, key: string): string {
  return metas(item, key)[0] ?? '';
}

function displayName(author: XmlElement): string {
  const full = `${value(author, 'wp:author_first_name')} ${value(author, 'wp:author_last_name')}`.trim();
  return looseText(value(author, 'wp:author_display_name') || full || value(author, 'wp:author_login'));
}

/** Adds a guest author, who is an item of its own. A user of the same login keeps the name. */
function addGuest(item: XmlElement, authors: Map<string, string>): void {
  const login = meta(item, 'cap-user_login') || value(item, 'wp:post_name').replace(/^cap-/, '');
  const name = looseText(meta(item, 'cap-display_name') || value(item, 'title'));
  if (login !== '' && name !== '' && !authors.has(login)) authors.set(login, name);
}

function attachmentOf(item: XmlElement): Attachment | undefined {
  const url = webUrl(value(item, 'wp:attachment_url'));
  if (url === undefined) return undefined;
  return {
    url,
    parent: value(item, 'wp:post_parent'),
    alt: looseText(meta(item, '_wp_attachment_image_alt')) || undefined,
    caption: looseText(value(item, 'excerpt:encoded')) || undefined,
  };
}

/** The offset of the clock that most posts of a month show: summer time has its own. */
function clockOffsets(): { add: (local: string, utc: string) => void; offset: (month: number) => number } {
  const counts = new Map<string, number>();
  const count = (month: number | undefined, offset: number) => {
    const key = `${month ?? ''} ${offset}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  const most = (month: number | undefined) => {
    const prefix = `${month ?? ''} `;
    const found = [...counts].filter(([key]) => key.startsWith(prefix)).toSorted(([, one], [, other]) => other - one);
    return found[0] === undefined ? undefined : Number(found[0][0].slice(prefix.length));
  };
  const known = new Map<number, number>(); // from the first question on, when all posts are counted
  return {
    add(local, utc) {
      const [own, world] = [sourceDate(local).instant, sourceDate(utc).instant];
      if (own === undefined || world === undefined || Math.abs(own - world) > MAX_OFFSET) return;
      count(new Date(own).getUTCMonth(), own - world);
      count(undefined, own - world);
    },
    offset(month) {
      const offset = known.get(month) ?? most(month) ?? most(undefined) ?? 0;
      known.set(month, offset);
      return offset;
    },
  };
}

/** The farthest zone from UTC. */
const MAX_OFFSET = 14 * 3_600_000;
