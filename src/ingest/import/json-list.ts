import { type Problem, PublisherError } from '../../errors.ts';
import { endOfString, parseJsonPart, positionsIn } from '../../lib/json.ts';

/** An element of a JSON list, or what stands in its place. */
export type Element =
  | { readonly line: number; readonly value: unknown }
  | { readonly problems: readonly Problem[]; readonly text: string };

/**
 * The elements of a JSON list, each read by itself: what is wrong with one is no fault of the others, and the limits on
 * a text are those of an element.
 *
 * @param text begins with a bracket, white space aside
 */
export function* elementsOf(text: string): Generator<Element> {
  const placeOf = positionsIn(text);
  const element = (from: number, end: number): Element => {
    const start = from + (/[^ \t\r\n]/.exec(text.slice(from, end))?.index ?? 0);
    const place = placeOf(start);
    try {
      return { line: place.line, value: parseJsonPart(text, { start, end, ...place }) };
    } catch (error) {
      if (error instanceof PublisherError) return { problems: error.problems, text: text.slice(start, end) };
      throw error;
    }
  };
  let start = text.indexOf('[') + 1;
  let depth = 1;
  let isFirst = true;
  for (let index = start; index < text.length && depth > 0; index += 1) {
    const sign = text[index];
    if (sign === '"') index = endOfString(text, index) - 1;
    else if (sign === '[' || sign === '{') depth += 1;
    else if (sign === ']' || sign === '}') depth -= 1;
    if (depth > 1 || (depth === 1 && sign !== ',')) continue;
    const isEmptyList = isFirst && depth === 0 && text.slice(start, index).trim() === '';
    if (!isEmptyList) yield element(start, index);
    start = index + 1;
    isFirst = false;
  }
  const rest = text.slice(start).trim();
  if (depth === 0 && rest === '') return;
  const rule = depth === 0 ? 'must end where the list does' : 'must end with the list’s closing bracket';
  yield { problems: [{ field: '', rule, ...placeOf(text.length) }], text: rest };
}
