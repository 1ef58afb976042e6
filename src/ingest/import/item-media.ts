import { looseText } from './loose-text.ts';
import { duration, type Files, files, isImage, type MediaFile, mediaType, positiveInteger } from './media-files.ts';
import type { ResolveUrl } from './record-fields.ts';
import { childElements, firstElement, textContent, type XmlElement } from './xml.ts';

/** Above the limit of a record: an item with this many files is refused in any case. */
const MAX_FILES = 100;

/** The files of an RSS item or an Atom entry, from Media RSS, enclosures and podcast elements. */
export function itemFiles(item: XmlElement, resolve: ResolveUrl): Files {
  const groups = childElements(item, 'media:group').slice(0, MAX_FILES);
  const contents = [
    ...childElements(item, 'media:content')
      .slice(0, MAX_FILES)
      .map((content) => mediaContent(content, [content, item], resolve)),
    ...groups.flatMap((group) =>
      preferred(group)
        .slice(0, MAX_FILES)
        .map((content) => mediaContent(content, [content, group, item], resolve)),
    ),
  ];
  const thumbnails = [item, ...groups, ...childElements(item, 'media:content')].flatMap((parent) =>
    childElements(parent, 'media:thumbnail').map((thumbnail) => mediaContent(thumbnail, [item], resolve, 'image')),
  );
  const cover = resolve(
    firstElement(item, 'itunes:image')?.attributes.get('href') ?? textContent(firstElement(item, 'itunes:image')),
  );
  const enclosures = enclosuresOf(item, resolve, duration(textContent(firstElement(item, 'itunes:duration'))));
  return files(
    [...contents, ...enclosures].filter((file) => file !== undefined),
    [
      ...contents.filter(isImage),
      ...thumbnails,
      ...(cover === undefined ? [] : [{ url: cover }]),
      ...enclosures.filter(isImage),
    ],
  );
}

/** All pictures of a group, and its default sound or video: the others are the same in another quality. */
function preferred(group: XmlElement): XmlElement[] {
  const contents = childElements(group, 'media:content');
  const isPicture = ({ attributes }: XmlElement) =>
    attributes.get('medium') === 'image' || attributes.get('type')?.startsWith('image/') === true;
  const others = contents.filter((content) => !isPicture(content));
  const chosen = others.find(({ attributes }) => attributes.get('isdefault') === 'true') ?? others[0];
  return [...contents.filter(isPicture), ...(chosen === undefined ? [] : [chosen])];
}

/** In Media RSS, the title or description of an element applies to all files in it that have none of their own. */
function mediaContent(
  { attributes }: XmlElement,
  scopes: readonly XmlElement[],
  resolve: ResolveUrl,
  medium = attributes.get('medium'),
): MediaFile | undefined {
  const url = resolve(attributes.get('url'));
  if (url === undefined) return undefined;
  const nearest = (name: string) => {
    const element = scopes.map((scope) => firstElement(scope, name)).find((found) => found !== undefined);
    return looseText(textContent(element)) || undefined;
  };
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
    ...(isPicture
      ? { alt: nearest('media:title'), caption: nearest('media:description'), credit: nearest('media:credit') }
      : { title: nearest('media:title') }),
  };
}

function enclosuresOf(item: XmlElement, resolve: ResolveUrl, seconds: number | undefined): MediaFile[] {
  const links = childElements(item, 'atom:link').filter(({ attributes }) => attributes.get('rel') === 'enclosure');
  const found = [...childElements(item, 'enclosure'), ...links].flatMap(({ attributes }) => {
    const url = resolve(attributes.get('url') ?? attributes.get('href'));
    if (url === undefined) return [];
    const type = mediaType(attributes.get('type'), url);
    const title = attributes.get('title');
    return [{ url, type, length: positiveInteger(attributes.get('length')), title }];
  });
  const played = found.findIndex(({ type }) => /^(audio|video)\//.test(type ?? ''));
  return found.map((file, index) => (index === played ? { ...file, duration: seconds } : file));
}

/** The body of a story without any other text, such as a video of a platform: the description of its media. */
export function describedMedia(item: XmlElement): { body?: string; bodyFormat?: string } {
  const [description] = [item, ...childElements(item, 'media:group')].flatMap((scope) => {
    return childElements(scope, 'media:description').map(textContent);
  });
  return description === undefined || description === '' ? {} : { body: description, bodyFormat: 'text' };
}
