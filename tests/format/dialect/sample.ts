import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Article, parseArticle } from '../../../src/article/article.ts';
import { parsePublication } from '../../../src/config/publication.ts';
import type { ContentType } from '../../../src/feed/dialects.ts';
import type { Content, Format } from '../../../src/feed/feeds.ts';
import type {
  Dialect,
  DialectHead,
  DialectItem,
  DialectOptions,
  TakenBackItem,
} from '../../../src/format/dialect/dialect.ts';
import { readArticleFile } from '../../../src/ingest/import/file.ts';

/** Stories of the sample newsroom as a partner gets them, with the fields that only partners see. */

const DATA = join(import.meta.dirname, '../../../data');

export const publication = parsePublication(readFileSync(join(DATA, 'publication.yaml'), 'utf8'), 'publication.yaml');
const { url, feedsUrl, language } = publication;
const newsroom = { url, feedsUrl, language, mediaFolder: join(DATA, 'media') };

function sample(path: string, fields: Partial<Article>): Article {
  const { record } = readArticleFile(readFileSync(join(DATA, 'articles', path)), path);
  // The golden documents depend on the fields of this file, and not on those that the sample newsroom gives its stories.
  const { urgency: _u, correction: _c, rights: _r, ...article } = parseArticle(record, newsroom);
  return { ...article, ...fields };
}

/** Corrected, urgent, with a table and a drawing. */
export const dam = sample('en/dam-levels.json', {
  urgency: 3,
  correction: { note: 'The storage is 41 per cent, not 61.', at: Date.UTC(2026, 10, 18, 13, 5) },
  rights: { endsAt: Date.UTC(2027, 10, 18) },
});

const river = sample('en/voice-of-the-river.json', {});

/** With a sound, and what podcasts say of one. */
export const radio: Article = {
  ...river,
  media: river.media.map((each) => ({
    ...each,
    transcript: { url: `${feedsUrl}media/audio/river-at-dawn.vtt`, type: 'text/vtt', language: 'en' },
    chapters: { url: `${feedsUrl}media/audio/river-at-dawn.json`, type: 'application/json+chapters' },
    persons: [
      { name: 'Samira al-Nahri', role: 'host', url: 'https://fourrivers.example/staff/samira-al-nahri' },
      { name: 'Daryan Mehrabi', role: 'guest', group: 'cast', image: `${feedsUrl}media/icon.png` },
    ],
  })),
};

/** Written from right to left. */
export const pomegranates = sample('ckb/hanari-halabja.json', { expiresAt: Date.UTC(2027, 9, 31) });

const bees = sample('en/beekeepers.md', {});

export function item(article: Article, fields: Partial<DialectItem> = {}): DialectItem {
  const updatedAt = article.updatedAt ?? article.publishedAt;
  return { article, contentType: 'article', content: 'full', updatedAt, revision: 7, ...fields };
}

/** A story that was withdrawn with a reason. */
export const withdrawn: TakenBackItem = {
  article: { ...bees, withdrawn: { at: Date.UTC(2026, 10, 20, 12), reason: 'The figures were wrong.' } },
  at: Date.UTC(2026, 10, 20, 12),
  revision: 9,
  contentType: 'article',
};

/** A story that was erased: nothing stays but its identity and its dates. */
export const erased: TakenBackItem = {
  article: {
    id: 'en/erased',
    publicId: 'tag:fourrivers.example,2026:en/erased',
    url: '',
    title: '',
    summary: '',
    html: '',
    language: 'en',
    direction: 'ltr',
    authors: [],
    sections: [],
    tags: [],
    publishedAt: Date.UTC(2026, 10, 1, 8),
    withdrawn: { at: Date.UTC(2026, 10, 20, 11) },
    media: [],
    translations: [],
  },
  at: Date.UTC(2026, 10, 20, 11),
  revision: 8,
  contentType: 'article',
};

export function options(fields: Partial<DialectOptions> = {}): DialectOptions {
  return { content: 'full', contentType: 'article', feedLanguage: 'en', feedsUrl, publisher: publication, ...fields };
}

export function head(format: Format, fields: Partial<DialectHead> = {}): DialectHead {
  return {
    title: 'The Four Rivers Courier: World',
    description: `World. ${publication.description}`,
    language: 'en',
    self: `${feedsUrl}partners/example/section/world.${format}`,
    id: 'https://fourrivers.example/partners/example/section/world',
    publication,
    contentType: 'article',
    content: 'full',
    updatedAt: Date.UTC(2026, 10, 20, 12),
    publishedAt: dam.publishedAt,
    tombstones: [withdrawn, erased].map(({ article, at }) => ({
      publicId: article.publicId,
      at,
      ...(article.withdrawn?.reason === undefined ? {} : { reason: article.withdrawn.reason }),
    })),
    ...fields,
  };
}

/** The document of a partner: head, entries, what was taken back, tail. */
export function document(
  dialect: Dialect,
  format: Format,
  articles: readonly Article[] = [dam, radio, pomegranates],
  fields: { readonly content?: Content; readonly contentType?: ContentType; readonly terms?: string } = {},
): string {
  const renderer = dialect.formats[format];
  if (renderer === undefined) throw new Error(`${dialect.name} has no ${format}.`);
  const { content } = { ...dialect.defaults, ...fields };
  const { contentType = 'article' } = fields;
  const all = options({ ...fields, content });
  const entries = articles.map((article) => renderer.entry(item(article, { content, contentType }), all));
  const gone = [withdrawn, erased].flatMap((each) => renderer.takenBack?.(each, all) ?? []);
  return [
    renderer.head(head(format, { ...fields, content })),
    [...entries, ...gone].join(renderer.separator),
    renderer.tail,
  ].join('');
}
