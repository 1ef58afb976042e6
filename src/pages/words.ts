import { memo } from '../lib/memo.ts';
import { type Direction, directionOf } from '../lib/text.ts';
import { attributes, type Html, html, type Part } from './html.ts';
import type { Texts } from './texts.ts';

/** A letter of a script that runs from right to left. */
const RTL = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC]/;
/** A letter of any other script. */
const LTR = /(?![\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC])\p{L}/u;
/** Controls that markup makes needless: marks, embeddings and overrides. The isolates are in `ISOLATES`. */
const NEEDLESS = /[\u200E\u200F\u061C\u202A-\u202E]/g;
const ISOLATES: ReadonlyMap<string, Direction | 'auto'> = new Map([
  ['\u2066', 'ltr'],
  ['\u2067', 'rtl'],
  ['\u2068', 'auto'],
]);
const END = '\u2069';

/** A line of text in markup: the invisible controls of direction become elements. */
export function line(text: string): Part {
  const plain = text.replace(NEEDLESS, '');
  if (!/[\u2066-\u2069]/.test(plain)) return plain;
  const open: { readonly dir: Direction | 'auto'; readonly parts: Part[] }[] = [{ dir: 'auto', parts: [] }];
  const close = () => {
    const { dir, parts } = open.pop() ?? { dir: 'auto', parts: [] };
    open.at(-1)?.parts.push(html`<bdi${attributes({ dir: dir === 'auto' ? undefined : dir })}>${parts}</bdi>`);
  };
  for (const part of plain.split(/([\u2066-\u2069])/)) {
    const dir = ISOLATES.get(part);
    if (dir !== undefined) open.push({ dir, parts: [] });
    else if (part !== END) open.at(-1)?.parts.push(part);
    else if (open.length > 1) close();
    if (open.length > MAX_ISOLATES) return plain.replace(/[\u2066-\u2069]/g, '');
  }
  while (open.length > 1) close();
  return open[0]?.parts ?? [];
}

/** Isolates within each other. A title has one. */
const MAX_ISOLATES = 8;

/** A line in the language of a story, on a page in another one. */
export function isolated(text: string, language: string, texts: Texts): Part {
  if (isSame(language, texts.language)) return line(text);
  return html`<bdi${languageOf(language, texts)}>${line(text)}</bdi>`;
}

/** The attributes of an element in a language: none where the page has it, no direction where the page has it. */
export function languageOf(language: string, texts: Texts): Html {
  if (isSame(language, texts.language)) return attributes({});
  const direction = directionOf(language);
  return attributes({ lang: language, dir: direction === texts.direction ? undefined : direction });
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/**
 * A name in no known language: isolated where it has letters that run the other way than the page. Its first letter decides
 * how it runs, as in “رسم: Ann” and in “Ann (آن)”.
 */
export function name(text: string, texts: Texts): Part {
  const [against, along, dir] = texts.direction === 'rtl' ? [LTR, RTL, 'ltr'] : [RTL, LTR, 'rtl'];
  const first = text.search(against);
  if (first < 0) return line(text);
  const isAgainst = !along.test(text.slice(0, first));
  return html`<bdi${attributes({ dir: isAgainst ? dir : undefined })}>${line(text)}</bdi>`;
}

/** The name of a language in that language, as a name begins: `ku` → Kurdî (kurmancî). */
export const languageName = memo(
  (tag) => {
    const { baseName } = new Intl.Locale(tag);
    return capital(new Intl.DisplayNames([baseName], { type: 'language' }).of(baseName) ?? tag, baseName);
  },
  { max: 1000, maxLength: 100 },
);

function capital(text: string, language: string): string {
  const [first = ''] = text;
  return first.toLocaleUpperCase(language) + text.slice(first.length);
}

/** A line for attributes and for `title`, where no markup can be. */
export function plainLine(text: string): string {
  return text.replace(/[\u2066-\u2069\u202A-\u202E]/g, '');
}
