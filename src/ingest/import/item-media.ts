import { looseText } from './loose-text.ts';
import type { MediaFile } from './media-file.ts';
import { duration, type Files, files, isImage, mediaType, positiveInteger } from './media-files.ts';
import type { UrlResolver } from './record-fields.ts';
import type { Warn } from './source-record.ts';
import { childElements, firstElement, textContent, type XmlElement } from './xml.ts';

/** Above the limit of a record, which has 50. */
const MAX_FILES = 100;

export interface MediaContext {
  readonly resolve: UrlResolver;
  readonly warn: Warn;
  /** The body of the story: pictures in it are not repeated. */
  readonly body: unknown;
  /** Further files of the story. */
  readonly more?: readonly MediaFile[];
}

/** The files of an RSS item or an Atom entry, from Media RSS, enclosures and podcast elements. */
export function itemFiles(item: XmlElement, context: MediaContext): Files {
  const { resolve, warn, body, more = [] } = context;
  const textsOf = scopeTexts();
  const groups = childElements(item, 'media:group').slice(0, MAX_FILES);
  const own = childElements(item, 'media:content').map((content) => ({ content, scopes: [content, item] }));
  const grouped = groups.flatMap((group) =>
    preferred(group).map((content) => ({ content, scopes: [content, group, item], group })),
  );
  const contents = [...own, ...grouped]
    .slice(0, MAX_FILES)
    .flatMap((one) => mediaContent(one.content, { ...one, textsOf, ...context }) ?? []);
  const thumbnails = [item, ...groups, ...childElements(item, 'media:content').slice(0, MAX_FILES)]
    .flatMap((parent) => childElements(parent, 'media:thumbnail').slice(0, MAX_FILES))
    .slice(0, MAX_FILES)
    .flatMap((content) => {
      const thumbnail = { scopes: [item], group: item, textsOf, medium: 'image', ...context };
      return mediaContent(content, thumbnail) ?? [];
    });
  const cover = resolve(
    firstElement(item, 'itunes:image')?.attributes.get('href') ?? textContent(firstElement(item, 'itunes:image')),
  );
  const enclosures = enclosuresOf(item, context, duration(textContent(firstElement(item, 'itunes:duration'))));
  const pictures = contents.filter(isImage);
  return files(
    {
      media: [...enclosures, ...contents, ...more].filter((file) => !isImage(file)),
      pictures: [
        ...pictures,
        ...(pictures.length === 0 ? thumbnails : []), // a small size of a picture that the story has
        ...(cover === undefined ? [] : [{ url: cover }]),
        ...enclosures.filter(isImage),
      ],
      body,
    },
    warn,
    '<media:content>',
  );
}

/** All pictures of a group, and its default sound or video: the others are the same in another quality. */
function preferred(group: XmlElement): XmlElement[] {
  const contents = childElements(group, 'media:content');
  const isPicture = ({ attributes }: XmlElement) => {
    const [medium, type] = [attributes.get('medium'), attributes.get('type')];
    return medium === 'image' || (mediaType(type, attributes.get('url') ?? '') ?? '').startsWith('image/');
  };
  const others = contents.filter((content) => !isPicture(content));
  const chosen = others.find(({ attributes }) => attributes.get('isdefault') === 'true') ?? others[0];
  return [...contents.filter(isPicture).slice(0, MAX_FILES), ...(chosen === undefined ? [] : [chosen])];
}

interface Texts {
  readonly title: string | undefined;
  readonly description: string | undefined;
  readonly credit: string | undefined;
}

/** Reads the texts of an element for its files. It reads each element once, because one may hold many files. */
function scopeTexts(): (scope: XmlElement) => Texts {
  const known = new Map<XmlElement, Texts>();
  return (scope) => {
    let texts = known.get(scope);
    if (texts === undefined) {
      const text = (name: string) => looseText(textContent(firstElement(scope, name))) || undefined;
      texts = { title: text('media:title'), description: text('media:description'), credit: text('media:credit') };
      known.set(scope, texts);
    }
    return texts;
  };
}

interface ContentContext extends MediaContext {
  /** From the element itself outwards. */
  readonly scopes: readonly XmlElement[];
  readonly group?: XmlElement;
  readonly textsOf: (scope: XmlElement) => Texts;
  readonly medium?: string;
}

/** In Media RSS, the title or description of an element applies to all files in it that have none of their own. */
function mediaContent(element: XmlElement, context: ContentContext): MediaFile | undefined {
  const { attributes } = element;
  const { scopes, group, textsOf, medium = attributes.get('medium') } = context;
  const url = fileAddress(element, attributes.get('url') ?? textContent(element), context);
  if (url === undefined) return undefined;
  const nearest = (name: keyof Texts) => scopes.map((scope) => textsOf(scope)[name]).find((text) => text !== undefined);
  const type = mediaType(attributes.get('type'), url);
  // The address of a picture often has no extension.
  const picture = medium === 'image' && !type?.startsWith('image/');
  const isPicture = picture || type?.startsWith('image/');
  return {
    url,
    type: picture ? 'image/*' : type,
    length: positiveInteger(attributes.get('filesize')),
    duration: duration(attributes.get('duration')),
    width: positiveInteger(attributes.get('width')),
    height: positiveInteger(attributes.get('height')),
    group,
    ...(isPicture
      ? { alt: nearest('title'), caption: nearest('description'), credit: nearest('credit') }
      : { title: nearest('title') }),
  };
}

function enclosuresOf(item: XmlElement, context: MediaContext, seconds: number | undefined): MediaFile[] {
  const links = childElements(item, 'atom:link').filter(({ attributes }) => attributes.get('rel') === 'enclosure');
  const elements = [...childElements(item, 'enclosure', 'atom:enclosure', 'enc:enclosure'), ...links];
  const found = elements.slice(0, MAX_FILES).flatMap((element) => {
    const { attributes } = element;
    const address = ['url', 'href', 'rdf:resource', 'enc:url'].map((name) => attributes.get(name)).find(Boolean);
    const url = fileAddress(element, address ?? textContent(element), context);
    if (url === undefined) return [];
    const type = mediaType(attributes.get('type') ?? attributes.get('enc:type'), url);
    const title = attributes.get('title');
    return [{ url, type, length: positiveInteger(attributes.get('length')), title }];
  });
  const playable = found.findIndex(({ type }) => /^(?:x-)?(?:audio|video)\//.test(type ?? ''));
  const played = playable < 0 && found.length === 1 ? 0 : playable;
  return found.map((file, index) => (index === played ? { ...file, duration: seconds } : file));
}

function fileAddress(element: XmlElement, address = '', { resolve, warn }: MediaContext): string | undefined {
  const url = resolve(address);
  if (url !== undefined) return url;
  const { tag, attributes } = element;
  if (address.trim() !== '')
    warn(`${JSON.stringify(address.slice(0, 100))} is no http or https address: the file is left out`, `<${tag}>`);
  else if (attributes.values().some((text) => text.trim() !== '' && text !== '0'))
    warn('has no address: the file is left out', `<${tag}>`);
  return undefined;
}

/** The body of a story without any other text, such as a video of a platform: the description of its media. */
export function describedMedia(item: XmlElement): { body?: string; bodyFormat?: string } {
  const [description] = [item, ...childElements(item, 'media:group')].flatMap((scope) => {
    return childElements(scope, 'media:description').map(textContent);
  });
  return description === undefined || description === '' ? {} : { body: description, bodyFormat: 'text' };
}
