/** A newsroom of any size: records that are the same at every run, as varied as an archive is. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const SITE = 'https://courier.example';

export const PUBLICATION = `title: The Bench Courier
url: ${SITE}/
feedsUrl: https://feeds.courier.example/
description: News for measurements.
language: en
`;

const SECTIONS = ['World', 'Politics', 'Business', 'Culture', 'Science', 'Climate', 'Sport', 'Opinion'];
const LANGUAGES = ['en', 'en', 'en', 'tr', 'ku', 'de', 'ar', 'ckb'];
const TAGS = 200;
const AUTHORS = 100;
const FIRST_DAY = Date.parse('2012-01-01T00:00:00Z');
const LAST_DAY = Date.parse('2026-10-31T00:00:00Z');
/** Articles in all these years, in the order in which they were published, as archives are written out. */
const ARCHIVE = 1_000_000;
const SECONDS_BETWEEN = Math.floor((LAST_DAY - FIRST_DAY) / 1000 / ARCHIVE);

const LATIN =
  'council river market students bridge report winter minister harvest evening railway budget museum letters border ' +
  'voters factory orchestra drought election vineyard hospital engineers the of and in to for with after before over';
const ARABIC =
  'المدينة النهر السوق الطلاب الجسر التقرير الشتاء الوزير الحصاد المساء القطار الميزانية المتحف الرسائل الحدود الناخبون المصنع في من على إلى بعد قبل';

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The record with this number, about 3 kB of JSON. */
export function recordOf(number: number) {
  const chance = chances(number);
  const below = (limit: number) => Math.floor(chance() * limit);
  const pick = (values: readonly string[]) => values[below(values.length)] ?? '';
  const language = pick(LANGUAGES);
  const isArabic = language === 'ar' || language === 'ckb';
  const vocabulary = (isArabic ? ARABIC : LATIN).split(' ');
  const words = (count: number) => Array.from({ length: count }, () => pick(vocabulary)).join(' ');
  // Letters beyond ASCII take two bytes.
  const paragraphLength = isArabic ? 20 : 38;
  const link = () => `<a href="${pick([SITE, ''])}/${below(15) + 2012}/${below(1e6)}.html">${words(3)}</a>`;
  const paragraphs = [
    `<p><strong>${words(4)}</strong> – ${words(paragraphLength)}, ${link()} ${words(12)}.</p>`,
    `<p>${words(paragraphLength)} <em>${words(4)}</em> ${words(10)} &amp; ${words(5)}.</p>`,
    `<figure><img src="/img/${number}.jpg" alt="${words(6)}" width="1200" height="800" /><figcaption>${words(9)}</figcaption></figure>`,
    `<h2>${words(5)}</h2>\n<p>${words(paragraphLength)} ${link()} ${words(paragraphLength)}.</p>`,
    `<ul class="facts">${Array.from({ length: 3 + below(3) }, () => `<li>${words(8)}</li>`).join('\n')}</ul>`,
    `<blockquote><p>“${words(18)}”</p></blockquote>\n<p>${words(paragraphLength)} ${link()}.</p>`,
  ];
  const publishedAt = FIRST_DAY + ((number % ARCHIVE) * SECONDS_BETWEEN + below(SECONDS_BETWEEN)) * 1000;
  const isCorrected = chance() < 0.1;
  return {
    id: `story-${number.toString().padStart(7, '0')}`,
    url: `${SITE}/${new Date(publishedAt).getUTCFullYear()}/story-${number}.html`,
    title: words(7),
    ...(chance() < 0.7 ? { summary: words(20) } : {}),
    body: paragraphs.join('\n'),
    language,
    authors: [{ name: `Reporter ${below(AUTHORS)}` }],
    sections: [pick(SECTIONS)],
    tags: [...new Set([below(TAGS), below(TAGS), below(TAGS)])].map((tag) => `Topic ${tag}`),
    publishedAt: new Date(publishedAt).toISOString(),
    ...(isCorrected ? { updatedAt: new Date(publishedAt + 3_600_000).toISOString() } : {}),
    image: { url: `/img/${number}.jpg`, type: 'image/jpeg', length: 180_000, width: 1200, height: 800, alt: words(6) },
  };
}

/** The feed keys that exist because of the records. */
export const FEED_KEYS: readonly string[] = [
  'latest',
  ...SECTIONS.map((name) => `section/${name.toLowerCase()}`),
  ...Array.from({ length: TAGS }, (_, tag) => `tag/topic-${tag}`),
  ...Array.from({ length: AUTHORS }, (_, author) => `author/reporter-${author}`),
  ...new Set(LANGUAGES.map((language) => `language/${language}`)),
];

/** Lines of publication.yaml that define feeds as desks ask for them: a section, a topic, a language, not an author. */
export function operatorFeeds(count: number): string {
  const languages = [...new Set(LANGUAGES)];
  const feeds = Array.from({ length: count }, (_, number) => {
    const section = SECTIONS[number % SECTIONS.length]?.toLowerCase();
    const tag = Math.floor(number / SECTIONS.length) % TAGS;
    const language = languages[Math.floor(number / SECTIONS.length / TAGS) % languages.length];
    const select = `{ all: [section/${section}, tag/topic-${tag}, language/${language}], none: [author/reporter-${number % AUTHORS}] }`;
    return `  - { id: desk-${number}, title: Desk ${number}, select: ${select} }\n`;
  });
  return `feeds:\n${feeds.join('')}`;
}

/** Writes records one a line. Returns the bytes of the file. */
export async function writeRecords(file: string, count: number): Promise<number> {
  const stream = createWriteStream(file);
  await pipeline(Readable.from(chunks(count)), stream);
  return stream.bytesWritten;
}

function* chunks(count: number): Generator<string> {
  const size = 500;
  for (let start = 0; start < count; start += size) {
    const numbers = Array.from({ length: Math.min(size, count - start) }, (_, offset) => start + offset);
    yield numbers.map((number) => `${JSON.stringify(recordOf(number))}\n`).join('');
  }
}
