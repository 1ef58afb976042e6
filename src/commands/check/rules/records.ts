import type { Rule } from '../rule.ts';

const OWN = { consumer: 'every reader', read: '2026-11-30' } as const;

/** The record is not valid, or the store would refuse it. */
export const REFUSED_RECORD: Rule = {
  ...OWN,
  id: 'refused-record',
  level: 'error',
  title: 'Records that are refused',
  source: 'docs/records.md',
};

/** The article is valid, and a format cannot express it. */
export const UNRENDERABLE: Rule = {
  ...OWN,
  id: 'unrenderable-article',
  level: 'error',
  title: 'Articles that feeds omit',
  source: 'docs/errors.md#unrenderable_article',
};

/** A file below articles/ is no article. */
export const IGNORED_FILE: Rule = {
  ...OWN,
  id: 'ignored-file',
  level: 'warning',
  title: 'Files that are no article',
  source: 'docs/publish.md#rules-for-files',
};
