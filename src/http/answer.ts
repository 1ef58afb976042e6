import type { IncomingHttpHeaders } from 'node:http';
import { type Coding, chooseCoding } from '../codings.ts';
import { PublisherError } from '../errors.ts';
import { FORMATS, feedPath, MEDIA_TYPES } from '../feeds.ts';
import type { Instant } from '../instant.ts';
import { preconditions } from '../preconditions.ts';
import { cacheControl, holdsUntil, lastModifiedHeader, type Representations } from '../representation.ts';
import { FOR_ALL } from './headers.ts';

/** A response as it is written: headers as one list of names and values, which Node writes as they stand. */
export interface Answer {
  readonly status: 200 | 304;
  readonly coding: Coding;
  readonly headers: string[];
  /** Undefined where only the head is asked for. */
  readonly body?: Buffer;
}

export interface AnswerContext {
  readonly now: Instant;
  /** Seconds. */
  readonly maxAge: number;
  readonly feedsUrl: string;
}

interface Question {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/**
 * The answer to GET or HEAD of a document: the one place that decides validators and caching headers. Undefined while
 * the bytes in the coding that the client prefers are not made yet.
 *
 * @throws PublisherError `not_acceptable`, `precondition_failed`
 */
export function answerTo(
  question: Question,
  representations: Representations,
  context: AnswerContext,
): Answer | undefined {
  const coding = codingFor(question.headers);
  const decision = preconditions(question.headers, representations);
  if (decision === 'failed') {
    throw new PublisherError('precondition_failed', 'The feed is not the one that the request expects.');
  }
  const { full, unchanged } = headersOf(representations, coding, context);
  if (decision === 'not-modified') return { status: 304, coding, headers: unchanged };
  const body = representations.bytesAtHand(coding);
  if (body === undefined) return undefined;
  const headers = full(body.length);
  return question.method === 'HEAD' ? { status: 200, coding, headers } : { status: 200, coding, headers, body };
}

/** @throws PublisherError `not_acceptable` */
export function codingFor(headers: IncomingHttpHeaders): Coding {
  const accepted = headers['accept-encoding'];
  const coding = chooseCoding(Array.isArray(accepted) ? accepted.join(', ') : accepted);
  if (coding !== undefined) return coding;
  throw new PublisherError('not_acceptable', 'None of the content codings the request accepts is offered.', {
    hint: 'Offered are br, zstd, gzip and identity.',
  });
}

/** The headers of a document in a coding. They are made once for as long as the same ones hold. */
interface MadeHeaders {
  readonly until: Instant;
  readonly unchanged: string[];
  readonly full: (length: number) => string[];
}

const made = new WeakMap<Representations, Map<Coding, MadeHeaders>>();

function headersOf(representations: Representations, coding: Coding, context: AnswerContext): MadeHeaders {
  let codings = made.get(representations);
  if (codings === undefined) {
    codings = new Map();
    made.set(representations, codings);
  }
  const known = codings.get(coding);
  if (known !== undefined && context.now < known.until) return known;
  const headers = makeHeaders(representations, coding, context);
  codings.set(coding, headers);
  return headers;
}

function makeHeaders(
  representations: Representations,
  coding: Coding,
  { now, maxAge, feedsUrl }: AnswerContext,
): MadeHeaders {
  const { document } = representations;
  // RFC 9110 §15.4.5: a 304 says what a 200 would, but nothing of the content that does not come.
  const unchanged = flat({
    ...FOR_ALL,
    'Cache-Control': cacheControl(maxAge, now, document.nextChangeAt),
    ETag: representations.etag(coding),
    'Last-Modified': lastModifiedHeader(representations, now),
    Link: links(document.feed.key, document.format, feedsUrl),
    Vary: 'Accept-Encoding',
  });
  let whole: string[] | undefined;
  return {
    until: holdsUntil(representations, { maxAge, now }),
    unchanged,
    full(length) {
      whole ??= [
        ...unchanged,
        ...flat({
          'Content-Type': `${MEDIA_TYPES[document.format]}; charset=utf-8`,
          'Content-Length': String(length),
          ...(coding === 'identity' ? {} : { 'Content-Encoding': coding }),
        }),
      ];
      return whole;
    },
  };
}

function flat(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flat();
}

/** The feed itself and its other formats (RFC 8288). */
function links(key: string, format: (typeof FORMATS)[number], feedsUrl: string): string {
  const others = FORMATS.filter((other) => other !== format);
  return [format, ...others]
    .map((other) => {
      const relation = other === format ? 'self' : 'alternate';
      return `<${feedsUrl}${feedPath(key, other)}>; rel="${relation}"; type="${MEDIA_TYPES[other]}"`;
    })
    .join(', ');
}
