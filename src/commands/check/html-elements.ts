import { decodeHTMLAttribute } from 'entities/decode';

/** Elements of one body that are looked at. A body may have a hundred thousand. */
const MOST = 1000;

/** The start tags of an element in HTML that the sanitizer made: every value of an attribute is between double quotes. */
export function* elementsIn(html: string, name: string): Iterable<string> {
  const start = `<${name} `;
  let count = 0;
  for (let at = html.indexOf(start); at >= 0 && count < MOST; at = html.indexOf(start, at + 1)) {
    count += 1;
    yield html.slice(at, html.indexOf('>', at) + 1);
  }
}

const ATTRIBUTE = / ([a-z]+)(?:="([^"]*)")?/g;

/** The attributes of a start tag. */
export function attributesOf(
  tag: string,
): Readonly<Partial<Record<'src' | 'alt' | 'href' | 'width' | 'height', string>>> {
  return Object.fromEntries(
    [...tag.matchAll(ATTRIBUTE)].map(([, name = '', value = '']) => [name, decodeHTMLAttribute(value)]),
  );
}
