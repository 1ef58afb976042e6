import { excerpt, type PublisherError } from '../errors.ts';
import { xmlText } from '../lib/text.ts';
import { linkTarget } from '../lib/url.ts';
import type { OnAdjustment } from './adjustments.ts';
import { BodyLimitError } from './body-limits.ts';
import { countAdjustment, countForbidden, createCounts, reportCounts } from './change-counts.ts';
import { MAX_DEPTH, markdownToHtml, plainTextToHtml } from './html.ts';
import { mediaUrl, type Newsroom } from './newsroom.ts';
import { invalidRecord, type RecordFields } from './record.ts';
import { sanitizeBody } from './sanitize.ts';
import { limitGrowth, type ResolveUrl } from './sanitize-rules.ts';

/** Some Markdown takes a time that grows with the square of its length. */
const MAX_MARKDOWN = 256 * 1024;
const TOO_MANY_ADDRESSES =
  'must not have so many relative addresses with so long a url: each of them becomes absolute. Shorten the body or the url';

/**
 * The body of a record as sanitized HTML.
 *
 * @throws PublisherError `invalid_article` for a body beyond a limit
 */
export function cleanBody(
  record: unknown,
  parsed: RecordFields,
  newsroom: Newsroom,
  onAdjustment?: OnAdjustment,
): string {
  const { resolve, isExceeded } = limitGrowth(resolverFor(parsed.url, newsroom));
  const refusal = (rule: string) => invalidRecord(record, [{ field: 'body', rule }]);
  try {
    const html = sanitizeBody(bodyHtml(record, parsed, onAdjustment), resolve, newsroom.sanitizeFastPath, onAdjustment);
    if (isExceeded()) throw refusal(TOO_MANY_ADDRESSES);
    if (html === undefined) throw refusal(`must not nest elements deeper than ${MAX_DEPTH} levels`);
    return html;
  } catch (error) {
    if (error instanceof BodyLimitError) throw refusal(error.rule);
    throw error;
  }
}

/** Resolves the references of one body. Cleaning resolves each several times, and the media folder is asked once for each. */
function resolverFor(storyUrl: string, newsroom: Newsroom): ResolveUrl {
  const local = new Map<string, string | undefined>();
  return (reference) => {
    if (!reference.startsWith('/media/')) return linkTarget(reference, storyUrl);
    if (!local.has(reference)) local.set(reference, mediaUrl(reference, newsroom));
    return local.get(reference) ?? linkTarget(reference, storyUrl);
  };
}

/** The body as HTML, before it is sanitized. */
function bodyHtml(record: unknown, { body, bodyFormat }: RecordFields, onAdjustment?: OnAdjustment): string {
  if (bodyFormat === 'html') return body;
  const text = xmlText(body);
  if (bodyFormat === 'markdown' && text.length > MAX_MARKDOWN) throw tooLongMarkdown(record, text);
  const counts = createCounts();
  if (text !== body) countForbidden(counts, body, 'character');
  const countUnused = (label: string) =>
    countAdjustment(counts, 'definition_removed', { noun: 'link definition' }, () => label);
  const html = bodyFormat === 'text' ? plainTextToHtml(text) : markdownToHtml(text, countUnused);
  if (onAdjustment !== undefined) reportCounts(counts, onAdjustment);
  return html;
}

function tooLongMarkdown(record: unknown, markdown: string): PublisherError {
  const rule = `must not be longer than ${MAX_MARKDOWN} characters in Markdown`;
  return invalidRecord(record, [{ field: 'body', value: excerpt(markdown), rule }]);
}
