import { createReadStream, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseArticle } from '../../../src/article/article.ts';
import type { SourceRecord } from '../../../src/ingest/import/source-record.ts';
import { isWordpress, wordpressRecords } from '../../../src/ingest/import/wordpress.ts';
import { newsroom } from '../../helpers.ts';

const EXPORT = fileURLToPath(import.meta.resolve('./fixtures/wordpress-1.2.xml'));

/** The stories of an export, without the names of its elements, and the reasons for the items that are none. */
async function readAll(open: () => AsyncIterable<Uint8Array>) {
  const stories: Omit<SourceRecord, 'elements'>[] = [];
  const skipped: string[] = [];
  for await (const { elements: _, ...story } of wordpressRecords(open, (reason) => skipped.push(reason)))
    stories.push(story);
  return { stories, skipped };
}

function opener(document: string): () => AsyncIterable<Uint8Array> {
  return async function* () {
    yield Buffer.from(document);
  };
}

function exported(items: string): string {
  return `<rss xmlns:wp="http://wordpress.org/export/1.0/" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>${items}</channel></rss>`;
}

async function bodyOf(content: string): Promise<unknown> {
  const item = `<item><wp:status>publish</wp:status><content:encoded><![CDATA[${content}]]></content:encoded></item>`;
  const { stories } = await readAll(opener(exported(item)));
  return stories[0]?.record.body;
}

test('reads published posts and gives the reason for each skipped item', async () => {
  const { stories, skipped } = await readAll(() => createReadStream(EXPORT, { highWaterMark: 100 }));
  expect(skipped.toSorted()).toEqual(['draft', 'of type attachment', 'of type page', 'private', 'with a password']);
  expect(stories).toEqual([
    {
      line: 13,
      record: {
        id: 'https://river.example/?post_type=post&p=7',
        url: 'https://river.example/2026/ferry/',
        title: 'Ferry & bridge',
        summary: 'In short.',
        body: [
          '<p>The last ferry[sic] sailed<br />\nat dawn.</p>\n',
          '<figure><a href="/x"><img src="/ferry.jpg" alt="Ferry" /></a><figcaption>The <em>last</em> ferry</figcaption></figure>',
          '<h2>Why</h2><blockquote><p>Nobody came.</p>\n<p>Nobody paid.</p>\n</blockquote>',
          '<p><a href="https://video.example/watch?v=1">https://video.example/watch?v=1</a></p>\n',
          '<figure><img src="https://river.example/wp-content/ferry.jpg" alt="A ferry"><figcaption>The ferry &amp; the quay</figcaption></figure>',
          '<p>[gallery] stays, kept and  go.]]></p>',
        ].join(''),
        publishedAt: '2026-11-22T07:46:00Z',
        updatedAt: '2026-11-23T07:46:00Z',
        language: 'en-GB',
        authors: [{ name: 'Nadia Rahim' }],
        sections: ['Transport & roads'],
        tags: ['Rivers'],
        image: {
          url: 'https://river.example/wp-content/ferry.jpg',
          alt: 'A ferry',
          caption: 'The ferry & the quay',
        },
        media: [{ url: 'https://cdn.example/ferry.mp3', type: 'audio/mpeg', length: 1234 }],
      },
    },
    {
      line: expect.any(Number),
      record: {
        id: 'https://river.example/?p=8',
        url: 'https://river.example/?p=8',
        title: 'Tomorrow',
        body: '<p>Blocks.</p>\n\n\n<figure class="wp-block-embed"><div class="wp-block-embed__wrapper">\n<a href="https://video.example/2">https://video.example/2</a>\n</div></figure>',
        publishedAt: '2099-11-21T07:46:00Z',
        language: 'en-GB',
        authors: [{ name: 'guest' }],
      },
    },
  ]);
  for (const { record } of stories) expect(parseArticle(record, newsroom).id).toBe(record.id);
});

describe('bodies', () => {
  test.each([
    ['blank lines separate paragraphs', 'One\n\n \nTwo\r\nthree', '<p>One</p>\n<p>Two<br />\nthree</p>'],
    ['text within blocks stays', '<ul>\n<li>a\n\nb</li>\n</ul>', '<ul>\n<li>a\n\nb</li>\n</ul>'],
    ['code keeps its lines', '<pre>a\n\nb</pre>', '<pre>a\n\nb</pre>'],
    [
      'an address on its own is a link',
      'https://a.example/b',
      '<p><a href="https://a.example/b">https://a.example/b</a></p>',
    ],
    ['<!--more--> separates paragraphs', 'One<!--more-->Two', '<p>One</p>\n<p>Two</p>'],
    ['words in brackets stay', 'He said [it was] so [1].', '<p>He said [it was] so [1].</p>'],
    [
      'a player',
      '[audio mp3="https://a.example/b.mp3"][/audio]',
      '<p><audio controls src="https://a.example/b.mp3"></audio></p>',
    ],
    [
      'a caption as WordPress 3.3 wrote it',
      '[caption caption="A &amp; b"]<img src="a.jpg">[/caption]',
      '<figure><img src="a.jpg"><figcaption>A &amp; b</figcaption></figure>',
    ],
    ['shortcodes inside others', '[box a="1"]x [b c=2]y[/b] z[/box]', '<p>x y z</p>'],
    ['a closing tag alone', 'x[/b]', '<p>x[/b]</p>'],
    ['a gallery of missing pictures', 'x [gallery ids="1"]', '<p>x</p>'],
  ])('%s', async (_, content, expected) => {
    expect(await bodyOf(content)).toBe(expected);
  });

  test.each([
    ['shortcodes left open', `${'[a x=1]'.repeat(50_000)}x`],
    ['shortcodes opened and closed', `${'[a x=1]'.repeat(50_000)}${'[/a]'.repeat(50_000)}x`],
    ['captions within captions', `${'[caption]<img '.repeat(50_000)}${'[/caption]'.repeat(50_000)}`],
    ['one long attribute', `[a ${'x'.repeat(1_000_000)}]`],
    ['comments left open', '<!-- wp:a '.repeat(100_000)],
    ['quotes left open', '<blockquote>\n'.repeat(100_000)],
    ['list items left open', '<li>\n'.repeat(100_000)],
    ['blocks within blocks', `${'<div>\n'.repeat(50_000)}${'</div>\n'.repeat(50_000)}`],
    ['blank lines', `a${'\n'.repeat(4_000_000)}b`],
  ])('are rendered without delay for %s', async (_, content) => {
    expect(await bodyOf(content)).toBeTypeOf('string');
  });
});

