import { isNestedTooDeep } from '../../article/html.ts';
import { escapeHtml } from '../../lib/text.ts';
import { htmlText } from './loose-text.ts';
import { titleOf } from './record-fields.ts';

/** Elements that show something without text. */
const SHOWN = /<(?:img|picture|iframe|video|audio|object|embed|svg|hr|table|input|figure|math)[\s/>]/i;
/** Most characters of a body that are parsed to make a title of its first words. */
const MAX_BEGINNING = 20_000;

/**
 * A record whose title or body is missing in the source, which readers of the old feed know nevertheless: the title is
 * made of the first words, the body is the picture or else the title.
 */
export function withTitleAndBody(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const hasBody = !isEmptyBody(record);
  const title = textOrEmpty(record.title) || madeTitle(record, hasBody);
  const titled = title === undefined ? record : { ...record, title };
  if (hasBody) return titled;
  const body = pictureHtml(fieldsOf(record.image)) ?? (title === undefined ? undefined : `<p>${escapeHtml(title)}</p>`);
  if (body === undefined) return titled;
  const { bodyFormat: _, ...rest } = titled;
  return { ...rest, body };
}

/** The first words of the story, else those of its picture or its file. */
function madeTitle(record: Readonly<Record<string, unknown>>, hasBody: boolean): string | undefined {
  const { alt, caption } = fieldsOf(record.image);
  const [file] = Array.isArray(record.media) ? record.media : [];
  return titleOf(
    hasBody ? firstWords(textOrEmpty(record.body), record.bodyFormat) : '',
    textOrEmpty(record.summary),
    textOrEmpty(alt),
    textOrEmpty(caption),
    textOrEmpty(fieldsOf(file).title),
  );
}

function isEmptyBody({ body, bodyFormat }: Readonly<Record<string, unknown>>): boolean {
  const text = textOrEmpty(body);
  if (text.trim() === '') return true;
  if (bodyFormat === 'text') return false;
  // Most bodies have a letter outside their tags, so that few are parsed.
  const mayHideText = /<(?:script|style|!--)/i.test(text);
  if (!mayHideText && /(?:^|>)[^<>&]*[\p{L}\p{N}]/u.test(text.slice(0, MAX_BEGINNING))) return false;
  return !SHOWN.test(text) && !isNestedTooDeep(text) && htmlText(text) === '';
}

function firstWords(body: string, format: unknown): string {
  if (format === 'text') return body.slice(0, MAX_BEGINNING);
  return htmlText(body.slice(0, MAX_BEGINNING));
}

function pictureHtml({ url, alt, caption }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof url !== 'string') return undefined;
  const words = textOrEmpty(caption);
  const below = words === '' ? '' : `<figcaption>${escapeHtml(words)}</figcaption>`;
  return `<figure><img src="${escapeHtml(url)}" alt="${escapeHtml(textOrEmpty(alt))}">${below}</figure>`;
}

function textOrEmpty(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
