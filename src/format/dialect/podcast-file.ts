import type { Article, Image, Media } from '../../article/article.ts';
import type { MediaFacts } from '../../article/media-facts.ts';

export type EpisodeFile = Media;

/** Apple tells what a file is by the ending of its address. */
const PLAYABLE = /\.(?:m4a|mp3|mov|mp4|m4v)$/i;
const PICTURE_TYPES = ['image/jpeg', 'image/png'];
/** Pixels of a side. */
export const LEAST_ARTWORK = 1400;
export const MOST_ARTWORK = 3000;

/** The sound or film that is the episode: the first that podcast apps play. */
export function episodeFile({ media }: Article): EpisodeFile | undefined {
  return media.find(
    ({ url, type }) => /^(?:audio|video)\//i.test(type) && PLAYABLE.test(URL.parse(url)?.pathname ?? ''),
  );
}

/** Whether a picture is right for an episode. What is not known of a picture is taken to be right. */
export function isArtwork(image: Pick<Image, 'url'> & Partial<MediaFacts>): boolean {
  return artworkProblem(image) === undefined;
}

/** What is wrong with a picture of a podcast, as the end of a sentence. */
export function artworkProblem({ type, width, height }: Partial<MediaFacts>): string | undefined {
  if (type !== undefined && !PICTURE_TYPES.includes(type.toLowerCase())) return `is ${type}`;
  if (width === undefined || height === undefined) return undefined;
  const isRight = width === height && width >= LEAST_ARTWORK && width <= MOST_ARTWORK;
  return isRight ? undefined : `is ${width} × ${height} pixels`;
}
