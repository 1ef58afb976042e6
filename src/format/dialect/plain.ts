import type { Dialect } from './dialect.ts';
import { PUBLIC_FORMATS } from './public-formats.ts';

/** The feeds that readers get, for one partner. */
export const plain: Dialect = {
  name: 'plain',
  title: 'Plain feed',
  status: 'live',
  formats: PUBLIC_FORMATS,
  contentTypes: ['article'],
  defaults: { entries: 50, content: 'full' },
  withdrawal: 'leaves RSS; `at:deleted-entry` in Atom, `_tombstones` in JSON Feed',
  rules: [],
};
