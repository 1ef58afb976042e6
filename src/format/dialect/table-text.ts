import { type HtmlElement, nodesText } from './html-tree.ts';

/**
 * The rows of a table as lines of text, for consumers that show no table: `item: value`. In a table with a row of headings,
 * each value has its heading: `Year 2026: level 497.6, storage 41%`.
 */
export function rowTexts(table: HtmlElement): string[] {
  const captions = partsOf(table, /^caption$/).map(({ children }) => nodesText(children));
  const [first, ...others] = rowsOf(table).map(cellsOf);
  if (first === undefined) return withoutEmpty(captions);
  const isHeaded = first.isHeading && first.texts.length > 2 && others.length > 0;
  const rows = isHeaded
    ? others.map(({ texts }) => rowText(texts.map((text, index) => withHeading(text, first.texts[index]))))
    : [first, ...others].map(({ texts }) => rowText(texts));
  return withoutEmpty([...captions, ...rows]);
}

/** The rows of the table itself, without those of a table in a cell. */
function rowsOf(table: HtmlElement): HtmlElement[] {
  return partsOf(table, /^(?:thead|tbody|tfoot|tr)$/).flatMap((part) => (part.name === 'tr' ? part : rowsOf(part)));
}

function partsOf({ children }: HtmlElement, names: RegExp): HtmlElement[] {
  return children.filter((child) => typeof child !== 'string').filter(({ name }) => names.test(name));
}

function cellsOf(row: HtmlElement): { readonly texts: readonly string[]; readonly isHeading: boolean } {
  const cells = partsOf(row, /^t[dh]$/);
  return {
    texts: cells.map(({ children }) => nodesText(children)),
    isHeading: cells.every(({ name }) => name === 'th'),
  };
}

function withHeading(text: string, heading = ''): string {
  return [heading, text].filter((part) => part !== '').join(' ');
}

function rowText([item = '', ...values]: readonly string[]): string {
  return withoutEmpty([item, withoutEmpty(values).join(', ')]).join(': ');
}

function withoutEmpty(texts: readonly string[]): string[] {
  return texts.filter((text) => text !== '');
}
