import { LANGUAGE_TAG } from '../lib/fields.ts';

/** Building blocks of the API's description: JSON Schema in the dialect of OpenAPI 3.1. */

export type Json = Readonly<Record<string, unknown>>;

/** A text. */
export function text(description: string, more: Json = {}): Json {
  return { type: 'string', description, ...more };
}

/** A moment in UTC, to the second. */
export function time(description: string): Json {
  return text(description, { format: 'date-time', pattern: 'Z$', examples: ['2026-11-28T06:30:00Z'] });
}

/** An absolute address. */
export function address(description: string): Json {
  return text(description, { format: 'uri' });
}

/** A language tag (BCP 47). */
export function language(description: string): Json {
  return text(description, { pattern: LANGUAGE_TAG, examples: ['en', 'ckb', 'pt-BR'] });
}

/** A whole number that is not negative. */
export function count(description: string, minimum = 0): Json {
  return { type: 'integer', minimum, description };
}

export function oneOf(values: readonly string[], description: string): Json {
  return { type: 'string', enum: values, description };
}

export function list(items: Json, description: string): Json {
  return { type: 'array', items, description };
}

/** An object that has these properties and no other. Those whose names end in `?` may be missing. */
export function object(description: string, properties: Readonly<Record<string, Json>>): Json {
  const names = Object.keys(properties);
  return {
    type: 'object',
    description,
    required: names.filter((name) => !name.endsWith('?')),
    properties: Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name.replace('?', ''), schema])),
    additionalProperties: false,
  };
}
