const ENGLISH = 'january february march april may june july august september october november december'.split(' ');

/** Languages of feeds that write the names of months in their own words. */
const LANGUAGES = 'ar az ca cs da de el es et fa fi fr he hr hu id it ko lt lv nb nl pl pt ro ru sk sl sv tr uk'.split(
  ' ',
);

let names: ReadonlyMap<string, number> | undefined;

/** The number of a month from 1, by its English name, shortened or not, or its name in one of many other languages; 0 for other words. */
export function monthNumber(word: string): number {
  const name = normal(word);
  const english = name.length < 3 ? 0 : ENGLISH.findIndex((month) => month.startsWith(name)) + 1;
  if (english > 0) return english;
  names ??= namesOfMonths();
  return names.get(name) ?? 0;
}

/** The names with one meaning in all the languages: `listopad` is the tenth month in Croatian, the eleventh in Polish. */
function namesOfMonths(): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const language of LANGUAGES) {
    for (const month of ['long', 'short'] as const) {
      const alone = new Intl.DateTimeFormat(language, { month, timeZone: 'UTC' });
      const beside = new Intl.DateTimeFormat(language, { day: 'numeric', month, timeZone: 'UTC' });
      for (let index = 0; index < 12; index += 1) {
        for (const format of [alone, beside]) {
          const part = format.formatToParts(Date.UTC(2026, index, 1)).find(({ type }) => type === 'month');
          const name = normal(part?.value ?? '');
          const known = found.get(name);
          found.set(name, known === undefined || known === index + 1 ? index + 1 : 0);
        }
      }
    }
  }
  return found;
}

function normal(name: string): string {
  return name.normalize('NFKC').toLowerCase().replace(/\.$/, '');
}
