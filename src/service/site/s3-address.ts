import { PublisherError } from '../../errors.ts';

/** Whether a target is storage for objects, and not a folder. */
export function isS3Address(site: string): boolean {
  return /^s3:/i.test(site);
}

/**
 * Parses `s3://bucket/prefix`. The prefix ends in a slash, or is empty.
 *
 * @throws PublisherError `usage` for another address
 */
export function parseS3Address(site: string): { readonly bucket: string; readonly prefix: string } {
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/i.exec(site) ?? [];
  const prefix = path.replace(/\/+$/, '');
  if (bucket === undefined || prefix.split('/').some((part) => part === '..' || part === '.')) {
    throw new PublisherError('usage', `--site must be a folder or s3://BUCKET/PREFIX, not “${site}”.`, {
      hint: 'Run with --help to see commands and options.',
    });
  }
  return { bucket: bucket.toLowerCase(), prefix: prefix === '' ? '' : `${prefix}/` };
}
