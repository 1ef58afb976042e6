import type { Dialect } from './dialect.ts';
import { canceledItem, type Json, type JsonObject, listHead, ninjsItem } from './ninjs-item.ts';

/** ninjs before its names had capital letters, for systems that do not read version 3 yet, such as Superdesk. */
export const ninjs22: Dialect = {
  name: 'ninjs-2.2',
  title: 'IPTC ninjs 2.2',
  status: 'live',
  formats: {
    json: {
      mediaType: 'application/json',
      head: (head) => `${JSON.stringify(earlier(listHead(head))).slice(0, -1)},\n"items":[\n`,
      entry: (item, options) => JSON.stringify(earlierItem(ninjsItem(item, options))),
      takenBack: (item) => JSON.stringify(earlierItem(canceledItem(item))),
      separator: ',\n',
      tail: '\n]}\n',
    },
  },
  contentTypes: ['article'],
  defaults: { entries: 50, content: 'full' },
  withdrawal: '`pubstatus` is `canceled`',
  rules: [],
};

const STANDARD = { name: 'ninjs', version: '2.2', schema: 'http://www.iptc.org/std/ninjs/ninjs-schema_2.2.json#' };

function earlierItem(item: JsonObject): JsonObject {
  return { ...earlier(item), standard: STANDARD };
}

/** The same with the names of version 2, which are those of version 3 in lower case. */
function earlier(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name.toLowerCase(), earlierValue(value)]));
}

function earlierValue(value: Json): Json {
  if (Array.isArray(value)) return value.map(earlierValue);
  return isObject(value) ? earlier(value) : value;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object';
}
