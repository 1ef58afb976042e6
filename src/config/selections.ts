import { z } from 'zod';
import { ID, ID_RULE, list, object } from '../lib/fields.ts';
import { didYouMean } from '../lib/nearest-word.ts';
import { brokenKeyRule, FEED_KEY_PATTERN, FEED_KEY_RULE, meantKey, normalKey } from './feed-keys.ts';

/** The key of a feed that articles name by themselves, in its normal form. */
const ownKey = z
  .string({ error: FEED_KEY_RULE })
  .transform((value, context) => {
    const key = normalKey(value);
    const message = brokenKeyRule(key);
    if (message !== undefined) context.addIssue({ code: 'custom', message: message + didYouMean(meantKey(key)) });
    return key;
  })
  .meta({ pattern: FEED_KEY_PATTERN, patternErrorMessage: FEED_KEY_RULE });

const keys = list(ownKey, 200).default([]);

/** The fields that select articles by the feeds that they are in by themselves. */
export const selectionFields = { any: keys, all: keys, none: keys };

export const selection = object(selectionFields).default({ any: [], all: [], none: [] });

/** The rule that an id of a feed or of a partner breaks. */
export function brokenIdRule(id: string): string | undefined {
  return ID.test(id) ? undefined : ID_RULE;
}

/** The id of an operator's feed. */
export const feedId = z
  .string({ error: (issue) => (issue.input === undefined ? 'is required' : 'must be text') })
  .regex(ID, ID_RULE)
  .refine((id) => id !== 'latest', { error: 'is taken: latest holds every article' })
  .meta({ not: { const: 'latest' }, patternErrorMessage: ID_RULE });
