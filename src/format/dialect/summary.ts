import type { Dialect } from './dialect.ts';
import { PUBLIC_FORMATS } from './public-formats.ts';

/** The plain feed without bodies, for partners that link to the stories. */
export const summary: Dialect = {
  name: 'summary',
  title: 'Summaries',
  status: 'live',
  formats: PUBLIC_FORMATS,
  contentTypes: ['article'],
  defaults: { entries: 50, content: 'summary' },
  withdrawal: 'as in `plain`',
  rules: [],
};
