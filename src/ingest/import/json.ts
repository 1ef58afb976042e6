import { PublisherError } from '../../errors.ts';
import { parseJson } from '../../lib/json.ts';
import { fieldPath } from '../../lib/problems.ts';
import { readYaml } from '../../lib/yaml.ts';
import { type FileFacts, type RawRecord, UnreadableRecord } from './record.ts';

/**
 * Reads a record as a JSON object (RFC 8259).
 *
 * @throws UnreadableRecord with line and column
 */
export function readJson(text: string, { id }: FileFacts): RawRecord {
  const value = parseStrictly(text);
  const idIsFromPath = isObject(value) && (value.id === undefined || value.id === null);
  const record = idIsFromPath ? { ...value, id } : value;
  // JSON is YAML, and the parser of YAML knows the positions of fields. It is slow, so it runs only if one is needed.
  return { record, idIsFromPath, locate: (field) => readYaml(text).locate(fieldPath(field)) };
}

function parseStrictly(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof PublisherError) throw new UnreadableRecord(error.problems);
    throw error;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
