import { PublisherError } from '../../errors.ts';
import { parseJson } from '../../lib/json.ts';
import { fieldPath } from '../../lib/problems.ts';
import { readYaml } from '../../lib/yaml.ts';
import { type FileFacts, type RawRecord, UnreadableRecord } from './record.ts';

/** A record as a JSON object (RFC 8259). */
export function readJson(text: string, { id }: FileFacts): RawRecord {
  const value = parse(text);
  const idIsFromPath = isObject(value) && (value.id === undefined || value.id === null);
  const record = idIsFromPath ? { ...value, id } : value;
  // JSON is YAML, whose parser knows places; it is asked only when one is needed.
  return { record, idIsFromPath, locate: (field) => readYaml(text).locate(fieldPath(field)) };
}

function parse(text: string): unknown {
  try {
    JSON.parse(text);
  } catch (error) {
    const { problems } = readYaml(text);
    if (problems.length > 0) throw new UnreadableRecord(problems);
    throw new UnreadableRecord([{ field: '', rule: error instanceof Error ? error.message : 'is not JSON' }]);
  }
  try {
    return parseJson(Buffer.from(text)); // names that stand twice
  } catch (error) {
    if (error instanceof PublisherError) throw new UnreadableRecord(error.problems);
    throw error;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
