/** The module of RSS for licences of Creative Commons. */
export const CREATIVE_COMMONS_MODULE = 'http://backend.userland.com/creativeCommonsRssModule';

export interface CreativeCommons {
  /** As `CC BY-NC 4.0`; undefined for what is in the public domain. */
  readonly name?: string;
  readonly needsCredit: boolean;
}

/** The Creative Commons licence with an address; undefined for any other. */
export function creativeCommons(url: string): CreativeCommons | undefined {
  const [, kind, version] = /^https?:\/\/creativecommons\.org\/licenses\/([a-z-]+)\/(\d\.\d)\b/.exec(url) ?? [];
  if (kind !== undefined) return { name: `CC ${kind.toUpperCase()} ${version}`, needsCredit: true };
  return /^https?:\/\/creativecommons\.org\/publicdomain\//.test(url) ? { needsCredit: false } : undefined;
}
