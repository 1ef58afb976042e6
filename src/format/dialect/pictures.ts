import mime from 'mime';
import type { Article } from '../../article/article.ts';
import { bodyFacts, type Picture } from './body-facts.ts';

/**
 * What a consumer takes. An unknown fact breaks no limit: most newsrooms know the size of few pictures, and a story without
 * its picture is worse than one with a small picture. An unknown type is that of the ending of the address.
 */
export interface PictureLimits {
  readonly types?: readonly string[];
  /** Pixels, at least. */
  readonly width?: number;
  readonly height?: number;
  readonly smallestSide?: number;
  readonly largestSide?: number;
  /** At most. */
  readonly bytes?: number;
  /** Width divided by height, at least and at most. */
  readonly ratio?: readonly [number, number];
}

/** What is wrong with a picture, as the end of a sentence; undefined if it keeps the limits. */
export function brokenLimit(picture: Picture, limits: PictureLimits): string | undefined {
  const { width = Number.NaN, height = Number.NaN, length = Number.NaN } = picture;
  const type = typeOf(picture);
  if (type !== undefined && limits.types?.includes(type) === false) return `is of type ${type}`;
  if (width < (limits.width ?? 0)) return `is ${width} pixels wide`;
  if (height < (limits.height ?? 0)) return `is ${height} pixels high`;
  const size = `is ${width} × ${height} pixels`;
  if (Math.min(width, height) < (limits.smallestSide ?? 0)) return size;
  if (Math.max(width, height) < (limits.largestSide ?? 0)) return size;
  if (length > (limits.bytes ?? Number.POSITIVE_INFINITY)) return `has ${length} bytes`;
  const [least, most] = limits.ratio ?? [0, Number.POSITIVE_INFINITY];
  return width / height < least || width / height > most ? size : undefined;
}

/** The media type of a picture; undefined if neither the record nor the address has one. */
export function typeOf({ type, url }: Picture): string | undefined {
  return type ?? mime.getType(URL.parse(url)?.pathname ?? '') ?? undefined;
}

/** The pictures of a story, each once: its own, then those of its media files, then those of its body. */
export function picturesOf(article: Article): readonly Picture[] {
  const files = article.media.filter(({ type }) => /^image\//i.test(type));
  const own = article.image === undefined ? [] : [article.image];
  const all = new Map<string, Picture>();
  for (const picture of [...own, ...files, ...bodyFacts(article).pictures]) {
    const same = all.get(picture.url);
    all.set(picture.url, same === undefined ? picture : { ...picture, ...same });
  }
  return [...all.values()];
}

/** The first picture of a story that keeps the limits. */
export function choosePicture(article: Article, limits: PictureLimits): Picture | undefined {
  return picturesOf(article).find((picture) => brokenLimit(picture, limits) === undefined);
}

/** Whether the body has a picture of this address. */
export function isInBody(article: Article, { url }: Picture): boolean {
  return bodyFacts(article).pictures.some((picture) => picture.url === url);
}

/** The caption and the credit of a picture in one line. */
export function captionOf({ caption, credit }: Picture): string {
  return [caption, credit].filter((text) => text !== undefined && text !== '').join(' ');
}
