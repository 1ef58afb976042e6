/** Prefixes by namespace, without its scheme and a `/` or `#` at its end: feeds write both forms. */
const PREFIXES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'www.w3.org/xml/1998/namespace': 'xml',
    'www.w3.org/2005/atom': 'atom',
    'purl.org/atom/ns': 'atom',
    'purl.org/rss/1.0': '',
    'my.netscape.com/rdf/simple/0.9': '',
    'channel.netscape.com/rdf/simple/0.9': '',
    'my.netscape.com/publish/formats/rss-0.91.dtd': '',
    'backend.userland.com/rss': '',
    'backend.userland.com/rss2': '',
    'backend.userland.com/rss091': '',
    'blogs.law.harvard.edu/tech/rss': '',
    'cyber.law.harvard.edu/rss': '',
    'www.w3.org/1999/02/22-rdf-syntax-ns': 'rdf',
    'purl.org/dc/elements/1.1': 'dc',
    'purl.org/dc/elements/1.0': 'dc',
    'purl.org/dc/terms': 'dcterms',
    'purl.org/rss/1.0/modules/dcterms': 'dcterms',
    'purl.org/rss/1.0/modules/content': 'content',
    'search.yahoo.com/mrss': 'media',
    'www.rssboard.org/media-rss': 'media',
    'www.itunes.com/dtds/podcast-1.0.dtd': 'itunes',
    'backend.userland.com/creativecommonsrssmodule': 'creativecommons',
    'cyber.law.harvard.edu/rss/creativecommonsrssmodule.html': 'creativecommons',
    'web.resource.org/cc': 'cc',
    'creativecommons.org/ns': 'cc',
    'www.w3.org/1999/xhtml': 'xhtml',
    'rssnamespace.org/feedburner/ext/1.0': 'feedburner',
    'purl.oclc.org/net/rss_2.0/enc': 'enc',
    'purl.org/rss/1.0/modules/slash': 'slash',
    'wellformedweb.org/commentapi': 'wfw',
    'purl.org/rss/1.0/modules/syndication': 'sy',
    'purl.org/syndication/thread/1.0': 'thr',
    'www.w3.org/2007/app': 'app',
  }),
);

/** Namespaces of prefixes that documents use without a declaration. */
const UNDECLARED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    xml: 'http://www.w3.org/XML/1998/namespace',
    atom: 'http://www.w3.org/2005/Atom',
    rdf: 'http://www.w3.org/1999/02/22-rdf-syntax-ns#',
    dc: 'http://purl.org/dc/elements/1.1/',
    dcterms: 'http://purl.org/dc/terms/',
    content: 'http://purl.org/rss/1.0/modules/content/',
    media: 'http://search.yahoo.com/mrss/',
    itunes: 'http://www.itunes.com/dtds/podcast-1.0.dtd',
    feedburner: 'http://rssnamespace.org/feedburner/ext/1.0',
    slash: 'http://purl.org/rss/1.0/modules/slash/',
    wfw: 'http://wellformedweb.org/CommentAPI/',
    sy: 'http://purl.org/rss/1.0/modules/syndication/',
    thr: 'http://purl.org/syndication/thread/1.0',
    creativeCommons: 'http://backend.userland.com/creativeCommonsRssModule',
    wp: 'http://wordpress.org/export/1.2/',
    excerpt: 'http://wordpress.org/export/1.2/excerpt/',
  }),
);

const WORDPRESS_NAMESPACE = /^wordpress\.org\/export\/[\d.]+(\/excerpt)?$/;

/** The usual names of a format's elements: those of its root's namespace, whatever its URI is, have this prefix. */
export interface Format {
  readonly uri: string;
  readonly prefix: string;
}

/** The namespaces that an element and those around it declare. */
export interface Scope {
  readonly namespaces: ReadonlyMap<string, string>;
  readonly outer: Scope | undefined;
  /** The usual names of elements by the names that the document writes. */
  readonly known: Map<string, string>;
}

/** Most characters of a namespace that the program knows. */
const MAX_URI = 200;
/** Names that a scope remembers. */
const MAX_KNOWN = 1000;

/** The scope of an element with these attributes, which is the outer one if they declare no namespace. */
export function scopeOf(attributes: ReadonlyMap<string, string>, outer: Scope | undefined): Scope | undefined {
  let namespaces: Map<string, string> | undefined;
  for (const [name, value] of attributes) {
    if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
    namespaces ??= new Map();
    namespaces.set(name.slice(6), value.trim());
  }
  return namespaces === undefined ? outer : { namespaces, outer, known: new Map() };
}

/** The namespace of a prefix; that of no prefix is the default namespace. */
function namespaceOf(prefix: string, scope: Scope | undefined): string {
  for (let current = scope; current !== undefined; current = current.outer) {
    const uri = current.namespaces.get(prefix);
    if (uri !== undefined) return uri;
  }
  return prefix === '' ? '' : (UNDECLARED.get(prefix) ?? `undeclared:${prefix}`);
}

/** The prefix and the local name of a name as a document writes it. */
function parts(name: string): readonly [prefix: string, local: string] {
  const colon = name.indexOf(':');
  return colon < 0 ? ['', name] : [name.slice(0, colon), name.slice(colon + 1)];
}

export function localName(name: string): string {
  return parts(name)[1];
}

/** The namespace of an element by the name that the document writes. */
export function elementNamespace(name: string, scope: Scope | undefined): string {
  return namespaceOf(parts(name)[0], scope);
}

/** The usual prefix of an element's namespace with its local name in lower case: `dc:creator`. */
export function elementName(name: string, scope: Scope | undefined, format: Format): string {
  const known = scope?.known.get(name);
  if (known !== undefined) return known;
  const [prefix, local] = parts(name);
  const uri = namespaceOf(prefix, scope);
  const usual = qualified(uri === format.uri ? format.prefix : prefixOf(uri), local);
  if (scope !== undefined && scope.known.size < MAX_KNOWN) scope.known.set(name, usual);
  return usual;
}

/** The same of an attribute. One without a prefix is in no namespace. */
export function attributeName(name: string, scope: Scope | undefined): string {
  const [prefix, local] = parts(name);
  return prefix === '' ? local.toLowerCase() : qualified(prefixOf(namespaceOf(prefix, scope)), local);
}

function qualified(prefix: string, local: string): string {
  return prefix === '' ? local.toLowerCase() : `${prefix}:${local.toLowerCase()}`;
}

function prefixOf(uri: string): string {
  if (uri === '') return '';
  if (uri.length > MAX_URI) return `{${uri}}`;
  const name = uri
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/[/#]+$/, '');
  const wordpress = WORDPRESS_NAMESPACE.exec(name);
  if (wordpress !== null) return wordpress[1] === undefined ? 'wp' : 'excerpt';
  return PREFIXES.get(name) ?? `{${uri}}`;
}
