import type { z } from 'zod';
import { excerpt, MAX_PROBLEMS, type Problem } from '../errors.ts';
import { didYouMean, meantWord, type Synonyms } from './nearest-word.ts';

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
    return [
      value === undefined ? { field, rule: issue.message } : { field, value: excerpt(value), rule: issue.message },
    ];
  });
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
