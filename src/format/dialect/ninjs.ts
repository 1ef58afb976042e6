import type { Dialect } from './dialect.ts';
import { canceledItem, listHead, ninjsItem } from './ninjs-item.ts';

/** News in JSON, as agencies and content systems exchange it. */
export const ninjs: Dialect = {
  name: 'ninjs',
  title: 'IPTC ninjs 3.1',
  status: 'live',
  formats: {
    json: {
      mediaType: 'application/json',
      head: (head) => `${JSON.stringify(listHead(head)).slice(0, -1)},\n"items":[\n`,
      entry: (item, options) => JSON.stringify(ninjsItem(item, options)),
      takenBack: (item) => JSON.stringify(canceledItem(item)),
      separator: ',\n',
      tail: '\n]}\n',
    },
  },
  contentTypes: ['article'],
  defaults: { entries: 50, content: 'full' },
  withdrawal: '`pubStatus` is `canceled`',
  rules: [],
};
