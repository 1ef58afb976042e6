import type { Article, Image, Media } from '../article/article.ts';
import type { MediaRights, Partner } from '../config/partners.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { createPictureFiles, isPictureAddress } from './picture-files.ts';
import { withoutPictures } from './without-pictures.ts';

/** What of a partner decides how its copy of a story differs from the story. */
export type CopyTerms = Pick<Partner, 'mediaRights' | 'campaign' | 'copyright'>;

/**
 * A story as a partner gets it: without the pictures that may not be passed on, with the partner's copyright line, and with
 * the parameters of its campaign on the link to the story. Other links stay as they are.
 */
export function partnerCopy(article: Article, { mediaRights, campaign, copyright }: CopyTerms): Article {
  const { image, media, html } = article;
  const refused = refusedFiles(article, mediaRights);
  return omitUndefined({
    ...article,
    url: article.url === '' ? '' : withParameters(article.url, campaign), // an erased story has none
    html: withoutPictures(html, isRefusedIn(article, refused, mediaRights)),
    image: image !== undefined && refused.has(image.url) ? undefined : image,
    media: media.filter(({ url }) => !refused.has(url)),
    copyright: copyrightLine(copyright, article.copyright),
  });
}

/** The addresses of a story's own pictures that may not be passed on. */
function refusedFiles({ image, media }: Article, rights: MediaRights): ReadonlySet<string> {
  const refused = new Set<string>();
  if (image !== undefined && !mayPassOn(image, rights)) refused.add(image.url);
  const isRefusedFile = createPictureFiles([...refused]);
  for (const file of media) {
    if (isPicture(file) && (isRefusedFile(file.url) || mayNotPass(file, rights))) refused.add(file.url);
  }
  return refused;
}

function mayPassOn({ credit = '', caption = '', syndicate }: Image, rights: MediaRights): boolean {
  if (rights.onlySyndicated ? syndicate !== true : syndicate === false) return false;
  return !namesCredit(`${caption} ${credit}`, rights);
}

function isPicture({ type, url }: Media): boolean {
  return /^image\//i.test(type) || isPictureAddress(url);
}

/** A picture among the media has no credit of its own: its title may name one. */
function mayNotPass({ title = '' }: Media, rights: MediaRights): boolean {
  return rights.onlySyndicated || namesCredit(title, rights);
}

/**
 * Whether a picture of the body may not be passed on. A body names no rights: its pictures have those of the story's pictures
 * where they are these files, and the credit that their captions name. Undefined where all may be passed on.
 */
function isRefusedIn(
  { image }: Article,
  refused: ReadonlySet<string>,
  rights: MediaRights,
): ((src: string, caption: string) => boolean) | undefined {
  const { onlySyndicated, withoutCredits } = rights;
  if (refused.size === 0 && !onlySyndicated && withoutCredits.length === 0) return undefined;
  const isRefused = createPictureFiles([...refused]);
  const isOwn = createPictureFiles(image === undefined || refused.has(image.url) ? [] : [image.url]);
  return (src, caption) => {
    if (isOwn(src)) return false;
    return isRefused(src) || onlySyndicated || namesCredit(caption, rights);
  };
}

const credits = new WeakMap<MediaRights, readonly string[]>();

function namesCredit(text: string, rights: MediaRights): boolean {
  if (rights.withoutCredits.length === 0) return false;
  const known = credits.get(rights) ?? rights.withoutCredits.map(plainWords);
  credits.set(rights, known);
  const words = plainWords(text);
  return known.some((credit) => words.includes(credit));
}

/** Without the differences that a reader does not see: case, kinds of spaces, and forms of letters. */
function plainWords(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ');
}

/** The address with these parameters. A parameter of the campaign replaces one of the same name. */
export function withParameters(url: string, parameters: Readonly<Record<string, string>>): string {
  const names = Object.keys(parameters);
  if (names.length === 0) return url;
  const parsed = new URL(url);
  for (const name of names) if (parsed.searchParams.has(name)) parsed.searchParams.delete(name);
  const added = names.map((name) => `${encodeURIComponent(name)}=${encodeURIComponent(parameters[name] ?? '')}`);
  // Appended as text: URLSearchParams would write the query that is there in another way.
  parsed.search = [parsed.search.slice(1), ...added].filter((part) => part !== '').join('&');
  return parsed.href;
}

/** @param line that of the partner, in which `{copyright}` stands for that of the story */
function copyrightLine(line: string | undefined, own: string | undefined): string | undefined {
  if (line === undefined) return own;
  const text = line.replaceAll('{copyright}', () => own ?? '').trim();
  return text === '' ? undefined : text;
}
