import { createHash } from 'node:crypto';
import { isUri } from '../lib/url.ts';

/**
 * A public id as a URI, which RFC 4287 §4.2.6 and ninjs require. An id from another system that is not a URI becomes its
 * name-based UUID.
 */
export function uriOf(publicId: string): string {
  return isUri(publicId) ? publicId : `urn:uuid:${nameBasedUuid(publicId, NAMESPACE)}`;
}

/** The namespace of these names, once chosen at random. It never changes: neither may the ids. */
const NAMESPACE = '5f0c7b0e-2d6a-4f0b-9c1e-8a3d7b64e215';

/** The UUID of a name in a namespace, version 5 (RFC 9562 §5.5). */
export function nameBasedUuid(name: string, namespace: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
