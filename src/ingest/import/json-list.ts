import { type Problem, PublisherError } from '../../errors.ts';
import { endOfString, parseJsonPart, positionsIn } from '../../lib/json.ts';

/** An element of a JSON list, or the text of one that is not valid, with its problems. */
export type JsonListElement =
  | { readonly line: number; readonly value: unknown }
  | { readonly problems: readonly Problem[]; readonly text: string };

/**
 * Reads the elements of a JSON list one by one, so that an invalid element does not spoil the others, and the limits on
 * JSON apply to each element.
 *
 * @param text begins with a bracket, after optional white space
 */
export function* jsonListElements(text: string): Generator<JsonListElement> {
  const positionOf = positionsIn(text);
  const element = (from: number, end: number): JsonListElement => {
    const start = from + (/[^ \t\r\n]/.exec(text.slice(from, end))?.index ?? 0);
    const position = positionOf(start);
    try {
      return { line: position.line, value: parseJsonPart(text, { start, end, ...position }) };
    } catch (error) {
      if (error instanceof PublisherError) return { problems: error.problems, text: text.slice(start, end) };
      throw error;
    }
  };
  let start = text.indexOf('[') + 1;
  let depth = 1;
  let isFirst = true;
  for (let index = start; index < text.length && depth > 0; index += 1) {
    const character = text[index];
    if (character === '"') index = endOfString(text, index) - 1;
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    if (depth > 1 || (depth === 1 && character !== ',')) continue;
    const isEmptyList = isFirst && depth === 0 && text.slice(start, index).trim() === '';
    if (!isEmptyList) yield element(start, index);
    start = index + 1;
    isFirst = false;
  }
  const rest = text.slice(start).trim();
  if (depth === 0 && rest === '') return;
  const rule =
    depth === 0 ? 'must have nothing after the list’s closing bracket' : 'must end with the list’s closing bracket';
  yield { problems: [{ field: '', rule, ...positionOf(text.length) }], text: rest };
}
