import { type Instant, rfc3339 } from '../lib/instant.ts';
import { escapeHtml } from '../lib/text.ts';

/** An address in a sitemap (sitemaps.org/protocol.html). */
export interface SitemapEntry {
  readonly url: string;
  readonly modifiedAt?: Instant | undefined;
  /** The addresses of pictures on the page. */
  readonly images?: readonly string[];
  /** What Google News learns of a story. */
  readonly news?: SitemapNews;
}

export interface SitemapNews {
  /** The name of the publication as Google News has it. */
  readonly name: string;
  readonly language: string;
  readonly publishedAt: Instant;
  readonly title: string;
}

/** Articles in a file. The protocol allows 50,000, and Google News 1,000: files of this size are made and fetched fast. */
export const MOST_ENTRIES = 1000;
/** Files in an index. */
export const MOST_FILES = 50_000;

/** Addresses have fewer characters than 2,048. */
const LONGEST_ADDRESS = 2047;
/** Pictures of one address. */
const MOST_IMAGES = 20;
/** Bytes of a file up to which pictures are listed. With all addresses, a file stays below 50 MB. */
const IMAGE_BYTES = 30_000_000;

const DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n';
const PROTOCOL = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"';
const IMAGE = 'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"';
const NEWS = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"';

/** A file of addresses. Those that are too long for the protocol are left out. */
export function sitemap(entries: readonly SitemapEntry[]): string {
  let text = `${DECLARATION}<urlset ${PROTOCOL} ${IMAGE} ${NEWS}>\n`;
  for (const entry of entries) {
    if (!isShort(entry.url)) continue;
    const images = text.length < IMAGE_BYTES ? (entry.images ?? []).filter(isShort).slice(0, MOST_IMAGES) : [];
    text += `<url>\n  ${leaf('loc', entry.url)}\n${modified(entry.modifiedAt)}`;
    for (const image of images) text += `  <image:image>${leaf('image:loc', image)}</image:image>\n`;
    if (entry.news !== undefined) text += newsElement(entry.news);
    text += '</url>\n';
  }
  return `${text}</urlset>\n`;
}

/** A list of files, which the protocol allows to have 50,000 of them. */
export function sitemapIndex(files: readonly Pick<SitemapEntry, 'url' | 'modifiedAt'>[]): string {
  const lines = files
    .slice(0, MOST_FILES)
    .map(({ url, modifiedAt }) => `<sitemap>\n  ${leaf('loc', url)}\n${modified(modifiedAt)}</sitemap>\n`);
  return `${DECLARATION}<sitemapindex ${PROTOCOL}>\n${lines.join('')}</sitemapindex>\n`;
}

function isShort(address: string): boolean {
  return address.length <= LONGEST_ADDRESS;
}

function leaf(name: string, text: string): string {
  return `<${name}>${escapeHtml(text)}</${name}>`;
}

function modified(at: Instant | undefined): string {
  return at === undefined ? '' : `  ${leaf('lastmod', rfc3339(at))}\n`;
}

function newsElement({ name, language, publishedAt, title }: SitemapNews): string {
  return `  <news:news>
    <news:publication>
      ${leaf('news:name', name)}
      ${leaf('news:language', language)}
    </news:publication>
    ${leaf('news:publication_date', rfc3339(publishedAt))}
    ${leaf('news:title', title)}
  </news:news>
`;
}

/** The name of a publication as Google wants it: without what stands in brackets. */
export function newsName(title: string): string {
  return title.replace(/\s*\([^()]*\)/g, '').trim() || title;
}

/** The code of a language by ISO 639, of two or three letters. Chinese has one for each of its scripts. */
export function newsLanguage(tag: string): string {
  const locale = new Intl.Locale(tag);
  const { language } = locale;
  if (language === 'zh') return locale.maximize().script === 'Hant' ? 'zh-tw' : 'zh-cn';
  return /^[a-z]{2,3}$/.test(language) ? language : 'und';
}
