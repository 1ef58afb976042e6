import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Article, parseArticle } from '../../src/article/article.ts';
import { loadPublication } from '../../src/config/publication.ts';
import { isArticleFile, readArticleFile } from '../../src/ingest/import/file.ts';
import { filesBelow } from '../../src/ingest/import/list-files.ts';

export const SAMPLE = join(import.meta.dirname, '../../data');

/** Its feed of full-text entries that is measured. */
export const PATH = '/feeds/latest.rss';

/** A record with its id, and the file it came from. */
export interface SampleRecord {
  readonly path: string;
  readonly record: Readonly<Record<string, unknown>>;
}

/** The records of the sample newsroom, as its files hold them. */
export async function sampleRecords(): Promise<SampleRecord[]> {
  const paths = (await filesBelow(join(SAMPLE, 'articles'))).filter(isArticleFile);
  return Promise.all(
    paths.map(async (path) => {
      const { record } = readArticleFile(await readFile(join(SAMPLE, 'articles', path)), path);
      return { path, record: record as SampleRecord['record'] };
    }),
  );
}

/** The articles of the sample newsroom. */
export async function sampleArticles(): Promise<Article[]> {
  const newsroom = { ...loadPublication(SAMPLE), mediaFolder: join(SAMPLE, 'media') };
  return (await sampleRecords()).map(({ record }) => parseArticle(record, newsroom));
}

/** A copy of the sample newsroom that may be changed, without its store and without some of its files. */
export async function copySample(folder: string, without: readonly string[] = []): Promise<string> {
  const left = new Set(['store', ...without.map((path) => join('articles', path))].map((path) => join(SAMPLE, path)));
  await cp(SAMPLE, folder, { recursive: true, filter: (source) => !left.has(source) });
  return folder;
}
