import { join, resolve } from 'node:path';
import type { StorageSettings } from '../../config/storage-options.ts';
import { PublisherError } from '../../errors.ts';
import { folderTarget } from './folder-target.ts';
import { isS3Address, parseS3Address } from './s3-address.ts';
import type { SiteTarget } from './site-target.ts';

/** A static site that this program writes. Plain values alone. */
export interface SiteSettings {
  /** A folder, or `s3://bucket/prefix`. */
  readonly site: string;
  /** Missing where no key for storage is set. */
  readonly storage?: StorageSettings | undefined;
}

/**
 * Names a static site, without a secret: `site:/srv/site` or `s3://bucket/prefix/`.
 *
 * @throws PublisherError `usage` for an address of storage that is not valid, or if there is no key for the storage
 */
export function siteId({ site, storage }: SiteSettings): string {
  if (!isS3Address(site)) return `site:${resolve(site)}`;
  const { bucket, prefix } = parseS3Address(site);
  if (storage === undefined) throw noKey();
  return `s3://${bucket}/${prefix}`;
}

/**
 * Returns the target of a static site. Nothing is read or written yet. The client of storage is loaded only for storage.
 *
 * @param dataFolder has the lock of a site in storage
 * @throws PublisherError as `siteId`
 */
export async function siteTarget({ site, storage }: SiteSettings, dataFolder: string): Promise<SiteTarget> {
  if (!isS3Address(site)) return folderTarget(site);
  if (storage === undefined) throw noKey();
  const { s3Target } = await import('./s3-target.ts');
  return s3Target(site, { ...storage, lockFolder: join(dataFolder, 'store', 'site') });
}

function noKey(): PublisherError {
  return new PublisherError('usage', 'For --site s3://…, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.', {
    hint: 'Run with --help to see commands and options.',
  });
}
