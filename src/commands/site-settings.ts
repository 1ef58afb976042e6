import type { ValuesOf } from '../config/option.ts';
import type { storageOptions } from '../config/storage-options.ts';
import type { SiteSettings } from '../service/site/open-target.ts';

/** Where a static site is, and the key that opens its storage. */
export function siteSettings(site: string, values: ValuesOf<typeof storageOptions>): SiteSettings {
  const { s3Endpoint: endpoint, s3Region: region, s3KeyId: keyId, s3Secret: secret, s3Token: token } = values;
  if (keyId === undefined || secret === undefined) return { site };
  return { site, storage: { endpoint, region, keyId, secret, token } };
}
