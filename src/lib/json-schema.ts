import { z } from 'zod';

/** JSON Schema, draft 2020-12. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: boolean | JsonSchema;
}

/** What fields mean, by their paths: `feeds.select` is a field of each feed. */
export type Meanings = ReadonlyMap<string, JsonSchema>;

/** What a zod schema reads, before any change of it. Of a type that changes its value, it has neither examples nor default. */
export function inputSchema(schema: z.ZodType): JsonSchema {
  return JSON.parse(JSON.stringify(z.toJSONSchema(schema, { io: 'input' })));
}

/** The schema with each of its parts changed, the inner ones first. The items of a list have its path. */
export function mapSchema(
  schema: JsonSchema,
  change: (part: JsonSchema, path: string) => JsonSchema,
  path = '',
): JsonSchema {
  const { properties, items, additionalProperties } = schema;
  const inner = (part: JsonSchema, name = '') =>
    mapSchema(part, change, name === '' || path === '' ? path + name : `${path}.${name}`);
  const fields = Object.entries(properties ?? {}).map(([name, field]) => [name, inner(field, name)]);
  return change(
    {
      ...schema,
      ...(properties === undefined ? {} : { properties: Object.fromEntries(fields) }),
      ...(items === undefined ? {} : { items: inner(items) }),
      ...(typeof additionalProperties === 'object' ? { additionalProperties: inner(additionalProperties, '*') } : {}),
    },
    path,
  );
}

/** The schema with what its fields mean. Items of lists get nothing of it: their list has it. */
export function withMeanings(schema: JsonSchema, meanings: Meanings): JsonSchema {
  return mapSchema(schema, (part, path) => {
    if (part.properties === undefined) return part;
    const prefix = path === '' ? '' : `${path}.`;
    const fields = Object.entries(part.properties).map(([name, field]) => [
      name,
      { ...field, ...meanings.get(prefix + name) },
    ]);
    return { ...part, properties: Object.fromEntries(fields) };
  });
}

/** The schema in which these fields, and the entries of these lists, may be numbers as well. */
export function withNumbers(schema: JsonSchema, isText: (field: string) => boolean): JsonSchema {
  const number = (field: JsonSchema): JsonSchema => {
    if (field.items !== undefined) return { ...field, items: number(field.items) };
    return field.type === 'string' ? { ...field, type: ['string', 'number'] } : field;
  };
  return mapSchema(schema, (part) => {
    if (part.properties === undefined) return part;
    const fields = Object.entries(part.properties).map(([name, field]) => [name, isText(name) ? number(field) : field]);
    return { ...part, properties: Object.fromEntries(fields) };
  });
}

/** Keywords that say something about a value, and refuse none. */
const ANNOTATIONS: ReadonlySet<string> = new Set(['title', 'description', 'default', 'examples']);

/** The schema with the other forms that a part may have, which `meta({ orElse: [...] })` names. */
export function withOtherForms(schema: JsonSchema): JsonSchema {
  return mapSchema(schema, ({ orElse, ...part }) => {
    if (!Array.isArray(orElse)) return part;
    const entries = Object.entries(part);
    const annotations = entries.filter(([keyword]) => ANNOTATIONS.has(keyword));
    const form = entries.filter(([keyword]) => !ANNOTATIONS.has(keyword));
    return { ...Object.fromEntries(annotations), anyOf: [Object.fromEntries(form), ...orElse] };
  });
}
