import type { Article, Image, Media, Person } from '../../article/article.ts';
import { DEFAULT_CATEGORY } from '../../feed/podcasts.ts';
import { isWebUrl } from '../../lib/url.ts';
import { creativeCommons } from '../../terms/creative-commons.ts';
import { nameBasedUuid } from '../public-uri.ts';
import { element, parent } from '../xml.ts';
import type { Dialect, DialectHead, DialectItem, DialectOptions } from './dialect.ts';
import { type EpisodeFile, episodeFile, isArtwork } from './podcast-file.ts';
import { podcastFeedRules, podcastRules } from './podcast-rules.ts';
import { PUBLIC_FORMATS } from './public-formats.ts';
import { withElements, withNamespaces } from './rss-elements.ts';

/**
 * A podcast: the plain feed with Apple's elements and those of the podcast namespace. Its episodes are the stories that have a
 * sound or a film. Podcast apps remove an episode that has left the feed.
 */
export const podcast: Dialect = {
  name: 'podcast',
  title: 'Podcast',
  status: 'live',
  formats: {
    rss: { ...PUBLIC_FORMATS.rss, head, entry },
  },
  contentTypes: ['article'],
  defaults: { entries: 100, content: 'full' },
  withdrawal: 'leaves the feed: podcast apps then remove the episode',
  isOneLanguage: true,
  rules: podcastRules,
  feedRules: podcastFeedRules,
};

const NAMESPACES = {
  itunes: 'http://www.itunes.com/dtds/podcast-1.0.dtd',
  podcast: 'https://podcastindex.org/namespace/1.0',
};
/** The namespace of the ids of podcasts (podcast:guid). */
const PODCASTS = 'ead4c236-bf58-58c6-a2c6-a6b28d128cb6';

const CHANNEL_DEPTH = 2;
const ITEM_DEPTH = 2;

function head(head: DialectHead): string {
  const { publication, podcast: settings = {} } = head;
  const image = settings.image ?? publication.icon;
  const owner = settings.owner ?? publication.contact;
  const elements = [
    ...(image === undefined ? [] : [element('itunes:image', { href: image })]),
    category(settings.category ?? DEFAULT_CATEGORY, settings.subcategory),
    element('itunes:explicit', {}, String(settings.explicit ?? false)),
    element('itunes:author', {}, publication.title),
    ...(owner === undefined ? [] : [ownerElement(owner)]),
    element('itunes:type', {}, 'episodic'),
    element('podcast:guid', {}, podcastId(head.self)),
    // Other hosts may not take the podcast over.
    element('podcast:locked', { owner: owner?.email }, 'yes'),
    element('podcast:medium', {}, 'podcast'),
    ...channelLicense(head),
  ];
  // Apps that do not know Apple's element show the picture of the channel.
  const plain = PUBLIC_FORMATS.rss.head(
    image === undefined ? head : { ...head, publication: { ...publication, logo: image } },
  );
  return withNamespaces(withElements(plain, CHANNEL_DEPTH, elements), NAMESPACES);
}

/** The id of a podcast: of its address without the scheme and slashes at the end. */
export function podcastId(address: string): string {
  return nameBasedUuid(address.replace(/^[a-z]+:\/\//i, '').replace(/\/+$/, ''), PODCASTS);
}

function category(name: string, subcategory: string | undefined): string {
  const text = { text: name };
  if (subcategory === undefined) return element('itunes:category', text);
  return parent('itunes:category', text, [element('itunes:category', { text: subcategory })], CHANNEL_DEPTH);
}

function ownerElement({ name, email }: { readonly name: string; readonly email?: string }): string {
  const lines = [
    element('itunes:name', {}, name),
    ...(email === undefined ? [] : [element('itunes:email', {}, email)]),
  ];
  return parent('itunes:owner', {}, lines, CHANNEL_DEPTH);
}

function channelLicense({ terms, publication }: DialectHead): string[] {
  if (terms !== undefined) return isWebUrl(terms) ? [license(terms, 'Contract')] : [];
  return publication.license === undefined ? [] : [license(publication.license, publication.terms?.license?.name)];
}

/** The name of a licence of Creative Commons is that of the list of podcast licences; any other is free. */
function license(url: string, name = 'License'): string {
  const common = creativeCommons(url)?.name?.toLowerCase().replaceAll(' ', '-');
  return element('podcast:license', { url }, (common ?? name).slice(0, 128));
}

function entry(item: DialectItem, options: DialectOptions): string {
  const { article } = item;
  const file = episodeFile(article);
  if (file === undefined) throw new Error('The story has no sound and no film.');
  const others = article.media.filter((media) => media !== file);
  const ordered = { ...item, article: { ...article, media: [file, ...others] } };
  return withElements(
    PUBLIC_FORMATS.rss.entry(ordered, options),
    ITEM_DEPTH,
    episodeElements(article, file, options),
    'item',
  );
}

function episodeElements(article: Article, file: EpisodeFile, options: DialectOptions): string[] {
  const { duration, transcript, chapters, persons = [] } = file;
  return [
    ...(duration === undefined ? [] : [element('itunes:duration', {}, String(Math.round(duration)))]),
    ...artwork(article.image),
    element('itunes:explicit', {}, String(options.podcast?.explicit ?? false)),
    element('itunes:episodeType', {}, 'full'),
    ...(transcript === undefined ? [] : [transcriptElement(transcript)]),
    ...(chapters === undefined ? [] : [element('podcast:chapters', { url: chapters.url, type: chapters.type })]),
    ...persons.map(personElement),
    ...(article.license === undefined ? [] : [license(article.license)]),
  ];
}

function artwork(image: Image | undefined): string[] {
  return image !== undefined && isArtwork(image) ? [element('itunes:image', { href: image.url })] : [];
}

function transcriptElement({ url, type, language }: NonNullable<Media['transcript']>): string {
  const captions = type === 'text/vtt' || type === 'application/x-subrip' ? 'captions' : undefined;
  return element('podcast:transcript', { url, type, language, rel: captions });
}

function personElement({ name, role, group, url, image }: Person): string {
  return element('podcast:person', { role, group, img: image, href: url }, name);
}
