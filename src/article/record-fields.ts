import { excerpt } from '../errors.ts';
import { MAX_NAME, slugOfName } from '../lib/fields.ts';
import { brokenCharacters, forbiddenCharacters, lineText, shorten } from '../lib/text.ts';
import { type Adjustment, type AdjustmentKind, adjustment, type OnAdjustment } from './adjustments.ts';

/** Most entries of a record's lists of names. */
export const MAX_NAMES = { sections: 50, tags: 100, authors: 100 } as const;
type List = keyof typeof MAX_NAMES;

const NOUNS: Readonly<Record<List, string>> = { sections: 'section', tags: 'tag', authors: 'author' };

/** Adjustments of one kind in one list that are reported one by one. A list can have a million blank names. */
const MAX_REPORTED = 20;

export interface AdjustedRecord {
  readonly record: unknown;
  /** The indexes that the remaining authors had in the record; missing if all remain. */
  readonly authorIndexes?: readonly number[];
}

type Fields = Readonly<Record<string, unknown>>;
type Report = (kind: AdjustmentKind, field: string, change: string, value: string) => void;

/**
 * The record without mistakes that must not cost a story: names that show nothing, stand twice or are too many are
 * removed, names that are too long are cut, and numbers are text where text belongs. Everything else stays for the schema.
 * A record without such a mistake is returned as it is.
 */
export function adjustRecord(record: unknown, onAdjustment?: OnAdjustment): AdjustedRecord {
  if (!isObject(record)) return { record };
  const report: Report = (kind, field, change, value) => onAdjustment?.(adjustment(kind, field, change, { value }));
  const changed = new Map<string, unknown>();
  const keep = (field: string, value: unknown) => {
    if (value !== record[field]) changed.set(field, value);
  };
  for (const field of TEXTS) keep(field, asText(record[field], field, report));
  keep('body', numberAsText(record.body, 'body', report));
  for (const [field, texts] of OBJECTS) keep(field, withTexts(record[field], texts, field, report));
  keep('media', adjustMedia(record.media, report));
  const authors = adjustAuthors(record.authors, onAdjustment);
  keep('authors', authors.authors);
  for (const list of ['sections', 'tags'] as const) keep(list, adjustNames(record[list], list, onAdjustment));
  if (changed.size === 0) return { record };
  const adjusted = { ...record, ...Object.fromEntries(changed) };
  return authors.indexes === undefined ? { record: adjusted } : { record: adjusted, authorIndexes: authors.indexes };
}

/** The text fields of a record that are cleaned by themselves, without the body. */
const TEXTS = ['publicId', 'title', 'summary', 'copyright'] as const;
const OBJECTS: readonly (readonly [field: string, texts: readonly string[]])[] = [
  ['image', ['alt', 'caption', 'credit']],
  ['source', ['name']],
  ['withdrawn', ['reason']],
  ['correction', ['note']],
];
const PERSON_TEXTS = ['name', 'role', 'group'] as const;
/** The fields in which a number stands for text, and the lists of names. */
export const TEXT_FIELDS: ReadonlySet<string> = new Set([
  ...TEXTS,
  ...OBJECTS.flatMap(([, texts]) => texts),
  ...PERSON_TEXTS,
  'sections',
  'tags',
]);
const AUTHOR_FIELDS: ReadonlySet<string> = new Set(['name', 'url', 'email', 'avatar']);

function asText(value: unknown, field: string, report: Report): unknown {
  if (typeof value === 'string') reportCharacters(value, field, report);
  return numberAsText(value, field, report);
}

/** A number that is exact: the digits of any other number were lost when the JSON was parsed. */
function numberAsText(value: unknown, field: string, report: Report): unknown {
  if (typeof value !== 'number' || !(Number.isSafeInteger(value) || value % 1 !== 0)) return value;
  const text = String(value);
  report('number_read_as_text', field, 'read a number as text', text);
  return text;
}

