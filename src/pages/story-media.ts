import { directionOf } from '../lib/text.ts';
import { type Hosts, hostIn } from './hosts.ts';
import { attributes, type Html, html } from './html.ts';
import type { TextName, Texts } from './texts.ts';

/** Attributes of an element in a story, as they are in its sanitized HTML. */
export type Given = Readonly<Record<string, string>>;

/** What the files in a story become. */
export interface MediaOptions {
  readonly texts: Texts;
  readonly hosts: Hosts;
  /** The way from the page to the root of the service: `../`. */
  readonly root: string;
}

/** The place of a file in a story. */
export interface Place {
  /** The language around it. */
  readonly language: string;
  /** Within a link, no other link can stand. */
  readonly isInLink: boolean;
}

export function picture(
  { src = '', alt = '', title, width, height }: Given,
  place: Place,
  { texts, hosts, root }: MediaOptions,
): Html {
  const file = hosts.load(src, root);
  if (file === undefined) return linkTo(src, alt === '' ? texts.text('picture') : alt, place, texts);
  return html`<img src="${file}"${attributes({ width, height, title })} alt="${alt}" loading="lazy">`;
}

/** A player for sound or film. */
export function player(
  name: 'audio' | 'video',
  { src = '', poster, width, height }: Given,
  place: Place,
  { texts, hosts, root }: MediaOptions,
): Html {
  const what: TextName = name === 'audio' ? 'sound' : 'video';
  const file = hosts.load(src, root);
  if (file === undefined) return linkTo(src, texts.text(what), place, texts);
  const shape = attributes({ poster: hosts.load(poster, root), width, height, 'aria-label': texts.text(what) });
  return name === 'audio'
    ? html`<audio controls preload="none" src="${file}"${shape}></audio>`
    : html`<video controls preload="none" src="${file}"${shape}></video>`;
}

/** Embedded content of another page. */
export function frame(
  { src = '', title, sandbox, width, height }: Given,
  place: Place,
  { texts, hosts, root }: MediaOptions,
): Html {
  const label = title ?? texts.text('embed');
  const file = hosts.load(src, root);
  if (file === undefined) return linkTo(src, label, place, texts);
  return html`<iframe src="${file}"${attributes({ title: label, sandbox, width, height })} loading="lazy" allowfullscreen></iframe>`;
}

/** A link in the place of a file that the page does not load. */
function linkTo(url: string, what: string, { language, isInLink }: Place, texts: Texts): Html {
  const words = texts.text('elsewhere', { what, host: hostIn(url) });
  if (url === '' || isInLink) return html`${words}`;
  const isSame = texts.language.toLowerCase() === language.toLowerCase();
  const dir = texts.direction === directionOf(language) ? undefined : texts.direction;
  return html`<a href="${url}"${attributes(isSame ? {} : { lang: texts.language, dir })}>${words}</a>`;
}
