import { languageWarnings, UNREGISTERED_LANGUAGE } from '../../../article/warnings.ts';
import { isRegisteredLanguage } from '../../../lib/registered-language.ts';
import type { ArticleRule, NewsroomRule, Rule, Sighting } from '../rule.ts';

const UNKNOWN: Rule = {
  id: 'language-unknown',
  level: 'warning',
  title: 'Languages that readers do not know',
  consumer: 'every reader',
  source: 'https://www.iana.org/assignments/language-subtag-registry',
  read: '2026-11-30',
};

const unknownLanguage: ArticleRule = {
  ...UNKNOWN,
  *look({ article }) {
    for (const { field, value = '', rule } of languageWarnings(article)) yield { field, value, message: rule };
  },
};

/** The languages that publication.yaml names. */
const unknownSetting: NewsroomRule = {
  ...UNKNOWN,
  *survey(_survey, { publication: { language, feeds } }) {
    const own = feeds.map((feed, index) => ({ field: `feeds[${index}].language`, value: feed.language }));
    for (const { field, value } of [{ field: 'language', value: language }, ...own])
      if (value !== undefined && !isRegisteredLanguage(value))
        yield { file: 'publication.yaml', field, value, message: UNREGISTERED_LANGUAGE };
  },
};

const withoutFeed: NewsroomRule = {
  id: 'language-without-feed',
  level: 'warning',
  title: 'Languages without a feed',
  consumer: 'readers of one language',
  source: 'docs/configure.md#feeds-that-exist-by-themselves',
  read: '2026-11-30',
  *survey(survey, { publication }): Iterable<Sighting> {
    const retired = new Set(publication.retired.map(({ feed }) => feed));
    for (const [language, { example, isTranslation }] of survey.languages()) {
      const feed = `language/${language.toLowerCase()}`;
      const place = {
        article: example.id,
        ...(example.file === undefined ? {} : { file: example.file }),
        value: language,
      };
      if (retired.has(feed)) {
        const message = `${feed} is retired: articles in this language have no feed of their own. Remove it from retired`;
        yield { ...place, field: 'language', feed, message };
      } else if (isTranslation && !survey.hasFeed(feed)) {
        const message = 'is the language of a translation, and no article has it: its readers find no feed here';
        yield { ...place, field: 'translations', message };
      }
    }
    const { language } = publication;
    if (survey.articles() === 0 || survey.hasFeed(`language/${language.toLowerCase()}`)) return;
    if ([...survey.languages()].some(([tag, use]) => !use.isTranslation && isPartOf(tag, language))) return;
    const message =
      'is the language of every feed without one of its own, and no article has it. Set it to the language of most articles';
    yield { file: 'publication.yaml', field: 'language', value: language, message };
  },
};

/** Readers of `en` read `en-US`, too (RFC 4647 §3.3.1). */
function isPartOf(tag: string, range: string): boolean {
  return tag.toLowerCase().startsWith(`${range.toLowerCase()}-`);
}

export const LANGUAGES: readonly ArticleRule[] = [unknownLanguage];
export const LANGUAGE_FEEDS: readonly NewsroomRule[] = [unknownSetting, withoutFeed];