function reportCharacters(text: string, field: string, report: Report): void {
  const forbidden = forbiddenCharacters(text);
  if (forbidden.length > 0) {
    report('characters_removed', field, `removed ${counted(forbidden.length, 'control character')}`, codes(forbidden));
  }
  const broken = brokenCharacters(text);
  if (broken.length > 0) {
    report(
      'broken_characters_replaced',
      field,
      `replaced ${counted(broken.length, 'broken character')} by �`,
      codes(broken),
    );
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `U+0001, U+0008` */
function codes(characters: readonly string[]): string {
  const names = new Set(characters.slice(0, 1000).map(codeOf));
  return [...names].slice(0, 5).join(', ');
}

function codeOf(character: string): string {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function withTexts(value: unknown, texts: readonly string[], field: string, report: Report): unknown {
  if (!isObject(value)) return value;
  let adjusted: Fields = value;
  for (const name of texts) {
    const text = asText(value[name], `${field}.${name}`, report);
    if (text !== value[name]) adjusted = { ...adjusted, [name]: text };
  }
  return adjusted;
}

function adjustMedia(media: unknown, report: Report): unknown {
  if (!Array.isArray(media) || media.length > 1000) return media; // the schema refuses that many
  return adjustEach(media, (item, index) => {
    const field = `media[${index}]`;
    const adjusted = withTexts(item, ['title'], field, report);
    if (!isObject(adjusted) || !Array.isArray(adjusted.persons) || adjusted.persons.length > 1000) return adjusted;
    const persons = adjustEach(adjusted.persons, (person, at) =>
      withTexts(person, PERSON_TEXTS, `${field}.persons[${at}]`, report),
    );
    return persons === adjusted.persons ? adjusted : { ...adjusted, persons };
  });
}

/** The list itself where no item changes. */
function adjustEach(items: unknown[], adjust: (item: unknown, index: number) => unknown): unknown[] {
  const adjusted = items.map(adjust);
  return adjusted.some((item, index) => item !== items[index]) ? adjusted : items;
}

/** The names of a list that remain: text, each once, and at most as many as a record may have. */
function adjustNames(names: unknown, list: 'sections' | 'tags', onAdjustment?: OnAdjustment): unknown {
  if (!Array.isArray(names)) return names;
  const reports = listReports(list, onAdjustment);
  const kept: string[] = [];
  const firsts = new Map<string, string>();
  for (const [index, entry] of names.entries()) {
    if (kept.length === MAX_NAMES[list]) {
      reports.removed('surplus_name_removed', index, entry, `above the limit of ${MAX_NAMES[list]}`);
      continue;
    }
    const text = asText(entry, `${list}[${index}]`, reports.report);
    if (typeof text !== 'string') {
      reports.removed('invalid_name_removed', index, entry, 'that is no text');
      continue;
    }
    const name = cutName(text, `${list}[${index}]`, NOUNS[list], reports.report);
    const slug = slugOfName(name);
    const first = firsts.get(slug);
    if (slug === '') reports.removed('blank_name_removed', index, entry, 'that is blank');
    else if (first !== undefined)
      reports.removed('repeated_name_removed', index, entry, `that repeats “${excerpt(first)}”`);
    else {
      firsts.set(slug, name);
      kept.push(name);
    }
  }
  reports.end();
  return kept.length === names.length && kept.every((name, index) => name === names[index]) ? names : kept;
}

/** The name on one line. The text itself if it needs no cut, so that most lists need no copy. */
function cutName(text: string, field: string, noun: string, report: Report): string {
  if (text.length <= MAX_NAME) return text;
  const line = lineText(text);
  if (line.length <= MAX_NAME) return line;
  report('long_name_cut', field, `cut the ${noun} at ${MAX_NAME} characters`, excerpt(line));
  return shorten(line, MAX_NAME);
}

/** The authors with a name, at most as many as a record may have. An entry that the schema refuses stays. */
function adjustAuthors(
  authors: unknown,
  onAdjustment?: OnAdjustment,
): { readonly authors: unknown; readonly indexes?: readonly number[] } {
  if (!Array.isArray(authors)) return { authors };
  const reports = listReports('authors', onAdjustment);
  const kept: unknown[] = [];
  const indexes: number[] = [];
  for (const [index, author] of authors.entries()) {
    if (kept.length === MAX_NAMES.authors) {
      const limit = `above the limit of ${MAX_NAMES.authors}`;
      reports.removed('surplus_name_removed', index, Object(author).name, limit);
      continue;
    }
    const named = withName(author, index, reports.report);
    if (isNameless(named)) {
      reports.removed('blank_name_removed', index, Object(author).name, 'without a name');
      continue;
    }
    kept.push(named);
    indexes.push(index);
  }
  reports.end();
  if (kept.length < authors.length) return { authors: kept, indexes };
  return { authors: kept.every((author, index) => author === authors[index]) ? authors : kept };
}

function withName(author: unknown, index: number, report: Report): unknown {
  if (!isObject(author)) return author;
  const field = `authors[${index}].name`;
  const text = asText(author.name, field, report);
  const name = typeof text === 'string' ? cutName(text, field, 'byline', report) : text;
  return name === author.name ? author : { ...author, name };
}

/** An author with an unknown field, which may be the misspelled name, is left to the schema. */
function isNameless(author: unknown): boolean {
  if (author === null) return true;
  if (!isObject(author) || !Object.keys(author).every((field) => AUTHOR_FIELDS.has(field))) return false;
  const { name = '' } = author;
  return typeof name === 'string' && slugOfName(name) === '';
}

/** The reports of one list. The adjustments beyond the first of each kind are counted in one. */
function listReports(list: List, onAdjustment: OnAdjustment | undefined) {
  const counts = new Map<AdjustmentKind, number>();
  const last = new Map<AdjustmentKind, Adjustment>();
  const report: Report = (kind, field, change, value) => {
    if (onAdjustment === undefined) return;
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    const made = adjustment(kind, field, change, { value });
    if (count <= MAX_REPORTED) onAdjustment(made);
    else last.set(kind, made);
  };
  return {
    report,
    removed(kind: AdjustmentKind, index: number, entry: unknown, which: string): void {
      report(kind, `${list}[${index}]`, `removed ${articleFor(NOUNS[list])} ${which}`, excerpt(entry ?? ''));
    },
    end(): void {
      for (const [kind, made] of last) {
        onAdjustment?.({ ...made, field: list, count: (counts.get(kind) ?? 0) - MAX_REPORTED });
      }
    },
  };
}

function articleFor(noun: string): string {
  return noun === 'author' ? 'an author' : `a ${noun}`;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
