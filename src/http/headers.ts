/** What every public answer says: any web page may read it, and nobody may guess its type. */
export const FOR_ALL = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'ETag, Link, Content-Length',
  'X-Content-Type-Options': 'nosniff',
} as const;

/** What every answer to the newsroom says: it is for this client alone. */
export const FOR_NEWSROOM = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } as const;
