/** A tag without an end at the end of a body: the parser leaves it out, and reports nothing. */
import { countAdjustment } from '../change-counts.ts';
import { RAW } from './raw-elements.ts';
import type { State } from './state.ts';

export interface TagWatch {
  readonly onTagName: () => void;
  readonly onTag: () => void;
  readonly onText: (text: string) => void;
  readonly onEnd: () => void;
}

/** Counts an unfinished tag, from the events of the parser. */
export function watchTags(state: State): TagWatch {
  const { html, eventStart, eventEnd } = state;
  let isInTag = false;
  let textEnd = 0;
  return {
    onTagName() {
      isInTag = true;
    },
    onTag() {
      isInTag = false;
    },
    onText(text) {
      textEnd = eventEnd();
      if (textEnd === html.length && isOfHalfTag(state, text)) countUnfinished(state);
    },
    onEnd() {
      const start = eventStart();
      if (isInTag || isUnfinished(html, start, start === textEnd || html[start - 1] === '>')) countUnfinished(state);
    },
  };
}

/**
 * Whether an unfinished tag follows the parser's last event.
 *
 * @param isBetween whether the event was a text or a whole tag, and not the name of an end tag
 */
function isUnfinished(html: string, start: number, isBetween: boolean): boolean {
  if (start >= html.length) return start === html.length && !isBetween;
  const next = isBetween ? start : html.indexOf('>', start) + 1;
  if (!isBetween && next === 0) return true;
  return !/^(?:<\/>)*$/.test(html.slice(next)); // the parser skips these tags without an event
}

/** Whether the last text is of an unfinished tag: the parser reads `<p` as “p”, and the end of `</p a` as text. */
function isOfHalfTag({ html, open, eventStart }: State, text: string): boolean {
  if (RAW.has(open.at(-1)?.name ?? '')) return false;
  if (text.length === 1 && /<\/[a-z][^\s/]*[\s/]/i.test(html.slice(html.lastIndexOf('>') + 1))) return true;
  const start = html.length - text.length;
  return eventStart() < start && html[start - 1] === '<';
}

function countUnfinished({ html, counts, eventStart }: State): void {
  const start = html.lastIndexOf('<', eventStart());
  countAdjustment(counts, 'unfinished_tag_removed', { noun: 'unfinished tag' }, () => html.slice(start));
}
