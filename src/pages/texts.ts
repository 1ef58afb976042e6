import type { PageText } from '../config/pages.ts';
import type { Publication } from '../config/publication.ts';
import type { Instant } from '../lib/instant.ts';
import { memo } from '../lib/memo.ts';
import { type Direction, directionOf } from '../lib/text.ts';
import type { Html, Part } from './html.ts';
import { html } from './html.ts';
import ar from './texts/ar.json' with { type: 'json' };
import ckb from './texts/ckb.json' with { type: 'json' };
import en from './texts/en.json' with { type: 'json' };
import fa from './texts/fa.json' with { type: 'json' };
import ku from './texts/ku.json' with { type: 'json' };
import tr from './texts/tr.json' with { type: 'json' };

export type TextName = keyof typeof en;
type Values = Readonly<Record<string, string>>;

const OWN: ReadonlyMap<string, Readonly<Record<string, PageText>>> = new Map(
  Object.entries({ ar, ckb, en, fa, ku, tr }),
);

/** The words of a page: its language, and how that language writes texts, numbers and dates. */
export interface Texts {
  /** The language of the page: that of its texts, which may be another than that of its stories. */
  readonly language: string;
  readonly direction: Direction;
  readonly text: (name: TextName, values?: Values) => string;
  /** The form of the plural for a number, which stands for `{n}`. */
  readonly plural: (name: TextName, n: number) => string;
  readonly number: (n: number) => string;
  /** A list of several: “A, B and C”. */
  readonly list: (items: readonly Html[]) => Part[];
  /** The comma between parts of a line. */
  readonly comma: string;
  readonly date: (at: Instant) => string;
  /** The date without its year, where the language has such a form. */
  readonly dayAndMonth: (at: Instant) => string;
  /** From one day to another, which may be the same. */
  readonly days: (from: Instant, to: Instant) => string;
  /** The time of day with its zone. */
  readonly time: (at: Instant) => string;
}

const known = new WeakMap<object, (language: string) => Texts>();

/** Languages whose texts are kept: formats of dates take 90 kB each, and stories can be in any number of languages. */
const MAX_LANGUAGES = 50;

/** The texts of a language, or those in English where there are none. */
export function textsFor(language: string, publication: Pick<Publication, 'pages' | 'timeZone'>): Texts {
  let texts = known.get(publication);
  if (texts === undefined) {
    texts = memo((wanted) => makeTexts(wanted, publication), { max: MAX_LANGUAGES, maxLength: 100 });
    known.set(publication, texts);
  }
  return texts(language);
}

function makeTexts(language: string, publication: Pick<Publication, 'pages' | 'timeZone'>): Texts {
  const { pages, timeZone } = publication;
  const changed = new Map(Object.entries(pages?.texts ?? {}).map(([tag, texts]) => [tag.toLowerCase(), texts]));
  if (!candidates(language).some((tag) => OWN.has(tag) || changed.has(tag))) return textsFor('en', publication);
  const sources = [...candidates(language), 'en'].flatMap((tag) => [changed.get(tag) ?? {}, OWN.get(tag) ?? {}]);
  const direction = directionOf(language);
  const find = (name: TextName): PageText => sources.find((texts) => Object.hasOwn(texts, name))?.[name] ?? en[name];
  const number = new Intl.NumberFormat(language);
  const plurals = new Intl.PluralRules(language);

  function plural(name: TextName, n: number): string {
    const forms = find(name);
    const form = typeof forms === 'string' ? forms : (forms[plurals.select(n)] ?? forms.other ?? '');
    return filled(form, { n: number.format(n) });
  }

  function text(name: TextName, values: Values = {}): string {
    const found = find(name);
    return filled(typeof found === 'string' ? found : (found.other ?? ''), values);
  }

  return {
    language,
    direction,
    text,
    plural,
    number: (n) => number.format(n),
    list: listIn(language, text('and')),
    comma: direction === 'rtl' ? '، ' : ', ',
    ...datesIn(language, timeZone),
  };
}

/** The tags under which texts of a language may stand: its own, and that of the language alone in the same direction. */
function candidates(tag: string): string[] {
  const { language } = new Intl.Locale(tag);
  return directionOf(language) === directionOf(tag) ? [tag.toLowerCase(), language] : [tag.toLowerCase()];
}

function filled(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? '') : whole,
  );
}

/** Plain English is British English here: Intl would write dates and lists in the American way. */
function localeFor(language: string): string {
  const { language: base, region } = new Intl.Locale(language);
  return base === 'en' && region === undefined ? 'en-GB' : language;
}

/** Intl lacks the word for “and” in some languages, and then takes the English one. */
function listIn(language: string, and: string): (items: readonly Html[]) => Part[] {
  const format = new Intl.ListFormat(localeFor(language));
  const inWords = (literal: string) =>
    language.startsWith('en') ? literal : literal.replace(/[,،]?(\s*)\band\b/, (_, space) => `${space}${and}`);
  return (items) =>
    format
      .formatToParts(items.map((_, index) => String(index)))
      .map(({ type, value }) => (type === 'element' ? items[Number(value)] : inWords(value)));
}

/** Only whole styles and single fields: Intl has broken patterns for other combinations in some languages. */
function datesIn(language: string, timeZone: string): Pick<Texts, 'date' | 'dayAndMonth' | 'days' | 'time'> {
  const locale = localeFor(language);
  const date = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone });
  const day =
    new Intl.Locale(language).language === 'ckb'
      ? date
      : new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', timeZone });
  const time = new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
    timeZone,
  });
  const year = new Intl.DateTimeFormat(locale, { year: 'numeric', timeZone });
  const days = (from: Instant, to: Instant): string => {
    const [first, last] = [date.format(from), date.format(to)];
    if (first === last) return last;
    return `${year.format(from) === year.format(to) ? day.format(from) : first} – ${last}`;
  };
  return {
    days,
    date: (at) => date.format(at),
    dayAndMonth: (at) => day.format(at),
    time: (at) => time.format(at),
  };
}

/**
 * A text of the page with HTML in the place of its values.
 *
 * @param n the number that decides the form of the plural, and stands for `{n}`
 */
export function textWith(texts: Texts, name: TextName, values: Readonly<Record<string, Part>>, n?: number): Html {
  const parts = (n === undefined ? texts.text(name) : texts.plural(name, n)).split(/\{(\w+)\}/);
  return html`${parts.map((part, index) => (index % 2 === 0 ? part : values[part]))}`;
}
