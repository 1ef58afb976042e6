/** What a consumer leaves of the body of a story, as data. What cannot stay leaves its words, or a link. */
export interface BodyRules {
  /** The elements that stay. Any other leaves its content; a block leaves a paragraph. */
  readonly elements: ReadonlySet<string>;
  /** The attributes that stay, by element; `*` stands for every element. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  /** Elements that take the name of another: a heading of a lower level that of a higher one. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** `text` makes a paragraph of each row of a table. By default tables stay where the element does. */
  readonly tables?: 'text';
  readonly links?: LinkRules;
  /** The hosts whose players stay. A link takes the place of others. */
  readonly players?: ReadonlySet<string>;
  /** The most levels of elements within each other. */
  readonly depth?: number;
  /** Of several line breaks in a row, one stays. */
  readonly isOneBreak?: boolean;
  readonly pictures?: PictureRules;
}

export interface LinkRules {
  /** The most links; those after them leave their words. 0 removes all. */
  readonly most?: number;
  /** As `https:`. By default those of http, https and mail. */
  readonly schemes?: ReadonlySet<string>;
}

export interface PictureRules {
  /** Media types by the ending of the address. A picture with an unknown ending stays. */
  readonly types?: ReadonlySet<string>;
  /** Of several pictures with one address, the first stays. */
  readonly isOnce?: boolean;
  /** The attribute that takes the caption, and its longest length. By default a caption stays as an element, or as a paragraph. */
  readonly caption?: { readonly attribute: string; readonly limit: number };
  /** The width in pixels that the consumer asks for: the smallest candidate of `srcset` with it takes the place of `src`. */
  readonly width?: number;
}

/** A set of names from one text with spaces. */
export function namesOf(names: string): ReadonlySet<string> {
  return new Set(names.split(' '));
}

/** What most consumers show. */
export const COMMON_ATTRIBUTES: BodyRules['attributes'] = {
  '*': ['lang', 'dir'],
  a: ['href', 'title'],
  img: ['src', 'alt', 'title', 'width', 'height'],
  iframe: ['src', 'title', 'width', 'height', 'allow', 'allowfullscreen'],
  ol: ['start'],
  td: ['colspan', 'rowspan'],
  th: ['colspan', 'rowspan', 'scope'],
  col: ['span'],
  colgroup: ['span'],
};

/** A body that keeps text, headings, lists, tables, quotations, pictures with captions, and players. */
export const COMMON_BODY: BodyRules = {
  elements: namesOf(
    'p br strong b em i u s del ins sub sup small cite code pre q h1 h2 h3 h4 h5 h6 blockquote ul ol li dl dt dd hr a img ' +
      'figure figcaption iframe div span table caption colgroup col thead tbody tfoot tr td th',
  ),
  attributes: COMMON_ATTRIBUTES,
};
