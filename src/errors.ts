/** Every error code of this project, with its HTTP status. docs/errors.md explains each. */
const ERROR_STATUS = {
  invalid_article: 422,
  not_an_article: 415,
  unrenderable_article: 500,
  invalid_publication: 500,
  restart_required: 500,
  other_publication: 500,
  invalid_path: 400,
  invalid_query: 400,
  invalid_json: 400,
  malformed_request: 400,
  unauthorized: 401,
  forbidden: 403,
  feed_not_found: 404,
  article_not_found: 404,
  feed_gone: 410,
  cursor_expired: 410,
  not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  request_timeout: 408,
  identity_conflict: 409,
  erased_article: 409,
  file_holds_article: 409,
  precondition_failed: 412,
  too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  expectation_failed: 417,
  misdirected: 421,
  too_many_requests: 429,
  headers_too_large: 431,
  not_ready: 503,
  address_unavailable: 500,
  usage: 400,
  unreachable_source: 502,
  unwritable_output: 500,
  unreachable_target: 502,
  site_busy: 409,
  backup_damaged: 500,
  internal: 500,
  store_outdated: 500,
  store_too_new: 500,
  store_unavailable: 503,
  store_damaged: 503,
  database_unavailable: 503,
  overloaded: 503,
  feed_filling: 503,
  insufficient_storage: 507,
  worker_failed: 500,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** One defect of a record, file or request: the field, its value, and the rule that it breaks. */
export interface Problem {
  /** The file that has the problem, where the error is about several files. */
  readonly file?: string;
  /** Path of the field, e.g. `authors[0].url`; empty where the problem is about the whole record. */
  readonly field: string;
  /** An excerpt of the value; absent where the field is missing. */
  readonly value?: string;
  readonly rule: string;
  /** Line in the file, from 1, where it is known. */
  readonly line?: number;
  readonly column?: number;
}

interface ErrorDetails {
  readonly problems?: readonly Problem[];
  /** The next step for the reader of the message. */
  readonly hint?: string | undefined;
  /** The file that has the problems. */
  readonly file?: string | undefined;
  /** The id of the article, as its record or its address names it. */
  readonly article?: string | undefined;
  /** Whole seconds before the next attempt. */
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/** The one class of errors whose message is for an operator, an editor or a client. */
export class PublisherError extends Error {
  readonly code: ErrorCode;
  /** At most `MAX_PROBLEMS`, and one that counts the others. */
  readonly problems: readonly Problem[];
  readonly hint: string | undefined;
  readonly file: string | undefined;
  readonly article: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PublisherError';
    this.code = code;
    this.problems = limited(details.problems ?? []);
    this.hint = details.hint;
    this.file = details.file;
    this.article = details.article;
    this.retryAfter = details.retryAfter;
  }

  /** The same error of an article. */
  about(article: string): PublisherError {
    const { code, message, problems, hint, file, retryAfter, cause } = this;
    return new PublisherError(code, message, { problems, hint, file, retryAfter, cause, article });
  }

  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

/** Whether an error means that the store is damaged. The service reports damage once: no other place logs it. */
export function isStoreDamage(error: unknown): boolean {
  return error instanceof PublisherError && error.code === 'store_damaged';
}

/** Problems in one error. A record can have the same unknown name half a million times. */
export const MAX_PROBLEMS = 100;

function limited(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= MAX_PROBLEMS + 1) return problems; // one more takes no more room than a count of it
  return [
    ...problems.slice(0, MAX_PROBLEMS),
    { field: '', rule: `and ${problems.length - MAX_PROBLEMS} problems more` },
  ];
}

/** A value for a message: on one line, and at most 120 characters. */
export function excerpt(value: unknown): string {
  const text = typeof value === 'string' ? value.slice(0, 1000) : jsonOf(value);
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 120
    ? `${line
        .slice(0, 119)
        .replace(/[\uD800-\uDBFF]$/, '')
        .toWellFormed()}…`
    : line;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'a value that contains itself';
  }
}

/** One line for each problem, in the form that compilers use; the message where there are no problems. */
export function describeProblems(error: PublisherError): string[] {
  if (error.problems.length === 0) return [error.file ? `${error.file}: ${error.message}` : error.message];
  return error.problems.map((problem) => describeProblem(problem, error.file));
}

/** `file:line:column: field: rule (value: …)` */
export function describeProblem({ field, value, rule, line, column, file: own }: Problem, file?: string): string {
  const location = [own ?? file, line, column].filter((part) => part !== undefined).join(':');
  const suffix = value === undefined ? '' : ` (value: ${value})`;
  return [location, field, `${rule}${suffix}`].filter((part) => part !== '').join(': ');
}
