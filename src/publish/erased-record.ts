import { z } from 'zod';
import { isRecordId, partner } from '../article/record.ts';
import { articleText, erasedArticle } from '../article/stored.ts';
import { brokenKeyRule } from '../config/feed-keys.ts';
import { PublisherError } from '../errors.ts';
import { instant, integerBetween, list, object } from '../lib/fields.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { problemsOf } from '../lib/problems.ts';
import { xmlText } from '../lib/text.ts';
import type { ParsedRecord } from './unparsed-record.ts';

/** Feeds that an article names at most, and characters of their keys. */
const MAX_FEEDS = 300;
const MAX_KEY = 300;
const MAX_PUBLIC_ID = 2048;
const MAX_PARTNERS = 1000;

const feedKey = z
  .string({ error: 'must be text' })
  .refine((key) => key.length <= MAX_KEY && xmlText(key) === key, { error: 'must be the key of a feed', abort: true })
  .superRefine((key, context) => {
    const rule = brokenKeyRule(key);
    if (rule !== undefined) context.addIssue({ code: 'custom', message: rule });
  });

/** The tombstone of an erased article, as an export writes it. */
const schema = object({
  id: z.string({ error: 'must be text' }).refine(isRecordId, { error: 'must be the id of a record' }),
  publicId: z
    .string({ error: 'must be text' })
    .refine((text) => text !== '' && text.length <= MAX_PUBLIC_ID && xmlText(text).trim() === text, {
      error: `must be a public id of at most ${MAX_PUBLIC_ID} characters`,
    }),
  publishedAt: instant,
  withdrawn: object({ at: instant }),
  erased: object({
    feeds: list(feedKey, MAX_FEEDS),
    urgency: integerBetween(1, 9).optional(),
    partners: list(partner, MAX_PARTNERS).optional(),
  }),
});

/** Whether a record is the tombstone of an erased article. */
export function isErasedRecord(record: object): boolean {
  return Object.hasOwn(record, 'erased') && Reflect.get(record, 'erased') !== null;
}

/**
 * Parses the tombstone of an erased article.
 *
 * @throws PublisherError `invalid_article`
 */
export function parseErasedRecord(record: object): ParsedRecord {
  const result = schema.safeParse(record);
  if (!result.success) {
    const hint =
      'An erased article has only id, publicId, publishedAt, withdrawn.at and erased (feeds, urgency, partners), as an export has it.';
    const problems = problemsOf(result.error, record);
    throw new PublisherError('invalid_article', 'The erased article cannot be kept.', { problems, hint });
  }
  const { erased, ...remains } = result.data;
  const { urgency, partners } = erased;
  return {
    article: articleText(erasedArticle(omitUndefined({ ...remains, urgency, partners }))),
    record: JSON.stringify(record),
    feeds: erased.feeds.map((key) => ({ key, name: '' })),
    isErased: true,
  };
}
