import { isLanguageTag } from '../lib/fields.ts';
import { meantWord, synonymsOf } from '../lib/nearest-word.ts';
import { slugOf } from '../lib/text.ts';

/** The kinds of feeds that articles name by themselves. */
export const KINDS = ['section', 'tag', 'author', 'language'] as const;

const OWN_KEY = new RegExp(`^(?:latest|(?:${KINDS.join('|')})/[^/]+)$`);
export const FEED_KEY_RULE = 'must be latest, section/…, tag/…, author/… or language/…';

/** What every key looks like before it is normal: a kind in letters of any case, and a slash. */
export const FEED_KEY_PATTERN = `^\\s*(${anyCase('latest')}\\s*$|(${KINDS.map(anyCase).join('|')})\\s*/)`;

/** A pattern of JSON Schema has no flags: `tag` → `[Tt][Aa][Gg]`. */
function anyCase(word: string): string {
  return word.replace(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);
}

/** `Section/Middle East` → `section/middle-east` */
export function normalKey(value: string): string {
  const slash = value.indexOf('/');
  if (slash < 0) return value.trim().toLowerCase();
  return `${value.slice(0, slash).trim().toLowerCase()}/${slugOf(value.slice(slash + 1))}`;
}

/** The rule that a normal key breaks, if no article can name its feed. */
export function brokenKeyRule(key: string): string | undefined {
  if (!OWN_KEY.test(key)) return FEED_KEY_RULE;
  const isLanguage = key.startsWith('language/');
  if (isLanguage && !isLanguageTag(key.slice('language/'.length)))
    return 'must name a language by its tag, as language/ckb (BCP 47)';
  return undefined;
}

/** Kinds of feeds in other languages. */
export const KIND_SYNONYMS = synonymsOf({
  section: 'category categories channel rubrik ressort rubrique sección bölüm kategori beş',
  tag: 'keyword topic label schlagwort étiquette etiqueta etiket',
  author: 'byline writer autor auteur yazar nivîskar',
  language: 'lang locale sprache langue idioma dil ziman',
  custom: 'own publication',
  latest: 'all everything newest',
});

/** `sections/world` → `section/world`: the normal key that a broken one probably means by another word for its kind. */
export function meantKey(key: string): string | undefined {
  const slash = key.indexOf('/');
  if (slash < 0) return meantWord(key, ['latest']);
  const kind = meantWord(key.slice(0, slash), KINDS, KIND_SYNONYMS);
  if (kind === undefined) return undefined;
  const corrected = normalKey(`${kind}${key.slice(slash)}`);
  return brokenKeyRule(corrected) === undefined ? corrected : undefined;
}
