import { describe, expect, test } from 'vitest';
import { ask, record } from '../helpers.ts';
import { NOW, startApi } from './api.ts';

const { id: _, ...STORY } = record({ body: '<p>Ours.</p><p hidden>An advertisement</p>' });
const HIDDEN = { kind: 'hidden_text_removed', field: 'body', value: 'An advertisement', count: 1 };

describe('an answer to a change', () => {
  test('says until when the story is embargoed, and in which feeds it will be', async () => {
    const { put } = await startApi();
    const fields = { embargoUntil: '2026-11-23T06:00:00Z', sections: ['World'], tags: ['Rivers'] };
    const { text } = await put('/a', { body: { ...STORY, ...fields } });

    expect(JSON.parse(text)).toMatchObject({
      status: 'embargoed',
      until: '2026-11-23T06:00:00Z',
      publishedAt: '2026-11-23T06:00:00Z',
      feeds: ['latest', 'section/world', 'tag/rivers', 'language/en'],
    });
  });

  test('has a warning where another article has the address, until that article is withdrawn', async () => {
    const { put, post, remove } = await startApi();
    const warningsIn = (text: string) => JSON.parse(text).warnings.map(({ field }: { field: string }) => field);
    await put('/a', { body: STORY });
    const answers = [
      await put('/b?dry-run', { body: STORY }),
      await put('/b', { body: STORY }),
      await put('/b', { body: STORY }),
    ];
    const bulk = await post('', { body: JSON.stringify({ id: 'c', ...STORY }) });
    await remove('/a');
    await remove('/b');
    const alone = await put('/c', { body: STORY });

    expect(answers.map(({ text }) => warningsIn(text))).toEqual([['url'], ['url'], ['url']]);
    expect(answers[0]?.text).toContain('is the address of the article “a” as well');
    expect([warningsIn(bulk.text.split('\n')[0] ?? ''), warningsIn(alone.text)]).toEqual([['url'], []]);
  });

  test('has the adjustments, also where nothing changed, in PUT and in each bulk line', async () => {
    const { put, post } = await startApi();
    const first = await put('/a', { body: STORY });
    const again = await put('/a', { body: STORY });
    const bulk = await post('', {
      body: `${JSON.stringify({ id: 'b', ...STORY, url: '/b' })}\n${JSON.stringify(record())}`,
    });
    const [line, plain, last] = bulk.text
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));

    for (const { text } of [first, again]) expect(JSON.parse(text).adjustments).toMatchObject([HIDDEN]);
    expect([line.adjustments, plain.adjustments]).toMatchObject([[HIDDEN], []]);
    expect(last).toEqual({ totals: { created: 1, updated: 1, unchanged: 0, refused: 0, adjusted: 1, warned: 0 } });
  });

  test('keeps the public id that readers know, whatever the record names', async () => {
    const { put } = await startApi();
    await put('/a', { body: { ...STORY, publicId: 'from-before' } });

    expect(JSON.parse((await put('/a', { body: STORY })).text).publicId).toBe('from-before');
  });
});

describe('a warning', () => {
  const warningsOf = async (
    fields: Readonly<Record<string, unknown>>,
    files: Readonly<Record<string, string>> = {},
  ) => {
    const { put, lines } = await startApi(files);
    const { status, text } = await put('/a', { body: { ...record(fields), id: 'a' } });
    expect(status).toBe(201);
    return { warnings: JSON.parse(text).warnings, lines };
  };

  test.each([
    ['the picture', { image: { url: '/media/no.jpg' } }, 'image.url'],
    ['a sound', { media: [{ url: '/media/no.mp3', type: 'audio/mpeg' }] }, 'media[0].url'],
    ['a picture in the body', { body: '<p><img src="/media/no.jpg" alt=""> a</p>' }, 'body'],
    [
      'a picture in a set',
      { body: '<p><img src="https://x.example/a.jpg" srcset="/media/no.jpg 2x" alt=""></p>' },
      'body',
    ],
    [
      'a picture under the address of the service',
      { body: '<img src="https://feeds.news.example/media/a%20b.jpg">' },
      'body',
    ],
    ['an avatar', { authors: [{ name: 'Desk', avatar: '/media/no.png' }] }, 'authors[0].avatar'],
  ])('names %s that media/ does not have', async (_, fields, field) => {
    const { warnings, lines } = await warningsOf(fields);

    expect(warnings).toMatchObject([{ field, rule: expect.stringContaining('media/ does not have') }]);
    expect(lines.join('\n')).toContain('is published with warnings');
  });

  test.each([
    ['xx-YY', 1],
    ['english', 1],
    ['German', 1],
    ['ckb', 0],
    ['kmr-Latn', 0],
    ['pt-BR', 0],
  ])('is given for a language tag that is not registered: %s', async (language, count) => {
    const { warnings } = await warningsOf({ language });

    expect(warnings).toHaveLength(count);
    if (count > 0) expect(warnings).toMatchObject([{ field: 'language' }]);
  });

  test('is not given for a file that is there, or for a picture of another host', async () => {
    const fields = { body: '<img src="/media/yes.txt"><img src="https://x.example/media/no.jpg">' };

    expect((await warningsOf(fields, { 'media/yes.txt': 'a' })).warnings).toEqual([]);
  });

  test.each([
    ['more than a day ahead', '2026-11-23T12:00:01Z', {}, ['publishedAt']],
    ['a day ahead', '2026-11-23T12:00:00Z', {}, []],
    ['decades ahead under embargo', '2062-01-01T00:00:00Z', { embargoUntil: '2062-01-01T00:00:00Z' }, []],
  ])('is given for a date that is ahead without an embargo: %s', async (_, publishedAt, fields, expected) => {
    const { warnings } = await warningsOf({ publishedAt, ...fields });

    expect(warnings.map(({ field }: { field: string }) => field)).toEqual(expected);
  });
});

