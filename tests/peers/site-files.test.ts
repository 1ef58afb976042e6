import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { ask, type Running } from '../helpers.ts';
import { type SampleFeed, sampleFeeds, startSample } from './newsroom.ts';
import { temporaryFolder } from './processes.ts';
import { peerTest, requireProgram, run } from './programs.ts';
import { xmllint } from './xmllint.ts';

let service: Running;
let feeds: readonly SampleFeed[];
beforeAll(async () => {
  service = await startSample();
  feeds = await sampleFeeds();
});
afterAll(() => service.close());

const textOf = async (path: string) => (await ask(service.port, path)).text;

peerTest('newsboat', 'newsboat imports every feed of the sample from /feeds.opml', async () => {
  const folder = await temporaryFolder('newsboat');
  try {
    const file = (name: string) => join(folder.path, name);
    await writeFile(file('feeds.opml'), await textOf('/feeds.opml'));
    await writeFile(file('urls'), '');
    await writeFile(file('config'), '');
    const args = ['-C', file('config'), '-u', file('urls'), '-c', file('cache.db'), '-i', file('feeds.opml')];
    const { stdout } = await run(await requireProgram('newsboat'), args, { env: { HOME: folder.path } });
    expect(stdout).toContain('finished');
    const imported = (await readFile(file('urls'), 'utf8')).trim().split('\n');
    const keys = imported.map((line) => decodeURIComponent(/\/feeds\/(.*)\.rss/.exec(line)?.[1] ?? line));
    expect(keys.toSorted()).toEqual(feeds.map(({ key }) => key).toSorted());
    expect(imported.find((line) => line.includes('/section/'))).toMatch(/ "Sections"$/);
  } finally {
    await folder.remove();
  }
});

peerTest('xmllint', 'libxml2 finds the list of feeds and all sitemaps of the sample well-formed', async () => {
  const index = await textOf('/sitemap.xml');
  const files = [...index.matchAll(/<loc>[^<]*(\/sitemap[^<]*)<\/loc>/g)].map(([, path = '']) => path);
  expect(files.length).toBeGreaterThan(2);
  const paths = ['/feeds.opml', '/sitemap.xml', '/news-sitemap.xml', ...files];
  await expect(xmllint(await Promise.all(paths.map(textOf)))).resolves.toBeUndefined();
});
