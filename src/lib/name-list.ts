import { memo } from './memo.ts';
import { directionOf } from './text.ts';

/**
 * Names in one text, joined as the language joins them, e.g. “Ann and Bob”, “Ann û Bob”. In a language whose list
 * Intl does not know, commas stand between the names.
 */
export function joinNames(names: readonly string[], language: string): string {
  return names.length < 2 ? (names[0] ?? '') : joinerOf(language)(names);
}

type Join = (names: readonly string[]) => string;

const joinerOf = memo(
  (language): Join => {
    const direction = directionOf(language);
    const isKurdish = KURDISH.includes(new Intl.Locale(language).language);
    if (isKurdish && direction === 'rtl') return joinSorani;
    const tag = isKurdish ? 'ku' : language;
    const format = new Intl.ListFormat(tag, { type: 'conjunction' });
    // For an unknown language, Intl takes the machine's; for an unknown script, another script of the language.
    const isKnown = Intl.ListFormat.supportedLocalesOf(tag).length > 0;
    if (isKnown && directionOf(format.resolvedOptions().locale) === direction) return (names) => format.format(names);
    return (names) => names.join(direction === 'rtl' ? '، ' : ', ');
  },
  { max: 1000, maxLength: 100 },
);

const KURDISH = ['ckb', 'ku', 'kmr', 'sdh'];

/** Kurdish in Arabic script, which Intl does not know: “and” is a word of its own. */
function joinSorani(names: readonly string[]): string {
  return `${names.slice(0, -1).join('، ')} و ${names.at(-1)}`;
}
