import { z } from 'zod';
import { PODCAST_CATEGORIES, type PodcastSettings } from '../feed/podcasts.ts';
import { email, object, singleLine } from '../lib/fields.ts';
import { didYouMean, meantWord } from '../lib/nearest-word.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { asset, assetUrl } from './assets.ts';

const CATEGORIES = Object.keys(PODCAST_CATEGORIES);

/** The field `podcast` of a partner: what a podcast says of itself. */
export const podcast = object({
  category: z.enum(CATEGORIES, { error: `must be a category of Apple: ${CATEGORIES.join(', ')}` }).optional(),
  subcategory: singleLine(100).optional(),
  explicit: z.boolean({ error: 'must be true or false' }).optional(),
  image: asset.optional(),
  owner: object({ name: singleLine(200), email: email.optional() }).optional(),
}).superRefine(({ category, subcategory }, context) => {
  if (subcategory === undefined) return;
  const known = category === undefined ? [] : (PODCAST_CATEGORIES[category] ?? []);
  if (known.includes(subcategory)) return;
  const message =
    category === undefined
      ? 'needs a category'
      : known.length === 0
        ? `must be left out: ${category} has no subcategories`
        : `must be one of ${known.join(', ')}${didYouMean(meantWord(subcategory, known))}`;
  context.addIssue({ code: 'custom', path: ['subcategory'], message });
});

/** @param base the address of the service */
export function podcastOf({ image, owner, ...rest }: z.output<typeof podcast>, base: string): PodcastSettings {
  return omitUndefined({
    ...rest,
    image: image === undefined ? undefined : assetUrl(image, base),
    owner: owner && omitUndefined(owner),
  });
}