describe('a dry run', () => {
  test('answers the cleaned story with its adjustments, and keeps nothing', async () => {
    const { port, put, get } = await startApi();
    const fields = { title: ' A  title ', authors: [{ name: 'Desk' }], updatedAt: '2026-11-21T10:00:00Z' };
    const dry = await put('/a?dry-run', { body: { ...STORY, ...fields } });
    const { article, ...answer } = JSON.parse(dry.text);

    expect([dry.status, dry.headers.etag, dry.headers.location]).toEqual([200, undefined, undefined]);
    expect(answer).toMatchObject({
      dryRun: true,
      id: 'a',
      result: 'created',
      status: 'visible',
      adjustments: [HIDDEN],
    });
    expect(article).toMatchObject({
      title: 'A title',
      html: '<p>Ours.</p>',
      publishedAt: '2026-11-20T10:00:00Z',
      updatedAt: '2026-11-21T10:00:00Z',
      authors: [{ name: 'Desk', slug: 'desk' }],
    });
    expect((await get('/a')).status).toBe(404);
    expect(JSON.parse((await ask(port, '/feeds/latest.json')).text).items).toEqual([]);
  });

  test('answers what a correction would do, and refuses what would be refused', async () => {
    const { put, get } = await startApi();
    await put('/a', { body: STORY });
    const corrected = await put('/a?dry-run=true', { body: { ...STORY, title: 'Corrected' } });
    const same = await put('/a?dry-run', { body: STORY });
    const failed = await put('/a?dry-run', { body: STORY, headers: { 'If-None-Match': '*' } });
    const refused = await put('/a?dry-run', { body: { ...STORY, title: '' } });
    const moved = await put('/a?dry-run', { body: { ...STORY, publishedAt: '2026-11-01T00:00:00Z' } });
    const real = await put('/a?dry-run=false', { body: { ...STORY, title: 'Real' } });

    expect([corrected, same].map(({ text }) => JSON.parse(text).result)).toEqual(['updated', 'unchanged']);
    expect([failed.status, refused.status, moved.status]).toEqual([412, 422, 409]);
    expect(JSON.parse(real.text)).toMatchObject({ result: 'updated', revision: 2 });
    expect(JSON.parse((await get('/a')).text).record.title).toBe('Real');
  });

  test('is a switch', async () => {
    const { put } = await startApi();
    const { status, text } = await put('/a?dry-run=perhaps', { body: STORY });

    expect([status, JSON.parse(text).problems]).toEqual([
      400,
      [{ field: 'dry-run', value: 'perhaps', rule: 'must be true or false, or have no value' }],
    ]);
  });
});

test('the time of an answer decides its status', async () => {
  const clock = { now: NOW };
  const { put } = await startApi({}, { now: () => clock.now });
  const fields = { embargoUntil: '2026-11-22T12:00:10Z' };
  const before = await put('/a', { body: { ...STORY, ...fields } });
  clock.now += 10_000;
  const after = await put('/a', { body: { ...STORY, ...fields } });

  expect([before, after].map(({ text }) => JSON.parse(text).status)).toEqual(['embargoed', 'visible']);
});
