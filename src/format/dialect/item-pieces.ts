import type { Instant } from '../../lib/instant.ts';
import { joinNames } from '../../lib/name-list.ts';
import { shorten } from '../../lib/text.ts';
import { element, forCdata, startTag } from '../xml.ts';
import { reduceBody } from './body.ts';
import type { BodyRules } from './body-rules.ts';
import type { ItemPiece } from './rss-dialect.ts';
import type { Story } from './story.ts';

/** The elements of an item that are not pictures or films. A dialect lists them in the order of its consumer's table. */

/** HTML as character data that no reader takes for markup. */
export function cdataElement(name: string, attributes: Parameters<typeof startTag>[1], html: string): string {
  return `${startTag(name, attributes)}<![CDATA[${forCdata(html)}]]></${name}>`;
}

/** The permanent id. It is the same in all feeds of all partners. */
export const guid: ItemPiece = ({ article }) => [element('guid', { isPermaLink: 'false' }, article.publicId)];

export const title: ItemPiece = (story) => [element('title', {}, story.title)];

/** A short title of at most `limit` characters, for a title that is longer. */
export function shortTitle(name: string, limit: number): ItemPiece {
  return (story) => (story.title.length > limit ? [element(name, {}, shorten(story.title, limit))] : []);
}

export const link: ItemPiece = (story) => [element('link', {}, story.link)];

/** The standfirst as plain text. */
export const summary: ItemPiece = (story) => [element('description', {}, story.summary)];

type StoryDate = (story: Story) => Instant | undefined;

export const published: StoryDate = (story) => story.publishedAt;
export const updated: StoryDate = (story) => story.updatedAt;
export const ended: StoryDate = (story) => story.endsAt;
/** The last change, only where there was one after first publication. */
export const corrected: StoryDate = ({ updatedAt, publishedAt }) => (updatedAt > publishedAt ? updatedAt : undefined);

/** A date in a format of `dates.ts`. A story that has no such date has no such element. */
export function date(name: string, which: StoryDate, format: (instant: Instant) => string): ItemPiece {
  return (story) => {
    const instant = which(story);
    return instant === undefined ? [] : [element(name, {}, format(instant))];
  };
}

/** The body, as much of it as the consumer takes. */
export function body(
  name: string,
  rules: BodyRules,
  prepare: (story: Story) => string = ({ html }) => html,
): ItemPiece {
  return (story) => [cdataElement(name, {}, reduceBody(prepare(story), rules))];
}

/** The names of the authors; that of the publication for a story without authors. */
export function creator(name: string): ItemPiece {
  return ({ article, publisher }) => {
    const names = article.authors.map((author) => author.name);
    return [element(name, {}, joinNames(names.length > 0 ? names : [publisher.title], article.language))];
  };
}

interface CategoryOptions {
  /** Sections, tags, or both. By default the sections. */
  readonly of?: readonly ('sections' | 'tags')[];
  readonly most?: number;
  /** Joins all names in one element. By default each has an element of its own. */
  readonly join?: string;
}

/** The names of the sections and tags of a story. */
export function categories(name: string, { of = ['sections'], most, join }: CategoryOptions = {}): ItemPiece {
  return ({ article }) => {
    const names = [...new Set(of.flatMap((kind) => article[kind].map((term) => term.name)))].slice(0, most);
    if (names.length === 0) return [];
    return join === undefined ? names.map((each) => element(name, {}, each)) : [element(name, {}, names.join(join))];
  };
}

/** The language of the story. */
export function language(name: string): ItemPiece {
  return ({ article }) => (article.language === '' ? [] : [element(name, {}, article.language)]);
}

/** The copyright line: that of the partner's contract where it has one. */
export function rights(name: string): ItemPiece {
  return ({ article }) => (article.copyright === undefined ? [] : [element(name, {}, article.copyright)]);
}

/** An element that is always the same, as the mark of a withdrawal. */
export function fixed(name: string, attributes: Readonly<Record<string, string>>, text?: string): ItemPiece {
  return () => [element(name, attributes, text)];
}

/** An element whose text depends on the story; none where there is no text. */
export function text(name: string, textOf: (story: Story) => string | undefined): ItemPiece {
  return (story) => {
    const words = textOf(story);
    return words === undefined || words === '' ? [] : [element(name, {}, words)];
  };
}

/** The parameters by which campaigns are counted in links. */
const CAMPAIGN = /^(?:utm_|mtm_|pk_|fbclid$|gclid$)/i;

/** Whether an address has a parameter of a campaign. */
export function hasCampaign(address: string): boolean {
  return [...(URL.parse(address)?.searchParams.keys() ?? [])].some((name) => CAMPAIGN.test(name));
}
