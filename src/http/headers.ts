/** Headers of every public answer: any web page may read it, and no client may guess its type. */
export const FOR_ALL = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'ETag, IM, Last-Modified, Link, Retry-After, Content-Length',
  'X-Content-Type-Options': 'nosniff',
} as const;

/**
 * Headers of every answer to a partner: no web page of others may read it, and no site learns the address, which may have a
 * key in it, from a link that somebody follows.
 */
export const FOR_PARTNERS = { 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' } as const;

/** Headers of every answer to the newsroom: no cache may keep it. */
export const FOR_NEWSROOM = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } as const;
