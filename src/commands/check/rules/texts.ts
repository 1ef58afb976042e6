import { excerpt } from '../../../errors.ts';
import type { ArticleRule } from '../rule.ts';

const MSN = {
  level: 'warning',
  consumer: 'MSN',
  source: 'https://support.microsoft.com/en-us/msn/partner-hub/feed-content-specifications-in-msn-partner-hub',
  read: '2026-11-30',
} as const;

/** Characters of a title. */
const MSN_TITLE = { least: 21, most: 150 };
/** Characters of a description. */
const FLIPBOARD_SUMMARY = 300;
const MEGABYTE = 1024 * 1024;

const longTitle: ArticleRule = {
  ...MSN,
  id: 'msn-title-long',
  sameAs: ['msn/title-too-long'],
  title: 'Titles too long for MSN',
  *look({ article: { title } }) {
    const length = charactersOf(title);
    if (length <= MSN_TITLE.most) return;
    const message = `has ${length} characters: MSN refuses titles with more than ${MSN_TITLE.most}`;
    yield { field: 'title', value: excerpt(title), message };
  },
};

const shortTitle: ArticleRule = {
  ...MSN,
  read: '2026-11-29',
  id: 'msn-title-short',
  sameAs: ['msn/title-too-short'],
  title: 'Titles too short for MSN',
  *look({ article: { title } }) {
    const length = charactersOf(title);
    if (length >= MSN_TITLE.least) return;
    const message = `has ${length} characters: MSN refuses titles with fewer than ${MSN_TITLE.least}`;
    yield { field: 'title', value: title, message };
  },
};

const shortSummary: ArticleRule = {
  id: 'flipboard-summary',
  sameAs: ['flipboard/description-too-short'],
  level: 'warning',
  title: 'Summaries too short for Flipboard',
  consumer: 'Flipboard',
  source: 'https://flipboard.helpshift.com/hc/en/1-flipboard/faq/1023-resubmit-an-rss-feed/',
  read: '2026-11-30',
  *look({ article: { summary }, record }) {
    const length = charactersOf(summary);
    if (length >= FLIPBOARD_SUMMARY) return;
    const isOwn = Boolean(Reflect.get(Object(record), 'summary'));
    const subject = isOwn ? 'has' : 'is missing, and the feeds show an excerpt of the body:';
    const advice = isOwn ? '' : '. Write a summary';
    const message = `${subject} ${length} characters, and Flipboard asks for ${FLIPBOARD_SUMMARY} or more${advice}`;
    yield { field: 'summary', value: excerpt(summary), message };
  },
};

const largeBody: ArticleRule = {
  id: 'google-body-size',
  sameAs: ['google-news/article-too-large'],
  level: 'warning',
  title: 'Bodies above the limit of Google News',
  consumer: 'Google News, which reads no feeds of publishers since 2025; no other aggregator names a limit',
  source: 'https://support.google.com/news/publisher-center/answer/9545420',
  read: '2026-11-30',
  *look({ article: { html } }) {
    const bytes = html.length <= MEGABYTE / 3 ? 0 : Buffer.byteLength(html);
    if (bytes <= MEGABYTE) return;
    const message = `has ${bytes} bytes after cleaning: no more than ${MEGABYTE} are read. Publish the story in parts`;
    yield { field: 'body', message };
  },
};

function charactersOf(text: string): number {
  return [...text].length;
}

export const TEXTS: readonly ArticleRule[] = [longTitle, shortTitle, shortSummary, largeBody];
