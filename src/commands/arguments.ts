import { PublisherError } from '../errors.ts';

/** A command line that cannot be meant. */
export function usage(message: string): PublisherError {
  return new PublisherError('usage', message, { hint: 'Run with --help to see what there is.' });
}