describe('a story that shows a text of the export too often goes without the rest of it', () => {
  const long = 'x'.repeat(1_000_000);
  const attachment = (id: number, parent: number, caption = '', url = `https://a.example/${id}.jpg`) =>
    `<item><wp:post_type>attachment</wp:post_type><wp:post_id>${id}</wp:post_id><wp:post_parent>${parent}</wp:post_parent>` +
    `<wp:attachment_url>${url}</wp:attachment_url><excerpt:encoded>${caption}</excerpt:encoded></item>`;
  const story = (id: number, content: string, more = '') =>
    `<item><wp:status>publish</wp:status><wp:post_id>${id}</wp:post_id><guid>${id}</guid>${more}` +
    `<content:encoded><![CDATA[${content}]]></content:encoded></item>`;
  const notes =
    '<wp:postmeta><wp:meta_key>footnotes</wp:meta_key>' +
    `<wp:meta_value>[{"content":"${long}"}]</wp:meta_value></wp:postmeta>`;
  const shared = `<item><wp:post_type>wp_block</wp:post_type><wp:status>publish</wp:status><wp:post_id>100</wp:post_id><content:encoded>${long}</content:encoded></item>`;

  test.each([
    ['a picture', `[gallery ids="${'100,'.repeat(1000)}"] `.repeat(200), attachment(100, 0, long)],
    [
      'pictures of its own',
      '[gallery]'.repeat(200_000),
      Array.from({ length: 300 }, (_, id) => attachment(100 + id, 1)).join(''),
    ],
    ['footnotes', '<!-- wp:footnotes /-->'.repeat(2000), ''],
    [
      'a sound',
      `[playlist ids="${'100,'.repeat(1000)}"] `.repeat(200),
      attachment(100, 0, '', `https://a.example/${long}.mp3`),
    ],
    ['a shared block', '<!-- wp:block {"ref":100} /-->'.repeat(2000), shared],
    [
      'all of them',
      `<!-- wp:footnotes /-->[gallery ids="100"][playlist ids="100"]`.repeat(2000),
      attachment(100, 0, long),
    ],
  ])('%s', async (_, content, others) => {
    const document = exported(`${story(1, content, notes)}${story(2, 'Next')}${others}`);
    const warnings: string[] = [];
    const warning = ({ rule }: { readonly rule: string }) => void warnings.push(rule);
    const report = { warning, note: warning, unused: () => {} };
    const stories = await Array.fromAsync(wordpressRecords(opener(document), () => {}, undefined, report));
    expect(stories.map(({ record }) => record.id)).toEqual(['1', '2']);
    expect(String(stories[0]?.record.body).length).toBeLessThan(5_000_000);
    expect(stories[1]?.record.body).toBe('<p>Next</p>');
    expect(warnings).toEqual([expect.stringMatching(/^shows more than 4194304 characters .* is left out$/)]);
  });
});

test('WXR 1.0 repeats each category', async () => {
  const categories =
    '<category>Roads</category><category domain="category" nicename="roads">Roads</category>' +
    '<category domain="tag">Ferry</category><category domain="tag" nicename="ferry">Ferry</category>';
  const { stories } = await readAll(opener(exported(`<item><wp:status>publish</wp:status>${categories}</item>`)));
  expect(stories[0]?.record).toEqual({ sections: ['Roads'], tags: ['Ferry'] });
});

test('a post without a status is skipped', async () => {
  const { stories, skipped } = await readAll(opener(exported('<item><title>A</title></item>')));
  expect({ stories, skipped }).toEqual({ stories: [], skipped: ['without a status'] });
});

test('an item without its end tag ends where the next one begins', async () => {
  const item = '<item><wp:status>publish</wp:status><guid>a</guid><title>A</title></item>';
  const { stories } = await readAll(opener(exported(`${item}\n${item.slice(0, -7)}\n${item}`)));
  const record = { id: 'a', publicId: 'a', title: 'A', body: '<p>A</p>' };
  expect(stories).toEqual([1, 2, 3].map((line) => ({ record, line })));
});

test('an export that is cut off is refused after its complete stories', async () => {
  const item = '<item><wp:status>publish</wp:status><guid>a</guid><title>A</title></item>';
  const records = wordpressRecords(
    opener(exported(`${item}\n${item}`).slice(0, -'</item></channel></rss>'.length)),
    () => {},
  );
  expect((await records.next()).value).not.toHaveProperty('problems');
  expect((await records.next()).value).toMatchObject({
    problems: [
      { rule: 'must end with </item>: the document is cut off here, and further items may be missing', line: 2 },
    ],
  });
});

test('the beginning of an export distinguishes it from a feed', () => {
  expect(isWordpress(readFileSync(EXPORT, 'utf8').slice(0, 1000))).toBe(true);
  expect(
    isWordpress('<rss xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><item>"http://wordpress.org/export/1.2/"'),
  ).toBe(false);
});
