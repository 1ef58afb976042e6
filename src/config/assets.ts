import { z } from 'zod';
import { webUrl } from '../lib/url.ts';

/** A base that stands for the service's address while that is not known. */
export const ANY_BASE = 'https://service.invalid/';

/** The address of a picture. Any base shows whether it is valid; the actual one is known once publication.yaml is parsed. */
export const asset = z
  .string({ error: 'must be an address' })
  .refine((address) => assetUrl(address, ANY_BASE) !== undefined, { error: 'must be an http or https address' })
  .meta({ format: 'iri-reference', pattern: '\\S' });

/** Resolves `/media/…` below the service's address, which may have a path. */
export function assetUrl(address: string, base: string): string | undefined {
  return webUrl(/^\/[^/]/.test(address) ? address.slice(1) : address, base);
}
