import { PublisherError } from '../errors.ts';

/** A command line that cannot be meant. */
export function usage(message: string): PublisherError {
  return new PublisherError('usage', message, { hint: 'Run with --help to see what there is.' });
}

/** A file that a command should write and cannot. */
export function unwritable(file: string, cause: unknown): PublisherError {
  const hint = cause instanceof Error ? cause.message : String(cause);
  return new PublisherError('unwritable_output', `${file} cannot be written.`, { hint, cause });
}

/** The service's public address from the command line or the environment; undefined where it is not given. */
export function publicUrl(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href;
  throw usage(`The public address must be an http or https address, not “${text}”.`);
}
