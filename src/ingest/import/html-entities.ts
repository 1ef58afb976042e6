import { Parser } from 'htmlparser2';

/** The text with HTML's named and numbered characters as what they mean; what means none stays. */
export function decodeReferences(text: string): string {
  return text.replace(
    /&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,31});/gi,
    (reference) => decoded(reference) ?? reference,
  );
}

/** The characters a reference of HTML means; undefined where it means none. */
function decoded(reference: string): string | undefined {
  let text = '';
  const parser = new Parser({
    ontext(data) {
      text += data;
    },
  });
  parser.end(reference);
  // HTML also decodes the beginning of a name, as `&not` of `&notice;`.
  const whole = text !== reference && (!text.endsWith(';') || reference === '&semi;');
  return whole ? text : undefined;
}

const knownNames = new Map<string, string>();

/**
 * HTML's named characters for documents that use them without declaring them. What a document declares itself is
 * never asked for, so that a few lines cannot stand for gigabytes, nor for a file.
 */
export const HTML_ENTITIES = new Proxy<Record<string, string>>(
  {},
  {
    get(_, name) {
      if (typeof name !== 'string' || !/^[a-z][a-z\d]{1,31}$/i.test(name)) return undefined;
      if (!knownNames.has(name)) {
        const text = decoded(`&${name};`);
        if (text === undefined) return undefined;
        knownNames.set(name, text);
      }
      return knownNames.get(name);
    },
  },
);
