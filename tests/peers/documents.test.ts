import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder, PUBLICATION, type Running, record, serving } from '../helpers.ts';
import { jsonFeedProblems } from './jsonfeed.ts';
import { publishedFeed, type SampleFeed, sampleFeeds, startSample } from './newsroom.ts';
import { peerTest } from './programs.ts';
import { xmllint } from './xmllint.ts';

/** Pages of the history of `startHistory`, the newest first, and the current document before them. */
const HISTORY = ['latest', 'latest/archive/3', 'latest/archive/2', 'latest/archive/1'];

let service: Running;
let history: Running;
let feeds: readonly SampleFeed[];
beforeAll(async () => {
  service = await startSample();
  history = await startHistory();
  feeds = await sampleFeeds();
});
afterAll(() => Promise.all([service.close(), history.close()]));

/** Ten stories in documents of three, with terms. */
async function startHistory(): Promise<Running> {
  const stories = Array.from({ length: 10 }, (_, number): [string, string] => {
    const publishedAt = new Date(Date.UTC(2026, 10, 1 + number)).toISOString();
    return [`articles/${number}.json`, JSON.stringify(record({ id: `s${number}`, url: `/s${number}`, publishedAt }))];
  });
  const folder = await makeFolder({
    'publication.yaml': `${PUBLICATION}entries: 3
license: https://creativecommons.org/licenses/by/4.0/
terms: { search: yes, aiTraining: ask, dataMining: ask, contact: { email: licences@news.example } }
`,
    ...Object.fromEntries(stories),
  });
  return serving(folder, { storeFile: ':memory:' });
}

for (const format of ['rss', 'atom'] as const) {
  peerTest(
    'xmllint',
    `libxml2 finds every ${format} document of the sample, and of a history, well-formed`,
    async () => {
      const texts: string[] = [];
      for (const [port, keys] of [
        [service.port, feeds.map(({ key }) => key)],
        [history.port, HISTORY],
      ] as const) {
        for (const key of keys) texts.push((await publishedFeed(port, key, format)).text);
      }
      expect(texts.length).toBe(feeds.length + HISTORY.length);
      await expect(xmllint(texts)).resolves.toBeUndefined();
      await expect(xmllint([...texts, '<a>&b;</a>'])).rejects.toThrow(`${texts.length}.xml:1: parser error`);
    },
  );
}

test('every JSON document of the sample, and of a history, keeps to JSON Feed 1.1', async () => {
  for (const { key } of feeds) {
    const { text } = await publishedFeed(service.port, key, 'json');
    expect(jsonFeedProblems(text), key).toEqual([]);
  }
  for (const key of HISTORY) {
    const { text } = await publishedFeed(history.port, key, 'json');
    expect(jsonFeedProblems(text), key).toEqual([]);
  }
});
