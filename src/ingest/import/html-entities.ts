import { Parser } from 'htmlparser2';

/** Decodes the named and numbered character references of HTML. Text that only looks like one stays. */
export function decodeReferences(text: string): string {
  return text.replace(
    /&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,31});/gi,
    (reference) => decodeReference(reference) ?? reference,
  );
}

/** The characters of a reference; undefined if the text is none. */
function decodeReference(reference: string): string | undefined {
  let text = '';
  const parser = new Parser({
    ontext(data) {
      text += data;
    },
  });
  parser.end(reference);
  // HTML also decodes a known name at the beginning of a longer one, as `&not` in `&notice;`.
  const whole = text !== reference && (!text.endsWith(';') || reference === '&semi;');
  return whole ? text : undefined;
}

const knownNames = new Map<string, string>();

/**
 * The named characters of HTML, for XML documents that use them without a declaration. Entities that a document declares
 * are not in it, so that none expands to gigabytes or to the text of a file.
 */
export const HTML_ENTITIES = new Proxy<Record<string, string>>(
  {},
  {
    get(_, name) {
      if (typeof name !== 'string' || !/^[a-z][a-z\d]{1,31}$/i.test(name)) return undefined;
      if (!knownNames.has(name)) {
        const text = decodeReference(`&${name};`);
        if (text === undefined) return undefined;
        knownNames.set(name, text);
      }
      return knownNames.get(name);
    },
  },
);
