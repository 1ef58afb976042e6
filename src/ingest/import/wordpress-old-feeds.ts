import { LATEST } from '../../feed/feeds.ts';
import { slugOfName } from '../../lib/fields.ts';
import { looseText } from './loose-text.ts';
import type { OldFeed } from './old-feeds.ts';
import { MAX_SECTIONS } from './record-fields.ts';
import { value } from './wordpress-site.ts';
import { childElements, textContent, type XmlElement } from './xml.ts';

type Kind = 'section' | 'tag' | 'author';

/** A category, a tag or an author of the site. */
interface Term {
  readonly kind: Kind;
  readonly name: string;
  id: string;
  /** The slug of the category above it; empty if there is none. */
  parent: string;
  /** Whether a story that readers can see is in it. */
  isUsed: boolean;
  /** Whether any story is in it, also one that is scheduled. */
  isNamed: boolean;
  /** Whether it is a tag here: each story in it has so many categories that this one is among its tags. */
  isTag: boolean;
}

/** Most terms whose addresses are recorded. */
const MAX_TERMS = 100_000;
/** Categories above each other. A hostile export may have a circle. */
const MAX_DEPTH = 20;
/** Most characters of a slug: WordPress allows 200 bytes, percent-encoded. */
const MAX_SLUG = 600;
/** Most paths with stories below them. Each costs a pattern, and a data folder may have a thousand. */
const MAX_FOLDERS = 500;

const TAXONOMIES: ReadonlyMap<string, Kind> = new Map([
  ['category', 'section'],
  ['post_tag', 'tag'],
  ['tag', 'tag'],
]);

/** The words before the slugs in WordPress's addresses. */
const BASES: Readonly<Record<Kind, string>> = { section: 'category', tag: 'tag', author: 'author' };
/** The parameters with the numbers of categories and authors. Tags have their slugs there. */
const NUMBERS: Readonly<Partial<Record<Kind, string>>> = { section: 'cat', author: 'author' };

/**
 * Collects the addresses that the feeds of a WordPress site have, from the parts of its export. The feed of a category here has
 * the address of the category's name, which an editor may have given another slug in WordPress.
 */
export class WordpressOldFeeds {
  readonly #terms = new Map<string, Term>();
  #sitePath = '';
  /** Stories whose addresses are one word at the top of the site, and all others. */
  readonly #stories = { atTop: 0, elsewhere: 0 };
  /** The paths below which stories are: `world/europe` of `/world/europe/a-story/`. */
  readonly #folders = new Set<string>();

  /** @param isStory whether the part is a story that readers can see or will see */
  add(part: XmlElement, isStory: boolean): void {
    if (part.name === 'wp:base_blog_url') this.#sitePath = pathOf(textContent(part)).replace(/\/+$/, '');
    else if (part.name === 'wp:category') this.#addCategory(part);
    else if (part.name === 'wp:tag') this.#addTag(part);
    else if (part.name === 'wp:term') this.#addTerm(part);
    else if (part.name === 'wp:author') this.#addAuthor(part);
    else if (part.name === 'item' && isStory) this.#addStory(part);
  }

  /** @param authors display names by login */
  all(authors: ReadonlyMap<string, string>): readonly OldFeed[] {
    const feeds = [...this.#terms].map(([key, term]) => this.#feedOf(key.slice(key.indexOf(' ') + 1), term, authors));
    const known = feeds.filter((feed) => feed !== undefined);
    if (known.length === 0) return [];
    const { atTop, elsewhere } = this.#stories;
    const site = this.#sitePath;
    // The comments of a story have their feed below its address. Built-in redirects know those with a date.
    const comments = [
      ...(atTop > elsewhere ? [goneAt(`${site}/{story}/feed/`)] : []),
      ...this.#categoryFolders().map((folder) => goneAt(`${site}/${folder}/{story}/feed/`)),
    ];
    const main = { addresses: [`${site}/feed/`], feed: LATEST, isUsed: true };
    return [main, ...known, goneAt(`${site}/comments/feed/`), ...comments];
  }

  #feedOf(
    slug: string,
    { kind, name, id, parent, isUsed, isTag }: Term,
    authors: ReadonlyMap<string, string>,
  ): OldFeed | undefined {
    const known = slugOfName(kind === 'author' ? (authors.get(name) ?? name) : name);
    if (known === '') return undefined;
    const parents = this.#parentsOf(kind, parent);
    const path = [BASES[kind], ...parents, slug].map(readableSegment).join('/');
    const number = NUMBERS[kind];
    const numbered = number === undefined || id === '' ? [] : [`${this.#sitePath}/?feed=rss2&${number}=${id}`];
    return {
      addresses: [`${this.#sitePath}/${path}/feed/`, ...numbered],
      feed: `${isTag ? 'tag' : kind}/${known}`,
      isUsed,
    };
  }

