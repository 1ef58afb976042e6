import { omitUndefined } from '../lib/omit-undefined.ts';
import type { Terms } from './terms.ts';

interface LicenseLink {
  readonly rel: 'license';
  readonly href: string;
  readonly title?: string;
}

/** The link to the licence that people read: of an Atom feed (RFC 4946), an RSS channel and a page. */
export function licenseLink({
  license,
  terms,
}: {
  readonly license?: string;
  readonly terms?: Terms;
}): LicenseLink | undefined {
  if (license === undefined) return undefined;
  return omitUndefined({ rel: 'license' as const, href: license, title: terms?.license?.name });
}
