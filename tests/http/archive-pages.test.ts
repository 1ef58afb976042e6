import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, makeFolder, PUBLICATION, record, serving } from '../helpers.ts';
import { NOW, SECOND } from './api.ts';

const DAY = 24 * 60 * 60 * SECOND;
const YAML = `${PUBLICATION}entries: 30
timeZone: UTC
`;

/** Stories of one day each. Of 55, the first 25 are a page, and the others are in the current document. */
function files(count: number, language = 'en'): Record<string, string> {
  const stories = Array.from({ length: count }, (_, number) => {
    const publishedAt = new Date(NOW - (count - number) * DAY).toISOString();
    const fields = { id: `s${number}`, url: `/s${number}`, title: `Story ${number}`, language, publishedAt };
    return [`articles/s${number}.json`, JSON.stringify(record(fields))];
  });
  return { 'publication.yaml': YAML, ...Object.fromEntries(stories) };
}

const titlesIn = (text: string) =>
  [...text.matchAll(/<h2><a [^>]*>(?:<bdi[^>]*>)?Story (\d+)/g)].map(([, number]) => Number(number));
const pagerIn = (text: string) => /<nav class="pager" aria-label="(.*)">\n([\s\S]*?)<\/nav>/.exec(text)?.slice(1);
const downFrom = (first: number, count: number) => Array.from({ length: count }, (_, index) => first - index);

describe('a feed of 55 stories', () => {
  let port = 0;
  let close = async () => {};
  beforeAll(async () => {
    ({ port, close } = await serving(await makeFolder(files(55, 'ckb')), { now: () => NOW, storeFile: ':memory:' }));
  });
  afterAll(() => close());

  test('leads from its page through all stories to the first one, each on one page', async () => {
    const [feed, open, oldest] = await Promise.all(
      ['latest', 'latest/archive/2', 'latest/archive/1'].map(async (path) => (await ask(port, `/feeds/${path}`)).text),
    );
    expect(titlesIn(feed ?? '')).toEqual(downFrom(54, 20));
    expect(titlesIn(open ?? '')).toEqual(downFrom(34, 10));
    expect(titlesIn(oldest ?? '')).toEqual(downFrom(24, 25));
    expect(pagerIn(feed ?? '')).toEqual([
      'Archive',
      '<a rel="next" href="../feeds/latest/archive/2">Older stories <span aria-hidden="true">→</span></a>\n<span class="hush">23 October – 1 November 2026</span>\n',
    ]);
    expect(pagerIn(open ?? '')).toEqual([
      'Archive',
      '<a rel="next" href="../../../feeds/latest/archive/1">Older stories <span aria-hidden="true">→</span></a>\n<span class="hush">28 September – 22 October 2026</span>\n',
    ]);
    expect(pagerIn(oldest ?? '')).toEqual([
      'Archive',
      '<a rel="prev" href="../../../feeds/latest/archive/2"><span aria-hidden="true">←</span> Newer stories</a>\n<span class="hush">This is the first story of this feed.</span>\n',
    ]);
    expect(oldest?.match(/class="pager/g)).toHaveLength(1);
    expect(oldest).toContain(
      '<span class="over"><a href="../../../feeds/latest">Everything, as it appears</a></span> Archive',
    );
    expect(/<title>(.*)<\/title>/.exec(oldest ?? '')?.[1]).toBe(
      '28 September – 22 October 2026 · Everything, as it appears · The Test Post',
    );
  });

  test('leads on to the first page with a story that it does not show, where pages are small', async () => {
    const small = { ...files(45), 'publication.yaml': YAML.replace('30', '10') };
    const service = await serving(await makeFolder(small), { now: () => NOW, storeFile: ':memory:' });
    const { text } = await ask(service.port, '/feeds/latest');
    const stories: number[] = titlesIn(text);
    for (let next = /rel="next" href="\.\.\/([^"]+)"/.exec(text)?.[1]; next !== undefined; ) {
      const older = (await ask(service.port, `/${next}`)).text;
      stories.push(...titlesIn(older));
      next = /rel="next" href="(?:\.\.\/)+([^"]+)"/.exec(older)?.[1];
    }
    await service.close();

    expect(titlesIn(text)).toEqual(downFrom(44, 20));
    // Only the page that has stories on both sides repeats some.
    expect(stories).toEqual([...downFrom(44, 20), ...downFrom(29, 30)]);
  });

  test('speaks its language on every page', async () => {
    const { text } = await ask(port, '/feeds/language/ckb/archive/2');
    expect(text).toContain('<html lang="ckb" dir="rtl">');
    expect(pagerIn(text)?.[0]).toBe('ئەرشیف');
    expect(text).toContain(
      '<a rel="next" href="../../../../feeds/language/ckb/archive/1">بابەتە کۆنترەکان <span aria-hidden="true">←</span></a>',
    );
  });

  test('is answered as feeds are: tags, dates, codings and the policy', async () => {
    const { headers } = await ask(port, '/feeds/latest/archive/1');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['cache-control']).toMatch(/^public, max-age=/);
    const again = await ask(port, '/feeds/latest/archive/1', { headers: { 'If-None-Match': headers.etag } });
    expect(again.status).toBe(304);
  });
});

test('the page of a feed whose newest stories fill its archive page leads to that one', async () => {
  const service = await serving(await makeFolder(files(60)), { now: () => NOW, storeFile: ':memory:' });
  const page = await ask(service.port, '/feeds/latest');
  const open = await ask(service.port, '/feeds/latest/archive/3');
  await service.close();
  expect(pagerIn(page.text)?.[1]).toContain('href="../feeds/latest/archive/2"');
  expect([open.status, open.headers.location]).toEqual([307, '../../../feeds/latest']);
});
