import { hash } from 'node:crypto';
import type { RequestHandler } from 'express';
import { type SiteFile, siteFile } from '../document/site-file.ts';
import type { Instant } from '../lib/instant.ts';
import type { JsonSchema } from '../lib/json-schema.ts';
import { respondWithFile } from './site-files.ts';

/** The schemas for editors. A start does not need them: they are made for the first request. */
const SCHEMAS: Readonly<Record<'record' | 'publication' | 'partner', () => Promise<JsonSchema>>> = {
  record: async () => (await import('../article/record-schema.ts')).recordFileSchema(),
  publication: async () => (await import('../config/publication-schema.ts')).publicationFileSchema(),
  partner: async () => (await import('../config/partner-schema.ts')).partnerFileSchema(),
};

/** Seconds for which a copy may be kept. A schema changes with the version of the service alone. */
const MAX_AGE = 3600;

/** Serves a JSON Schema: to an editor, or to a web page that has one. */
export function schemaHandler(
  name: keyof typeof SCHEMAS,
  { now }: { readonly now: () => Instant },
): RequestHandler<{ path: string[] }> {
  let file: Promise<SiteFile> | undefined;
  return async (request, response) => {
    file ??= make();
    await respondWithFile(request, response, await file, { maxAge: MAX_AGE, now: now() });
  };

  async function make(): Promise<SiteFile> {
    const bytes = Buffer.from(schemaText(await SCHEMAS[name]()));
    return siteFile({ type: 'application/schema+json', bytes }, hash('sha256', bytes, 'base64url'));
  }
}

/** The text of a schema, as it is served and as it stands in the folder `schema/`. */
export function schemaText(schema: JsonSchema): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}
