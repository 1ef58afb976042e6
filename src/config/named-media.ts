import { mediaNamesIn } from '../article/media-names.ts';
import type { Publication } from './publication.ts';

/** The files below `media/` that the publication itself names for everybody, in the form of `mediaName`. */
export function namedMedia({ partners = [], ...shown }: Publication): ReadonlySet<string> {
  // A contract that a partner's terms name is not for everybody.
  const podcastImages = partners.map(({ podcast }) => podcast?.image);
  return new Set(mediaNamesIn(JSON.stringify([shown, podcastImages])));
}
