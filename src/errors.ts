/** Every code an error of this project can carry, with the HTTP status it answers with. docs/errors.md explains each. */
const ERROR_STATUS = {
  invalid_article: 422,
  invalid_publication: 500,
  invalid_path: 400,
  invalid_query: 400,
  invalid_json: 400,
  malformed_request: 400,
  unauthorized: 401,
  forbidden: 403,
  feed_not_found: 404,
  article_not_found: 404,
  feed_gone: 410,
  not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  request_timeout: 408,
  identity_conflict: 409,
  precondition_failed: 412,
  too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  expectation_failed: 417,
  too_many_requests: 429,
  headers_too_large: 431,
  not_ready: 503,
  address_unavailable: 500,
  usage: 400,
  unreachable_source: 502,
  unwritable_output: 500,
  internal: 500,
  store_outdated: 500,
  store_too_new: 500,
  store_unavailable: 503,
  overloaded: 503,
  insufficient_storage: 507,
  worker_failed: 500,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** One thing that is wrong with what was handed over: where, what stands there, and the rule it breaks. */
export interface Problem {
  /** Path of the field, e.g. `authors[0].url`; empty where the whole record is meant. */
  readonly field: string;
  /** The offending value as the reader would recognise it, shortened; absent where there is none. */
  readonly value?: string;
  readonly rule: string;
  /** Line in the file, from 1, where it is known. */
  readonly line?: number;
  readonly column?: number;
}

interface ErrorDetails {
  readonly problems?: readonly Problem[];
  /** What the reader can do about it. */
  readonly hint?: string;
  /** The file the problems are in. */
  readonly file?: string;
  /** Whole seconds after which it may be tried again. */
  readonly retryAfter?: number;
  readonly cause?: unknown;
}

/** The one class of errors that are meant for somebody: an operator, a client, an editor. */
export class PublisherError extends Error {
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];
  readonly hint: string | undefined;
  readonly file: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PublisherError';
    this.code = code;
    this.problems = told(details.problems ?? []);
    this.hint = details.hint;
    this.file = details.file;
    this.retryAfter = details.retryAfter;
  }

  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

/** Problems that are told of one record at most: a name written half a million times is not half a million answers. */
const MOST_PROBLEMS = 100;

function told(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= MOST_PROBLEMS) return problems;
  return [
    ...problems.slice(0, MOST_PROBLEMS),
    { field: '', rule: `and ${problems.length - MOST_PROBLEMS} problems more` },
  ];
}

/** A value as it is shown in a message: on one line and not longer than a line. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value.slice(0, 1000) : described(value);
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 120
    ? `${line
        .slice(0, 119)
        .replace(/[\uD800-\uDBFF]$/, '')
        .toWellFormed()}…`
    : line;
}

function described(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'a value that holds itself';
  }
}

/** One line per problem, in the form compilers use. */
export function describeProblems(error: PublisherError): string[] {
  if (error.problems.length === 0) return [error.file ? `${error.file}: ${error.message}` : error.message];
  return error.problems.map((problem) => describeProblem(problem, error.file));
}

/** `file:line:column: field: rule (value: …)` */
export function describeProblem({ field, value, rule, line, column }: Problem, file?: string): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const said = value === undefined ? '' : ` (value: ${value})`;
  return [place, field, `${rule}${said}`].filter((part) => part !== '').join(': ');
}
