import { createConfig, lintFromString } from '@redocly/openapi-core';
import type { AxiosInstance } from 'axios';
import { OpenAPIClientAxios, type UnknownOperationMethod } from 'openapi-client-axios';
import { beforeEach, expect, test } from 'vitest';
import { ask, record } from '../helpers.ts';
import { type Api, startApi } from './api.ts';

/** Programs that know the API from its description alone: a linter, and a client that is generated from it. */

let api: Api;

beforeEach(async () => {
  api = await startApi({}, { version: '1.2.3' });
});

/** A description that the linter has something to say of. */
const WITHOUT_NAMES = {
  openapi: '3.1.0',
  info: { title: 'An API', version: '1' },
  paths: { '/a': { get: { summary: 'A', responses: { 200: { description: 'A' } } } } },
};

test('a public linter has nothing to say by its recommended rules', async () => {
  const { text: source } = await ask(api.port, '/api/openapi.json');
  const config = await createConfig({ extends: ['recommended'] });
  const lint = async (text: string) =>
    (await lintFromString({ source: text, config })).map(({ severity, ruleId }) => `${severity} ${ruleId}`);

  expect(await lint(source)).toEqual([]);
  expect(await lint(JSON.stringify(WITHOUT_NAMES))).toContain('warn operation-operationId');
});

test('a generated client publishes, corrects, rehearses, reads, lists, withdraws and erases a story', async () => {
  const client = await generatedClient();
  const at = { id: '2026/bridge' };
  const story = record({ id: undefined, title: 'Bridge reopens', sections: ['Harbour'] });

  const created = await client.publishArticle(at, story);
  expect([created.status, created.data.result, created.data.status]).toEqual([201, 'created', 'visible']);
  expect(created.data.feeds).toContain('section/harbour');

  const { etag } = created.headers;
  const rehearsed = await client.publishArticle({ ...at, 'dry-run': 'true' }, { ...story, title: 'Not yet' });
  expect([rehearsed.status, rehearsed.data.result, rehearsed.data.dryRun]).toEqual([200, 'updated', true]);
  expect(rehearsed.data.article.title).toBe('Not yet');

  const corrected = await client.publishArticle({ ...at, 'If-Match': etag }, { ...story, title: 'Bridge is open' });
  expect([corrected.status, corrected.data.result]).toEqual([200, 'updated']);
  const late = await client.publishArticle({ ...at, 'If-Match': etag }, story);
  expect([late.status, late.data.code]).toEqual([412, 'precondition_failed']);
  const refused = await client.publishArticle(at, { ...story, title: '' });
  expect([refused.status, refused.data.problems]).toEqual([422, [expect.objectContaining({ field: 'title' })]]);

  const read = await client.getArticle(at);
  expect([read.data.id, read.data.record.title, read.headers.etag]).toEqual([
    '2026/bridge',
    'Bridge is open',
    corrected.headers.etag,
  ]);
  const { data: memberships } = await client.listFeedsOfArticle(at);
  expect(memberships.feeds).toContainEqual({ feed: 'latest', included: true, position: 1 });
  expect((await ask(api.port, '/feeds/section/harbour.json')).text).toContain('Bridge is open');

  const lines = [record({ id: 'ferry' }), record({ id: 'piano', title: '' })].map((line) => JSON.stringify(line));
  const bulk = await client.publishArticles({}, lines.join('\n'), {
    headers: { 'Content-Type': 'application/x-ndjson' },
  });
  const results = String(bulk.data).trimEnd().split('\n');
  expect(results.map((line) => JSON.parse(line).result)).toEqual(['created', 'refused', undefined]);

  const withdrawn = await client.withdrawArticle({ ...at, reason: 'Wrong bridge' });
  expect([withdrawn.status, withdrawn.data.result, withdrawn.data.status]).toEqual([200, 'withdrawn', 'withdrawn']);
  const { data: page } = await client.listArticles({ status: 'withdrawn', limit: 10 });
  expect(page.articles).toEqual([
    expect.objectContaining({ id: '2026/bridge', withdrawn: { at: expect.any(String), reason: 'Wrong bridge' } }),
  ]);
  expect((await ask(api.port, '/feeds/section/harbour.json')).text).not.toContain('Bridge is open');

  const { data: changes } = await client.getArticleHistory(at);
  expect(changes.history.map(({ what }: { what: string }) => what)).toEqual(['published', 'corrected', 'withdrawn']);
  const { data: feeds } = await client.listFeeds({ kind: 'language' });
  expect(feeds.feeds).toEqual([expect.objectContaining({ feed: 'language/en', articles: 1 })]);
  const { data: problems } = await client.listProblems();
  expect(problems.problems).toEqual([expect.objectContaining({ article: 'piano', code: 'invalid_article' })]);

  const erased = await client.withdrawArticle({ ...at, erase: 'true' });
  expect([erased.status, erased.data.result]).toEqual([200, 'erased']);
  const again = await client.publishArticle(at, story);
  expect([again.status, again.data.code]).toEqual([409, 'erased_article']);
});

type OperationName =
  | 'publishArticle'
  | 'publishArticles'
  | 'getArticle'
  | 'listArticles'
  | 'listFeedsOfArticle'
  | 'getArticleHistory'
  | 'listFeeds'
  | 'listProblems'
  | 'withdrawArticle';
type Client = AxiosInstance & Readonly<Record<OperationName, UnknownOperationMethod>>;

/** A client whose operations come from the description that the service serves. */
async function generatedClient(): Promise<Client> {
  const url = `http://127.0.0.1:${api.port}`;
  const generator = new OpenAPIClientAxios({
    definition: `${url}/api/openapi.json`,
    withServer: { url },
    axiosConfigDefaults: {
      adapter: 'http',
      proxy: false,
      headers: { Authorization: `Bearer ${api.key}` },
      validateStatus: () => true,
    },
  });
  return generator.init<Client>();
}
