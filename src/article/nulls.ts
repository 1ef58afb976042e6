import { PublisherError } from '../errors.ts';

/** Levels of nesting. No valid record is deeper, and a YAML list can contain itself. */
const MAX_RECORD_DEPTH = 10;

/** Whether a copy without nulls is needed. Most records have none. A record that is too deep counts as well. */
export function holdsNull(value: unknown, depth = 0): boolean {
  if (value === null || depth > MAX_RECORD_DEPTH) return true;
  return typeof value === 'object' && Object.values(value).some((item) => holdsNull(item, depth + 1));
}

/** A copy without null values: content systems write null for a missing field. */
export function withoutNulls(value: unknown, depth = 0): unknown {
  if (depth > MAX_RECORD_DEPTH) {
    const problems = [{ field: '', rule: `must not be nested deeper than ${MAX_RECORD_DEPTH} levels` }];
    throw new PublisherError('invalid_article', 'The article cannot be published.', { problems });
  }
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === null ? [] : [[key, withoutNulls(item, depth + 1)]])),
  );
}
