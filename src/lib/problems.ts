import type { z } from 'zod';
import { excerpt, MAX_PROBLEMS, type Problem } from '../errors.ts';
import { didYouMean, meantWord, type Synonyms, synonymsOf } from './nearest-word.ts';

/**
 * Zod's issues as problems, each with an excerpt of the value in the input. An unknown field has the nearest one.
 *
 * @param synonyms fields by their names in other systems and languages
 */
export function problemsOf(error: Pick<z.ZodError, 'issues'>, input: unknown, synonyms?: Synonyms): Problem[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const known = issue.message.split(' ');
      return issue.keys.map((key, index) => {
        const meant = index < MAX_PROBLEMS ? meantWord(key, known, synonyms) : undefined; // a search takes time
        return { field: fieldName([...issue.path, key]), rule: `is not a known field${didYouMean(meant)}` };
      });
    }
    const value = valueAt(input, issue.path);
    const field = fieldName(issue.path);
    const rule = `${issue.message}${didYouMean(meantValue(issue, value))}`;
    return [value === undefined ? { field, rule } : { field, value: excerpt(value), rule }];
  });
}

/** Values of fields by the words of other systems. */
const VALUE_SYNONYMS = synonymsOf({
  html: 'htm xhtml',
  markdown: 'md mkd commonmark',
  text: 'txt plain plaintext textplain',
  full: 'all complete body content',
  summary: 'excerpt short teaser description',
  slideshow: 'gallery photos pictures',
  video: 'film clip movie',
  article: 'story text news',
  plain: 'rss atom json feed standard',
  msn: 'microsoft microsoftstart microsoftnews',
  podcast: 'itunes audio applepodcasts',
  ninjs: 'iptc newsml',
  'alexa-flash-briefing': 'alexa amazon flashbriefing',
  'apple-news': 'apple',
  'google-news': 'google',
});

/** The valid value that looks most like a wrong one, for a field that has a list of them. */
function meantValue(issue: z.core.$ZodIssue, value: unknown): string | undefined {
  if (issue.code !== 'invalid_value' || typeof value !== 'string') return undefined;
  return meantWord(value, issue.values.map(String), VALUE_SYNONYMS);
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** `authors[0].url` */
function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${String(key)}`))
    .join('');
}

/** The inverse of `fieldName`: the path of `authors[0].url` is `['authors', 0, 'url']`. */
export function fieldPath(field: string): PropertyKey[] {
  return [...field.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map((match) =>
    match[1] === undefined ? match[0] : Number(match[1]),
  );
}
