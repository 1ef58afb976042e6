import type { Media } from '../../article/article.ts';
import { escapeHtml, shorten } from '../../lib/text.ts';
import { element, parent } from '../xml.ts';
import type { Picture } from './body-facts.ts';
import { cdataElement } from './item-pieces.ts';
import { brokenLimit, captionOf, choosePicture, isInBody, type PictureLimits, picturesOf, typeOf } from './pictures.ts';
import { type ItemPiece, PIECE_DEPTH } from './rss-dialect.ts';
import type { Story } from './story.ts';

/** The elements of an item for pictures and films. */

/** An element for one picture. */
type PictureElement = (picture: Picture, story: Story) => string;
/** A child of `media:content`. */
export type PictureChild = (picture: Picture, story: Story) => readonly string[];

/** The story's picture: the first one within the consumer's limits. */
export function storyPicture(write: PictureElement, limits: PictureLimits = {}): ItemPiece {
  return (story) => {
    const picture = choosePicture(story.article, limits);
    return picture === undefined ? [] : [write(picture, story)];
  };
}

/** The same, unless the body shows this picture: two of them would be a duplicate. */
export function storyPictureUnlessInBody(write: PictureElement, limits: PictureLimits = {}): ItemPiece {
  return (story) => {
    const picture = choosePicture(story.article, limits);
    return picture === undefined || (story.isWhole && isInBody(story.article, picture)) ? [] : [write(picture, story)];
  };
}

/** The same, only in an item whose body is not the whole story, and so shows no picture. */
export function storyPictureUnlessWhole(write: PictureElement, limits: PictureLimits = {}): ItemPiece {
  const piece = storyPicture(write, limits);
  return (story) => (story.isWhole ? [] : piece(story));
}

/** The body with the story's picture as its first element, in a figure with its caption, and nowhere else. */
export function withPictureFirst(limits: PictureLimits): (story: Story) => string {
  return ({ article, html, isWhole }) => {
    const picture = isWhole ? choosePicture(article, limits) : undefined;
    if (picture === undefined) return html;
    const { url, alt = '', width, height } = picture;
    const image = element('img', { src: url, alt, width, height });
    const text = captionOf(picture) || alt;
    return `<figure>${image}${text === '' ? '' : element('figcaption', {}, text)}</figure>\n${html}`;
  };
}

interface SlideOptions extends PictureLimits {
  readonly most: number;
  /** The first picture is the cover, and no slide. */
  readonly hasCover?: boolean;
}

/** The pictures of the story within the consumer's limits: the slides of a slideshow. */
export function slides(write: PictureElement, { most, hasCover = false, ...limits }: SlideOptions): ItemPiece {
  return (story) => {
    const pictures = picturesOf(story.article).filter((picture) => brokenLimit(picture, limits) === undefined);
    return pictures
      .slice(hasCover ? 1 : 0)
      .slice(0, most)
      .map((picture) => write(picture, story));
  };
}

/** `media:content` of a picture, with children in the order of the list. */
export function mediaContent(...children: readonly PictureChild[]): PictureElement {
  return (picture, story) => {
    const { url, width, height } = picture;
    const attributes = { url, type: typeOf(picture), medium: 'image', width, height };
    return withChildren(
      'media:content',
      attributes,
      children.flatMap((child) => child(picture, story)),
    );
  };
}

function withChildren(name: string, attributes: Parameters<typeof element>[1], children: readonly string[]): string {
  return children.length === 0 ? element(name, attributes) : parent(name, attributes, children, PIECE_DEPTH);
}

/** The picture's address alone. */
export const thumbnail = (picture: Picture): string => element('media:thumbnail', { url: picture.url });

/** The same with its size. */
export const thumbnailWithSize = ({ url, width, height }: Picture): string =>
  element('media:thumbnail', { url, width, height });

/** The same as a child of `media:content`: beside it, consumers would count two pictures. */
export const thumbnailInside: PictureChild = (picture) => [thumbnail(picture)];
export const pictureTitle: PictureChild = (picture, { title }) => [
  element('media:title', {}, picture.title || picture.alt || picture.caption || title),
];
export const alternativeText: PictureChild = ({ alt }) => (alt ? [element('media:text', {}, alt)] : []);
export const credit: PictureChild = (picture) => (picture.credit ? [element('media:credit', {}, picture.credit)] : []);
export const caption: PictureChild = (picture) =>
  picture.caption ? [element('media:description', { type: 'plain' }, picture.caption)] : [];
/** The caption as HTML, for consumers whose slides have text. */
export const captionAsHtml: PictureChild = (picture) =>
  picture.caption ? [cdataElement('media:description', { type: 'html' }, `<p>${escapeHtml(picture.caption)}</p>`)] : [];

/** Whether the picture may be passed on, 1 or 0. Nothing where the record says nothing. */
export function mayBePassedOn(name: string): PictureChild {
  return ({ syndicate }) => (syndicate === undefined ? [] : [element(name, {}, syndicate ? '1' : '0')]);
}

/** RSS's enclosure, with the caption as an attribute. */
export function enclosureWithCaption(name: string, limit: number): PictureElement {
  return (picture) =>
    element('enclosure', {
      url: picture.url,
      type: typeOf(picture),
      length: picture.length ?? 0,
      [name]: shorten(captionOf(picture), limit) || undefined,
    });
}

/** Who made the picture: its credit, else the publication with its address. */
export function pictureAuthor(name: string, nameElement: string, addressElement: string): PictureElement {
  return ({ credit: author }, { publisher }) => {
    const parts = author
      ? [element(nameElement, {}, author)]
      : [element(nameElement, {}, publisher.title), element(addressElement, {}, publisher.url)];
    return parent(name, {}, parts, PIECE_DEPTH);
  };
}

/** The first film of a story; undefined where it has none. */
export function filmOf(story: Pick<Story, 'article'>): Media | undefined {
  return story.article.media.find(({ type }) => /^video\//i.test(type));
}

/** A child of the `media:content` of a film. */
export type FilmChild = (film: Media, story: Story) => readonly string[];

/** `media:content` of the story's film, with children in the order of the list. */
export function film(...children: readonly FilmChild[]): ItemPiece {
  return (story) => {
    const media = filmOf(story);
    if (media === undefined) return [];
    const { url, type, length, width, height, duration } = media;
    const attributes = {
      url,
      type,
      medium: 'video',
      duration: duration === undefined ? undefined : Math.round(duration),
      width,
      height,
      fileSize: length,
    };
    return [
      withChildren(
        'media:content',
        attributes,
        children.flatMap((child) => child(media, story)),
      ),
    ];
  };
}

export const filmTitle: FilmChild = (media, story) => [element('media:title', {}, media.title || story.title)];
export const filmCaption: FilmChild = (_, story) => [element('media:description', { type: 'plain' }, story.summary)];
export const filmCredit: FilmChild = (_, { article, publisher }) => [
  element('media:credit', {}, article.source?.name ?? publisher.title),
];
/** The story's picture as the thumbnail of the film. */
export const filmThumbnail: FilmChild = (_, { article }) =>
  article.image === undefined ? [] : [thumbnail(article.image)];
