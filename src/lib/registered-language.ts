import { memo } from './memo.ts';

/** The codes that BCP 47 keeps for private use. */
const PRIVATE_LANGUAGE = /^q[a-t][a-z]$/;
const PRIVATE_SCRIPT = /^Qa(?:a[a-z]|b[a-x])$/;
const PRIVATE_REGION = /^(?:AA|Q[M-Z]|X[A-Z]|ZZ)$/;
/** Registered codes of no single language, for which CLDR has neither a name nor a script. */
const SPECIAL_LANGUAGES: readonly string[] = ['art', 'mis'];

/** Created at the first use, because each takes milliseconds. */
let names: Readonly<Record<'language' | 'script' | 'region', Intl.DisplayNames>> | undefined;

/**
 * Whether a language tag has registered parts (BCP 47 §2.2.9): its language, its script and its region. Some tags have only
 * the form, such as `xx-YY` and `english`. The parts are those of CLDR, which Node has. Variants are not checked.
 *
 * @param tag a tag that `isLanguageTag` accepts; false for any other
 */
export const isRegisteredLanguage = memo(
  (tag): boolean => {
    try {
      const { language, script, region } = new Intl.Locale(tag);
      return (
        isRegistered(language) &&
        (script === undefined || PRIVATE_SCRIPT.test(script) || hasName('script', script)) &&
        (region === undefined || PRIVATE_REGION.test(region) || hasName('region', region))
      );
    } catch {
      return false;
    }
  },
  { max: 1000, maxLength: 100 },
);

/** CLDR names seven hundred languages, and knows the script of every living one. */
function isRegistered(language: string): boolean {
  if (PRIVATE_LANGUAGE.test(language) || SPECIAL_LANGUAGES.includes(language)) return true;
  return hasName('language', language) || new Intl.Locale(language).maximize().script !== undefined;
}

function hasName(type: 'language' | 'script' | 'region', code: string): boolean {
  names ??= { language: namesOf('language'), script: namesOf('script'), region: namesOf('region') };
  return names[type].of(code) !== undefined;
}

function namesOf(type: 'language' | 'script' | 'region'): Intl.DisplayNames {
  return new Intl.DisplayNames(['en'], { type, fallback: 'none' });
}
