import { Parser } from 'htmlparser2';
import { parseSrcset } from 'srcset';
import { isPictureAddress } from './picture-files.ts';

/** An element of a body, and where it is in the text. */
interface Node {
  readonly name: string;
  /** The addresses of the picture that the element shows, in all its sizes. */
  readonly pictures: readonly string[];
  /** The file with a picture to which the element links. */
  readonly linked: string;
  /** The picture that a film shows before it begins. */
  readonly poster: string;
  /** The element's own words about a picture. */
  readonly words: string;
  readonly start: number;
  /** Where the first tag of the element ends. */
  readonly tagEnd: number;
  end: number;
  readonly children: Node[];
  /** The text directly in the element. */
  text: string;
  /** All text in the element, in its order. */
  allText: string;
}

/** Elements that may have the address of a picture. */
const NAMES_PICTURE = /<(?:img|source|video|a)\b/;
const LINK_END = '</a>';
const POSTER = /\sposter="[^"]*"/;

/** Elements that go with the picture in them, if nothing else is in them. */
const WRAPPERS: ReadonlySet<string> = new Set([
  'a',
  'p',
  'div',
  'span',
  'picture',
  'figure',
  'section',
  'li',
  'center',
]);
/** Elements that are nothing without their picture. */
const DEPENDENT: ReadonlySet<string> = new Set(['source', 'figcaption', 'br']);

/**
 * A sanitized body without the pictures that are refused. A figure, a link or a paragraph that has nothing else goes with its
 * picture. Every other byte stays as it is.
 *
 * @param isRefused receives the address of a picture, and the words around it: caption and title. Undefined where none is refused
 */
export function withoutPictures(html: string, isRefused: IsRefused | undefined): string {
  if (isRefused === undefined || !NAMES_PICTURE.test(html)) return html;
  const cuts = treeOf(html).flatMap((node) => cutsIn(node, html, isRefused, '').cuts);
  let rest = '';
  let from = 0;
  for (const { start, end } of cuts) {
    rest += html.slice(from, start);
    from = end;
  }
  return rest + html.slice(from);
}

/** The elements at the top of a body. */
function treeOf(html: string): readonly Node[] {
  const root = nodeOf('', {}, { start: 0, tagEnd: 0, end: html.length });
  const open: Node[] = [root];
  const parser = new Parser({
    onopentag(name, attributes) {
      const node = nodeOf(name, attributes, {
        start: parser.startIndex,
        tagEnd: parser.endIndex + 1,
        end: html.length,
      });
      open.at(-1)?.children.push(node);
      open.push(node);
    },
    ontext(text) {
      const node = open.at(-1);
      if (node === undefined) return;
      node.text += text;
      node.allText += text;
    },
    onclosetag() {
      const node = open.pop();
      if (node === undefined) return;
      node.end = parser.endIndex + 1;
      const around = open.at(-1);
      if (around !== undefined) around.allText += node.allText;
    },
  });
  parser.end(html);
  return root.children;
}

function nodeOf(
  name: string,
  { src = '', srcset = '', poster = '', href = '', title = '', alt = '' }: Readonly<Record<string, string>>,
  place: Pick<Node, 'start' | 'tagEnd' | 'end'>,
): Node {
  const pictures = name === 'img' ? [src, ...candidatesOf(srcset)] : name === 'source' ? candidatesOf(srcset) : [];
  const linked = name === 'a' && isPictureAddress(href) ? href : '';
  const words = `${title} ${alt}`;
  return { name, pictures, linked, poster, words, ...place, children: [], text: '', allText: '' };
}

function candidatesOf(srcset: string): readonly string[] {
  return srcset === '' ? [] : parseSrcset(srcset).map(({ url }) => url);
}

interface Cuts {
  readonly cuts: readonly Pick<Node, 'start' | 'end'>[];
  /** Whether the whole element is cut. */
  readonly isWhole: boolean;
}

type IsRefused = (src: string, caption: string) => boolean;

/** @param caption of the figure around the element */
function cutsIn(node: Node, html: string, isRefused: IsRefused, caption: string): Cuts {
  if (node.pictures.some((src) => isRefused(src, `${caption} ${node.words}`))) return { cuts: [node], isWhole: true };
  const own = node.name === 'figure' ? `${caption} ${captionOf(node)}` : caption;
  const children = node.children.map((child) => ({ child, ...cutsIn(child, html, isRefused, own) }));
  // Its sources and the picture itself are the same picture in other sizes.
  if (node.name === 'picture' && children.some(({ isWhole }) => isWhole)) return { cuts: [node], isWhole: true };
  const inside = [...posterCut(node, html, isRefused), ...children.flatMap((each) => each.cuts)];
  const hasRest = children.some(({ child, isWhole }) => !isWhole && !DEPENDENT.has(child.name));
  const isWhole = inside.length > 0 && WRAPPERS.has(node.name) && !hasRest && node.text.trim() === '';
  if (isWhole) return { cuts: [node], isWhole };
  return {
    cuts: node.linked !== '' && isRefused(node.linked, own) ? withoutLink(node, html, inside) : inside,
    isWhole,
  };
}

/** Cuts the tags of a link, and leaves its words. */
function withoutLink({ start, tagEnd, end }: Node, html: string, inside: Cuts['cuts']): Cuts['cuts'] {
  const last = end - LINK_END.length;
  const closing = html.startsWith(LINK_END, last) ? [{ start: last, end }] : [];
  return [{ start, end: tagEnd }, ...inside, ...closing];
}

/** Where the tag of a film names a picture that is refused. */
function posterCut({ poster, start, tagEnd }: Node, html: string, isRefused: IsRefused): Cuts['cuts'] {
  const found = poster === '' || !isRefused(poster, '') ? null : POSTER.exec(html.slice(start, tagEnd));
  return found === null ? [] : [{ start: start + found.index, end: start + found.index + found[0].length }];
}

function captionOf({ children }: Node): string {
  return children.flatMap(({ name, allText }) => (name === 'figcaption' ? [allText] : [])).join(' ');
}
