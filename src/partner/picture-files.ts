/** The endings of files with pictures. */
const ENDINGS = /(?:\.(?:jpe?g|jfif|png|gif|webp|avif|heic|tiff?|bmp|svg))+$/;
/** What programs add to the name of a file for another size of its picture: `-300x200`, `-scaled`, `@2x`. */
const SIZES = /(?:[-_]\d{2,5}x\d{2,5}|-scaled|-rotated|[-_]\d{2,4}w|@\d(?:\.\d)?x)+$/;
/** Characters in which both stand: patterns look at no more. */
const TAIL = 80;
/** Letters of a name that no other picture has by chance, wherever it is. */
const LONG_NAME = 12;

/** Whether an address is that of a picture, by the ending of its path. */
export function isPictureAddress(address: string): boolean {
  const { path } = partsOf(address);
  return ENDINGS.test(path.slice(-TAIL));
}

/**
 * Finds the files of some pictures by their addresses in any spelling: with another size in the name or the query, another
 * scheme, percent-encodings, and behind a service that resizes pictures.
 */
export function createPictureFiles(addresses: readonly string[]): (address: string) => boolean {
  if (addresses.length === 0) return () => false;
  const known = new Set<string>();
  for (const address of addresses) {
    const { whole, name } = namesOf(address);
    known.add(whole);
    if (name.length >= LONG_NAME) known.add(name);
  }
  return (address) => {
    const { whole, name, inside } = namesOf(address);
    return known.has(whole) || known.has(name) || inside.some((each) => known.has(each));
  };
}

/** An address without its scheme and fragment, in small letters and without percent-encodings. */
function partsOf(address: string): { readonly path: string; readonly query: string } {
  const [text = ''] = decoded(address).normalize('NFC').toLowerCase().split('#', 1);
  const local = text.replace(/^(?:https?:)?\/\//, '');
  const [path = ''] = local.split('?', 1);
  return { path, query: local.slice(path.length) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface Names {
  /** Host and path. The query counts where the path does not end as a picture does: it may choose the picture. */
  readonly whole: string;
  /** The name of the file; empty where it is not that of a picture. */
  readonly name: string;
  /** The addresses in this one. */
  readonly inside: readonly string[];
}

function namesOf(address: string): Names {
  const { path, query } = partsOf(address);
  const isPicture = ENDINGS.test(path.slice(-TAIL));
  const whole = isPicture ? withoutSize(path) : path + query;
  const name = isPicture ? whole.slice(whole.lastIndexOf('/') + 1) : '';
  return { whole, name, inside: addressesIn(path, query) };
}

/** As `i0.example/news.example/a.jpg` and `?url=https://news.example/a.jpg&w=600` have them. */
function addressesIn(path: string, query: string): string[] {
  const behindHost = path.slice(path.indexOf('/') + 1);
  const values = query.split(/[?&]/).map((part) => decoded(part.slice(part.indexOf('=') + 1)));
  return [behindHost, ...values].map((text) => {
    const scheme = text.lastIndexOf('//');
    return withoutSize(scheme < 0 ? text : text.slice(scheme + 2));
  });
}

function withoutSize(path: string): string {
  const start = Math.max(0, path.length - TAIL);
  return path.slice(0, start) + path.slice(start).replace(ENDINGS, '').replace(SIZES, '');
}
