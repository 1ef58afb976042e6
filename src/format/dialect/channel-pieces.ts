import { httpDate, type Instant } from '../../lib/instant.ts';
import { oneSpaced, shorten } from '../../lib/text.ts';
import { element, parent } from '../xml.ts';
import type { ChannelPiece } from './rss-dialect.ts';

/** The elements of a channel. None depends on a clock. */

const CHANNEL_DEPTH = 2;

export const channelTitle: ChannelPiece = ({ title }) => [element('title', {}, title)];
/** The newspaper's own site. */
export const channelLink: ChannelPiece = ({ publication }) => [element('link', {}, publication.url)];

/** The description of the feed; cut between words where the consumer takes few characters. */
export function channelDescription(
  limitOf: (language: string) => number = () => Number.POSITIVE_INFINITY,
): ChannelPiece {
  return ({ description, title, language }) => [
    element('description', {}, shorten(oneSpaced(description || title), limitOf(language))),
  ];
}

/** The language of the feed. */
export const channelLanguage: ChannelPiece = ({ language }) => [element('language', {}, language)];

/**
 * The language with a region, for consumers that have one edition for each: `en-GB`. A feed whose language names no region gets
 * the likely one (CLDR): name the region in the language of the feed if that one is wrong.
 */
export const channelLanguageWithRegion: ChannelPiece = ({ language }) => [
  element('language', {}, withRegion(language)),
];

export function withRegion(tag: string): string {
  const locale = new Intl.Locale(tag);
  if (locale.region !== undefined) return tag;
  const { region } = locale.maximize();
  return region === undefined ? tag : new Intl.Locale(tag, { region }).toString();
}

/** The address of the document, without a key. */
export const self: ChannelPiece = (head) => [
  element('atom:link', { rel: 'self', type: 'application/rss+xml', href: head.self }),
];

export const channelCopyright: ChannelPiece = ({ publication }) =>
  publication.copyright === undefined ? [] : [element('copyright', {}, publication.copyright)];

/** Minutes after which the consumer may fetch again: those of the publication, within the consumer's bounds. */
export function ttl(least = 1, most = Number.POSITIVE_INFINITY): ChannelPiece {
  return ({ publication }) => {
    const minutes = Math.round(publication.maxAge / 60);
    return [element('ttl', {}, String(Math.min(most, Math.max(least, minutes))))];
  };
}

/** When a story was last published, corrected or withdrawn. */
export function lastChange(name: string, format: (instant: Instant) => string = httpDate): ChannelPiece {
  return ({ updatedAt }) => [element(name, {}, format(updatedAt))];
}

/** A logo of the publication as the address in an element within an element. */
export function logo(name: string, child: string, which: 'logo' | 'icon' = 'logo'): ChannelPiece {
  return ({ publication }) => {
    const address = publication[which];
    return address === undefined ? [] : [parent(name, {}, [element(child, {}, address)], CHANNEL_DEPTH)];
  };
}
