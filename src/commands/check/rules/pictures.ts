import type { Image } from '../../../article/article.ts';
import { isLocalFile, localFacts, type Newsroom } from '../../../article/newsroom.ts';
import { missingMedia } from '../../../article/warnings.ts';
import { excerpt } from '../../../errors.ts';
import type { CheckedArticle } from '../checked.ts';
import { attributesOf, elementsIn } from '../html-elements.ts';
import type { ArticleRule, NewsroomRule, Rule, Sighting } from '../rule.ts';

const MISSING: Rule = {
  id: 'picture-missing',
  level: 'error',
  title: 'Pictures and files that are missing',
  consumer: 'every reader',
  source: 'docs/publish.md#add-a-picture',
  read: '2026-11-30',
};

const missing: ArticleRule = {
  ...MISSING,
  *look({ article, record }, { newsroom }) {
    for (const { field, value, rule } of missingMedia(article, record, newsroom)) yield sighting(field, value, rule);
  },
};

function sighting(field: string, value: string | undefined, message: string): Sighting {
  return value === undefined ? { field, message } : { field, value, message };
}

const ASSETS = ['icon', 'logo', 'favicon'] as const;

/** The pictures of the publication itself. */
const missingAsset: NewsroomRule = {
  ...MISSING,
  *survey(_survey, { publication, newsroom }) {
    for (const field of ASSETS) {
      const value = publication[field];
      if (value?.startsWith(`${publication.feedsUrl}media/`) !== true) continue;
      const inside = value.slice(publication.feedsUrl.length);
      if (isLocalFile(newsroom.feedsUrl + inside, newsroom)) continue;
      yield {
        file: 'publication.yaml',
        field,
        value: `/${inside}`,
        message: 'names a file that the folder media/ does not have: put it there, or correct its name',
      };
    }
  },
};

const withoutAlt: ArticleRule = {
  id: 'picture-without-alt',
  level: 'warning',
  title: 'Pictures without alternative text',
  consumer: 'people who do not see the picture',
  source: 'https://www.w3.org/TR/WCAG22/#non-text-content',
  read: '2026-11-30',
  *look({ article: { image, html } }) {
    const message = 'has no alternative text: say in a sentence what the picture shows';
    if (image !== undefined && (image.alt ?? '').trim() === '') yield { field: 'image.alt', value: image.url, message };
    for (const { src, alt, isPixel } of picturesIn(html))
      if (!isPixel && (alt ?? '').trim() === '') yield { field: 'body', value: excerpt(src), message };
  },
};

/** Pixels of the shortest side. */
const FLIPBOARD_SIDE = 500;

const flipboardPicture: ArticleRule = {
  id: 'flipboard-picture',
  sameAs: ['flipboard/no-picture'],
  level: 'warning',
  title: 'Pictures too small for Flipboard',
  consumer: 'Flipboard',
  source: 'https://flipboard.helpshift.com/hc/en/1-flipboard/faq/1023-resubmit-an-rss-feed/',
  read: '2026-11-30',
  *look({ article: { image } }) {
    if (image?.width === undefined || image.height === undefined) return;
    if (Math.min(image.width, image.height) >= FLIPBOARD_SIDE) return;
    yield {
      field: 'image.url',
      value: image.url,
      message: `has ${size(image)} pixels: the shortest side should not have fewer than ${FLIPBOARD_SIDE}`,
    };
  },
};

const MSN = {
  level: 'warning',
  consumer: 'MSN',
  source: 'https://support.microsoft.com/en-us/msn/partner-hub/feed-content-specifications-in-msn-partner-hub',
  read: '2026-11-29',
} as const;

/** Pixels of the longest side. */
const MSN_SIDE = 720;
const MSN_BYTES = 15 * 1024 * 1024;
/** Width by height. */
const MSN_RATIOS = { least: 0.5, most: 1.89 };

const msnPictureSize: ArticleRule = {
  ...MSN,
  id: 'msn-picture-size',
  sameAs: ['msn/picture-too-small'],
  title: 'Pictures too small for MSN',
  *look(checked, { newsroom }) {
    for (const { field, url, ...facts } of measured(checked, newsroom)) {
      if (facts.width === undefined || facts.height === undefined) continue;
      if (Math.max(facts.width, facts.height) >= MSN_SIDE) continue;
      yield {
        field,
        value: excerpt(url),
        message: `has ${size(facts)} pixels: MSN recommends ${MSN_SIDE} or more`,
      };
    }
  },
};

const msnPictureShape: ArticleRule = {
  ...MSN,
  id: 'msn-picture-shape',
  sameAs: ['msn/picture-ratio', 'msn/picture-not-taken'],
  title: 'Pictures too long or too large for MSN',
  *look({ article: { image } }) {
    if (image === undefined) return;
    const { url, width, height, length = 0 } = image;
    if (length > MSN_BYTES)
      yield { field: 'image.url', value: url, message: `has ${length} bytes: MSN takes no more than ${MSN_BYTES}` };
    if (width === undefined || height === undefined) return;
    const ratio = width / height;
    if (ratio >= MSN_RATIOS.least && ratio <= MSN_RATIOS.most) return;
    yield {
      field: 'image.url',
      value: url,
      message: `has ${size(image)} pixels: its width must be ${MSN_RATIOS.least} to ${MSN_RATIOS.most} times its height`,
    };
  },
};

function size({ width, height }: Pick<Image, 'width' | 'height'>): string {
  return `${width} × ${height}`;
}

/** The pictures of an article whose sizes are known. Files on other hosts are not fetched: their records may name a size. */
function* measured(
  { article: { image, html } }: CheckedArticle,
  newsroom: Newsroom,
): Iterable<Pick<Image, 'url' | 'width' | 'height'> & { readonly field: string }> {
  if (image !== undefined) yield { field: 'image.url', ...image };
  for (const { src } of picturesIn(html)) {
    const facts = localFacts(src, newsroom);
    if (facts !== undefined) yield { field: 'body', url: src, ...facts };
  }
}

interface BodyPicture {
  readonly src: string;
  readonly alt: string | undefined;
  /** A picture of one pixel shows nothing: it counts readers. */
  readonly isPixel: boolean;
}

function* picturesIn(html: string): Iterable<BodyPicture> {
  for (const tag of elementsIn(html, 'img')) {
    const { src = '', alt, width, height } = attributesOf(tag);
    yield { src, alt, isPixel: isOnePixel(width) && isOnePixel(height) };
  }
}

function isOnePixel(length: string | undefined): boolean {
  return length === '0' || length === '1';
}

export const PICTURES: readonly ArticleRule[] = [
  missing,
  withoutAlt,
  flipboardPicture,
  msnPictureSize,
  msnPictureShape,
];
export const ASSET_PICTURES: readonly NewsroomRule[] = [missingAsset];