  /** The paths of categories below which stories are, for sites whose stories are at `/{category}/{story}/`. */
  #categoryFolders(): string[] {
    const folders = [...this.#folders].map((folder) => folder.split('/').map(decoded));
    return folders
      .filter((slugs) => slugs.every((slug) => this.#terms.has(`section ${slug}`)))
      .map((slugs) => slugs.map(readableSegment).join('/'));
  }

  #parentsOf(kind: Kind, parent: string): string[] {
    const parents: string[] = [];
    for (let slug = parent; slug !== '' && parents.length < MAX_DEPTH; ) {
      if (parents.includes(slug)) break;
      parents.unshift(slug);
      slug = this.#terms.get(`${kind} ${slug}`)?.parent ?? '';
    }
    return parents;
  }

  #addCategory(part: XmlElement): void {
    const term = this.#term('section', value(part, 'wp:category_nicename'), () =>
      looseText(value(part, 'wp:cat_name')),
    );
    if (term === undefined) return;
    term.id = numberIn(value(part, 'wp:term_id'));
    term.parent = decoded(value(part, 'wp:category_parent'));
  }

  #addTag(part: XmlElement): void {
    this.#term('tag', value(part, 'wp:tag_slug'), () => looseText(value(part, 'wp:tag_name')));
  }

  /** Newer exports have terms of every taxonomy in one form. */
  #addTerm(part: XmlElement): void {
    const kind = TAXONOMIES.get(value(part, 'wp:term_taxonomy'));
    if (kind === undefined) return;
    const term = this.#term(kind, value(part, 'wp:term_slug'), () => looseText(value(part, 'wp:term_name')));
    if (term === undefined) return;
    term.id ||= numberIn(value(part, 'wp:term_id'));
    term.parent ||= decoded(value(part, 'wp:term_parent'));
  }

  /** WordPress makes the slug of an author from the login. */
  #addAuthor(part: XmlElement): void {
    const login = value(part, 'wp:author_login');
    const term = this.#term('author', authorSlug(login), () => login);
    if (term !== undefined) term.id = numberIn(value(part, 'wp:author_id'));
  }

  #addStory(item: XmlElement): void {
    const isVisible = value(item, 'wp:status') !== 'future';
    let sections = 0;
    for (const category of childElements(item, 'category')) {
      const { attributes } = category;
      const domain = attributes.get('domain') ?? '';
      const slug = attributes.get('nicename') ?? '';
      const kind = domain === 'author' ? 'author' : TAXONOMIES.get(domain);
      if (kind === undefined) continue;
      const name = () => (kind === 'author' ? textContent(category) : looseText(textContent(category)));
      const term = this.#term(kind, kind === 'author' ? slug.replace(/^cap-/, '') : slug, name);
      if (kind === 'section') sections += 1;
      if (term === undefined) continue;
      term.isTag = kind === 'section' && sections > MAX_SECTIONS && (term.isTag || !term.isNamed);
      term.isNamed = true;
      term.isUsed ||= isVisible;
    }
    for (const creator of childElements(item, 'dc:creator')) {
      const login = textContent(creator);
      const term = this.#term('author', authorSlug(login), () => login);
      if (term !== undefined) term.isUsed ||= isVisible;
    }
    this.#addAddress(pathOf(value(item, 'link')));
  }

  #addAddress(path: string): void {
    const below = path.startsWith(`${this.#sitePath}/`) ? path.slice(this.#sitePath.length) : path;
    const [, folder = '', slug = ''] = /^\/(?:(.*)\/)?([^/]+)\/?$/.exec(below) ?? [];
    const isNamed = /\D/.test(slug);
    if (isNamed && folder === '') this.#stories.atTop += 1;
    else this.#stories.elsewhere += 1;
    const isNew = folder !== '' && folder.length <= MAX_SLUG && this.#folders.size < MAX_FOLDERS;
    if (isNamed && isNew) this.#folders.add(folder);
  }

  /** The term with this slug, which is made if it is new. The first name counts. */
  #term(kind: Kind, slug: string, nameOf: () => string): Term | undefined {
    const readable = decoded(slug.trim());
    const key = `${kind} ${readable}`;
    const known = this.#terms.get(key);
    if (known !== undefined || this.#terms.size === MAX_TERMS) return known;
    const name = nameOf();
    if (readable === '' || readable.length > MAX_SLUG || name === '') return undefined;
    const term: Term = { kind, name, id: '', parent: '', isUsed: false, isNamed: false, isTag: false };
    this.#terms.set(key, term);
    return term;
  }
}

function goneAt(address: string): OldFeed {
  return { addresses: [address], feed: undefined, isUsed: true };
}

function pathOf(address: string): string {
  return URL.parse(address.trim())?.pathname ?? '';
}

function numberIn(text: string): string {
  return /^[1-9]\d{0,14}$/.test(text.trim()) ? text.trim() : '';
}

function authorSlug(login: string): string {
  return login
    .toLowerCase()
    .replace(/[\s.]+/g, '-')
    .replace(/[^\p{L}\p{N}_-]+/gu, '');
}

function decoded(slug: string): string {
  try {
    return decodeURIComponent(slug);
  } catch {
    return slug;
  }
}

/** A part of a path that an operator can read, with letters of its script. Signs with a meaning in addresses are encoded. */
function readableSegment(slug: string): string {
  return slug.toWellFormed().replace(/[^\p{L}\p{M}\p{N}._~+-]/gu, encodeURIComponent);
}
