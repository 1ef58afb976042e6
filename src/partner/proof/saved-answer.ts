import type { ComponentValue } from './signature.ts';

/** An HTTP answer as `curl --include` saves it. */
export interface SavedAnswer {
  readonly status: number;
  /** The fields by their names in lower case: the values of all lines, joined. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** Heads of a file: a proxy, some redirects. */
const MOST_HEADS = 20;
/** Bytes of a head. */
const LONGEST_HEAD = 256 * 1024;
const STATUS_LINE = /^HTTP\/(?:1\.[01]|2|3)(?:\.0)? (\d{3})(?: [^\r\n]*)?$/;
const FIELD = /^([!#$%&'*+.^`|~\w-]+):[ \t]*(.*?)[ \t]*$/;

/**
 * Reads a saved answer. Of several heads, as a proxy, `100 Continue` and a redirect leave them, the last one counts. Undefined
 * where the bytes do not begin with a status line.
 */
export function parseSavedAnswer(bytes: Uint8Array): SavedAnswer | undefined {
  let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let answer: SavedAnswer | undefined;
  for (let heads = 0; heads < MOST_HEADS; heads += 1) {
    const head = headIn(rest);
    if (head === undefined) return answer;
    rest = rest.subarray(head.length);
    answer = { status: head.status, fields: head.fields, body: rest };
    if (!/^HTTP\/[123]/.test(rest.subarray(0, 6).toString('latin1'))) return answer;
  }
  return undefined;
}

function headIn(bytes: Buffer): { status: number; fields: Map<string, string>; length: number } | undefined {
  const text = bytes.subarray(0, LONGEST_HEAD).toString('latin1');
  const end = /\r?\n\r?\n/.exec(text);
  if (end === null) return undefined;
  const [first = '', ...lines] = text.slice(0, end.index).split(/\r?\n/);
  const status = STATUS_LINE.exec(first)?.[1];
  if (status === undefined) return undefined;
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = FIELD.exec(line) ?? [];
    const key = name.toLowerCase();
    const before = fields.get(key);
    if (key !== '') fields.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return { status: Number(status), fields, length: end.index + end[0].length };
}

/** The components of a saved answer. Those of its request are not saved, and parameters are not supported. */
export function componentsOf({ status, fields }: SavedAnswer): ComponentValue {
  return (name, parameters) => {
    if (parameters.size > 0) return undefined;
    return name === '@status' ? String(status) : fields.get(name);
  };
}
