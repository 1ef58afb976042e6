import { hash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { REDIRECTS_FILE } from '../../config/redirects/recorded-redirects.ts';
import { INDEX } from '../../document/cache.ts';
import { createEncodedBody } from '../../document/encoded-body.ts';
import { feedList, publicFeeds } from '../../document/feed-list.ts';
import { digestOf } from '../../document/representation.ts';
import { createSharedRead } from '../../document/shared-read.ts';
import { type FilePlan, type MadeFile, type SiteFileName, siteFile, siteFilePath } from '../../document/site-file.ts';
import { createSitemaps, type SitemapName } from '../../document/sitemaps.ts';
import { LATEST } from '../../feed/feeds.ts';
import { MOST_ENTRIES, MOST_FILES } from '../../format/sitemap.ts';
import { schemaText } from '../../http/schemas.ts';
import type { Instant } from '../../lib/instant.ts';
import type { JsonSchema } from '../../lib/json-schema.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { assetsOf } from '../../pages/assets.ts';
import { defaultIcon } from '../../pages/icon.ts';
import type { ArticleBlock } from '../../store/store.ts';
import { robotsFile } from '../../terms/robots.ts';
import { termsFiles } from '../../terms/statements.ts';
import type { MadeDocument, PartWriter } from './part-writer.ts';
import { redirectLines, SITE_REDIRECTS } from './redirects-file.ts';
import { documentCaching, earliest, isCurrent, type SiteRun } from './site-run.ts';

/** The part of the manifest that has the page of all feeds, the list of feeds and the sitemaps. */
const SITE_PART = 'site';
/** The part that changes with the publication and the program alone. */
const FIXED_PART = 'fixed';

/** The address of such a file changes with its bytes. */
const FOR_EVER = 'public, max-age=31536000, immutable';
const FOR_AN_HOUR = 'public, max-age=3600';

/**
 * Writes what is about all feeds together.
 *
 * @param path the data folder
 */
export async function writeSitePart(run: SiteRun, path: string): Promise<void> {
  const { store, publication, at, revision, documentCache, writer, parts, throwIfStopped } = run;
  const before = parts.get(SITE_PART);
  const version = await redirectsVersion(path);
  if (before?.revision === revision && before.version === version && isCurrent(before, at)) return;
  throwIfStopped();
  const latest = await store.snapshot(LATEST, at, { limit: 1, tombstonesFor: 0 });
  const changedAt = Math.max(latest?.changedAt ?? 0, latest?.entries[0]?.publishedAt ?? 0, latest?.removedAt ?? 0);
  const caching = documentCaching(publication);
  const part = await writer.open(SITE_PART);
  const moments: (Instant | undefined)[] = [latest?.nextChangeAt];
  const index = publication.pages === undefined ? undefined : await documentCache.get(INDEX, 'html');
  if (index !== undefined) {
    const { document, body, etag } = index;
    moments.push(document.nextChangeAt);
    const type = 'text/html; charset=utf-8';
    await part.put({ path: 'index.html', type, caching, body, etag: etag('identity'), changedAt: document.changedAt });
  }
  const files: Record<string, string> = {};
  for await (const [name, plan] of plannedFiles(run)) {
    throwIfStopped();
    const file = siteFilePath(name);
    if (plan.version !== undefined) files[file] = plan.version;
    const isSame = plan.version !== undefined && before?.files?.[file] === plan.version;
    if (isSame && part.known.has(file)) part.keep(file);
    else moments.push(await putFile(part, { path: file, changedAt, caching }, await plan.make()));
  }
  const redirects = await redirectLines(run, path);
  if (redirects !== '') {
    await part.put(textFile(SITE_REDIRECTS, { type: 'text/plain', text: redirects, caching }));
  }
  await part.finish();
  parts.set(SITE_PART, omitUndefined({ revision, version, until: earliest(moments), files }));
}

/** Changes with redirects.txt, which operators edit. */
async function redirectsVersion(path: string): Promise<string> {
  const status = await stat(join(path, REDIRECTS_FILE)).catch(() => undefined);
  return status === undefined ? '' : `${status.ino} ${status.size} ${status.mtimeMs}`;
}

/** Returns when time alone changes the file next. */
async function putFile(
  part: PartWriter,
  { changedAt, ...rest }: Pick<MadeDocument, 'path' | 'caching' | 'changedAt'>,
  made: MadeFile,
): Promise<Instant | undefined> {
  const { body, etag } = siteFile(made, await digestOf(made));
  const isDated = made.nextChangeAt === undefined; // nobody knows when time changed the others last
  const type = `${made.type}; charset=utf-8`;
  await part.put({ ...rest, type, body, etag: etag('identity'), ...(isDated ? { changedAt } : {}) });
  return made.nextChangeAt;
}

/** The list of feeds and the sitemaps that there are. */
async function* plannedFiles({ store, publication, at }: SiteRun): AsyncGenerator<[SiteFileName, FilePlan]> {
  const feeds = createSharedRead(store, (moment) => publicFeeds({ store, publication }, moment));
  const blocks = createSharedRead(store, (moment) => store.articleBlocks(moment, MOST_ENTRIES));
  const sitemaps = createSitemaps({ store, publication, feeds, blocks });
  yield [{ kind: 'opml' }, { make: async () => feedList(await feeds.get(at), publication) }];
  const newestBlocks = (await blocks.get(at)).slice(-MOST_FILES);
  for (const name of [...newestBlocks.map(blockName), { kind: 'news' } as const]) {
    const plan = await sitemaps.plan(name, at);
    if (plan !== undefined) yield [name, plan];
  }
  for (const kind of ['feeds', 'news'] as const) {
    for (let number = 1; ; number += 1) {
      const plan = await sitemaps.plan({ kind, number }, at);
      if (plan === undefined) break;
      yield [{ kind, number }, plan];
    }
  }
  // Last: it names the others.
  const index: SitemapName = { kind: 'index' };
  const plan = await sitemaps.plan(index, at);
  if (plan !== undefined) yield [index, plan];
}

function blockName({ month, number }: ArticleBlock): SitemapName {
  return { kind: 'articles', month, number };
}

/** Writes what stays the same while the publication and the program are the same. */
export async function writeFixedPart(run: SiteRun): Promise<void> {
  const { publication, writer, parts } = run;
  if (parts.has(FIXED_PART)) return;
  const part = await writer.open(FIXED_PART);
  for (const document of await fixedDocuments(run)) await part.put(document);
  await part.finish();
  parts.set(FIXED_PART, {});

  async function fixedDocuments({ publication: { pages } }: SiteRun): Promise<MadeDocument[]> {
    const caching = documentCaching(publication);
    const { style, script } = assetsOf(publication);
    const assets = pages === undefined ? [] : [style, script];
    const texts = [...termsFiles(publication), robotsFile(publication)];
    return [
      ...assets.map(({ path, type, bytes }) => ({ path, type, caching: FOR_EVER, body: createEncodedBody(bytes) })),
      ...texts.map(({ path, type, text }) => textFile(path, { type, text, caching })),
      ...(await schemas()).map(([name, schema]) =>
        textFile(`schema/${name}.json`, {
          type: 'application/schema+json',
          text: schemaText(schema),
          caching: FOR_AN_HOUR,
        }),
      ),
      ...(hasOwnIcon(run) ? [] : [icon(run)]),
    ];
  }
}

function textFile(
  path: string,
  { type, text, caching }: { readonly type: string; readonly text: string; readonly caching: string },
): MadeDocument {
  const bytes = Buffer.from(text);
  const { body, etag } = siteFile({ type, bytes }, hash('sha256', bytes, 'base64url'));
  return { path, type: `${type}; charset=utf-8`, caching, body, etag: etag('identity') };
}

async function schemas(): Promise<[name: string, schema: JsonSchema][]> {
  const [record, publication, partner] = await Promise.all([
    import('../../article/record-schema.ts'),
    import('../../config/publication-schema.ts'),
    import('../../config/partner-schema.ts'),
  ]);
  return [
    ['record', record.recordFileSchema()],
    ['publication', publication.publicationFileSchema()],
    ['partner', partner.partnerFileSchema()],
  ];
}

/** Where the publication names an icon, pages load it from there. */
function hasOwnIcon({ publication: { favicon, icon: own } }: SiteRun): boolean {
  return (favicon ?? own) !== undefined;
}

function icon({ publication }: SiteRun): MadeDocument {
  const bytes = defaultIcon(publication);
  const type = 'image/vnd.microsoft.icon';
  const { body, etag } = siteFile({ type, bytes }, hash('sha256', bytes, 'base64url'));
  return { path: 'favicon.ico', type, caching: documentCaching(publication), body, etag: etag('identity') };
}
