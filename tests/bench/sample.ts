import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Article, parseArticle } from '../../src/article.ts';
import { loadPublication } from '../../src/config.ts';
import { filesBelow } from '../../src/files.ts';
import { holdsArticle, readArticleFile } from '../../src/import/file.ts';
import { mediaIn } from '../../src/media.ts';

export const SAMPLE = join(import.meta.dirname, '../../data');

/** The articles of the sample newsroom. */
export async function sampleArticles(): Promise<Article[]> {
  const newsroom = { ...loadPublication(SAMPLE), media: mediaIn(join(SAMPLE, 'media')) };
  const paths = (await filesBelow(join(SAMPLE, 'articles'))).filter(holdsArticle);
  return Promise.all(
    paths.map(async (path) => {
      const bytes = await readFile(join(SAMPLE, 'articles', path));
      return parseArticle(readArticleFile(bytes, path).record, newsroom);
    }),
  );
}
