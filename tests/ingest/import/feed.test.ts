import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseArticle } from '../../../src/article/article.ts';
import type { Problem } from '../../../src/errors.ts';
import { readDate } from '../../../src/ingest/import/dates.ts';
import { feedRecords } from '../../../src/ingest/import/feed.ts';
import { looseText } from '../../../src/ingest/import/loose-text.ts';
import { UnreadableRecord } from '../../../src/ingest/import/record.ts';
import type { SourceRecord } from '../../../src/ingest/import/source-record.ts';
import { rfc3339 } from '../../../src/lib/instant.ts';
import { newsroom, record } from '../../helpers.ts';

const URL = 'https://river.example/feed';

/** The stories of a feed, without the names of its elements. */
async function read(chunks: AsyncIterable<Uint8Array>): Promise<Omit<SourceRecord, 'elements'>[]> {
  const stories = await Array.fromAsync(feedRecords(chunks, { url: URL }));
  return stories.map(({ elements: _, ...story }) => story);
}

async function fixture(name: string) {
  return read(createReadStream(fileURLToPath(import.meta.resolve(`./fixtures/${name}`)), { highWaterMark: 100 }));
}

async function* bytes(document: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield typeof document === 'string' ? Buffer.from(document) : document;
}

/** The stories before the first error in a document, their problems and those of that error, and the warnings. */
async function readUntilError(document: string | Uint8Array) {
  const records: Record<string, unknown>[] = [];
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const warning = (problem: Problem) => void warnings.push(problem);
  const report = { warning, note: warning, unused: () => {} };
  try {
    for await (const { record, problems: own = [] } of feedRecords(bytes(document), { report })) {
      if (own.length === 0) records.push(record);
      problems.push(...own);
    }
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    problems.push(...error.problems);
  }
  return { records, problems, warnings };
}

async function rssItem(children: string): Promise<Record<string, unknown> | undefined> {
  const [item] = await read(bytes(`<rss><channel><item>${children}</item></channel></rss>`));
  return item?.record;
}

async function atomEntry(children: string): Promise<Record<string, unknown> | undefined> {
  const [entry] = await read(bytes(`<feed xmlns="http://www.w3.org/2005/Atom"><entry>${children}</entry></feed>`));
  return entry?.record;
}

test('reads RSS 2.0', async () => {
  const [first, second] = await fixture('rss-2.0.xml');
  expect(first).toEqual({
    line: 16,
    record: {
      id: 'post-7&x',
      publicId: 'post-7&x',
      url: 'https://river.example/2026/ferry',
      title: 'Ferry & bridge: R&D says a < b at last',
      summary: 'The last ferry has sailed.',
      body: '<p>It was <a href="https://river.example/why">over</a>.</p>',
      publishedAt: '2026-11-22T15:46:00Z',
      updatedAt: '2026-11-23T00:00:00Z',
      language: 'en-GB',
      authors: [{ name: 'Nadia Rahim' }, { name: 'Jonas Weber' }],
      sections: ['Transport'],
      tags: ['Rivers', '—'],
      image: {
        url: 'https://cdn.example/ferry',
        width: 800,
        height: 600,
        alt: 'A ferry',
        caption: 'The last ferry at dawn',
        credit: 'Omar Haddad',
      },
      media: [{ url: 'https://cdn.example/ferry.mp3', type: 'audio/mpeg', duration: 3723 }],
      source: { name: 'The Wire', url: 'https://wire.example/rss' },
      copyright: '© The Wire',
      license: 'https://creativecommons.org/licenses/by/4.0/',
    },
  });
  expect(second?.record).toEqual({
    id: 'mailto:desk@river.example',
    url: 'mailto:desk@river.example',
    title: 'Without what a record requires',
    body: 'All there is.',
    publishedAt: 'Yesterday',
    language: 'en-GB',
    authors: [{ name: 'Night desk', email: 'desk@river.example' }],
    license: 'https://creativecommons.org/licenses/by/4.0/',
  });
  expect(parseArticle(first?.record, newsroom).title).toContain('R&D');
  expect(() => parseArticle(second?.record, newsroom)).toThrow('cannot be published');
});

test('reads RSS 1.0 in its declared encoding', async () => {
  const [item] = await fixture('rss-1.0.rdf');
  expect(item).toEqual({
    line: 4,
    record: {
      id: 'https://river.example/?p=1',
      url: 'https://river.example/ete',
      title: 'Été',
      body: 'First paragraph.\n\nSecond paragraph.',
      bodyFormat: 'text',
      publishedAt: '2026-11-22T00:00:00Z',
      language: 'fr',
    },
  });
});

test('reads Atom 1.0', async () => {
  const entries = await fixture('atom-1.0.xml');
  expect(entries).toEqual([
    {
      line: 8,
      record: {
        id: 'urn:uuid:1',
        url: 'https://river.example/ferry',
        title: 'Ferry & bridge',
        summary: 'It is <over>.',
        body: '<p>A &amp; B<br /><a href="https://river.example/atom/inner/why">why</a></p>',
        publishedAt: '2026-11-22T07:46:00Z',
        updatedAt: '2026-11-22T08:00:00Z',
        language: 'ckb',
        authors: [{ name: 'The desk', email: 'desk@river.example', url: 'https://river.example/desk' }],
        sections: ['Transport'],
        tags: ['rivers'],
        media: [{ url: 'https://river.example/atom/sound.ogg', type: 'audio/ogg', length: 12 }],
        copyright: '© River',
        license: 'https://creativecommons.org/licenses/by/4.0/',
      },
    },
    {
      line: 21,
      publishedAt: '2026-11-21T10:00:00Z',
      record: {
        id: 'https://river.example/?p=2',
        url: 'https://river.example/2',
        title: 'a < b &amp; c',
        body: 'Plain <text>',
        bodyFormat: 'text',
        updatedAt: '2026-11-21T10:00:00Z',
        language: 'en',
        authors: [{ name: 'Nadia Rahim' }],
        source: { name: 'The Wire', url: 'https://wire.example/' },
        copyright: 'Wire',
      },
    },
  ]);
});

test('reads Atom 0.3', async () => {
  expect(await fixture('atom-0.3.xml')).toEqual([
    {
      line: 3,
      record: {
        id: 'tag:river.example,2003:1',
        url: 'https://river.example/old',
        title: 'The old one',
        body: '<p>Old.</p>',
        publishedAt: '2003-12-13T12:29:29Z',
      },
    },
  ]);
});

test('reads JSON Feed with its fields in any order', async () => {
  expect(await fixture('feed-1.1.json')).toEqual([
    {
      line: 6,
      record: {
        id: '12',
        publicId: '12',
        url: 'https://river.example/ferry',
        title: 'a < b & c',
        summary: 'In short.',
        body: 'One.\n\nTwo.',
        bodyFormat: 'text',
        publishedAt: '2026-11-22T07:46:00Z',
        updatedAt: '2026-11-23T07:46:00Z',
        language: 'ar',
        authors: [{ name: 'The desk', url: 'https://river.example/desk', avatar: 'https://river.example/desk.png' }],
        tags: ['rivers'],
        image: { url: 'https://cdn.example/ferry.jpg' },
        media: [{ url: 'https://cdn.example/ferry.mp3', type: 'audio/mpeg', length: 9, duration: 4.5 }],
      },
    },
    {
      line: expect.any(Number),
      record: {
        id: 'https://river.example/?p=2',
        url: 'https://river.example/2',
        title: 'Two',
        body: '<p>Two</p>',
        language: 'en',
        authors: [{ name: 'Jonas Weber' }],
      },
    },
  ]);
});

describe('identity', () => {
  test.each([
    ['a guid that is a URI is the id', 'https://river.example/?p=1&amp;x=2', { id: 'https://river.example/?p=1&x=2' }],
    ['other text is the public id as well', ' 7 of 9 ', { id: '7 of 9', publicId: '7 of 9' }],
    ['letters beyond ASCII stay as they are', 'e\u0301', { id: 'e\u0301', publicId: 'e\u0301' }],
    ['the link is the id without a guid', '', { id: 'https://river.example/a' }],
  ])('%s', async (_, guid, expected) => {
    const record = await rssItem(`<guid>${guid}</guid><link>https://river.example/a</link>`);
    const { id, publicId } = record ?? {};
    expect(publicId === undefined ? { id } : { id, publicId }).toEqual(expected);
  });

  test.each(['a//b', 'x'.repeat(600), 'two\nlines'])(
    'a guid that is no valid id is the public id: %j',
    async (guid) => {
      const [one, other] = [await rssItem(`<guid>${guid}</guid>`), await rssItem(`<guid>${guid}</guid>`)];
      expect(one).toEqual({ id: expect.stringMatching(/^sha256-[0-9a-f]{64}$/), publicId: guid });
      expect(one).toEqual(other);
    },
  );
});

test.each([
  ['AT&T', 'AT&T'],
  ['AT&amp;T', 'AT&T'],
  ['a < b', 'a < b'],
  ['a <b and c', 'a <b and c'],
  ['<b>Bold</b> move', 'Bold move'],
  ['List<String> &amp; more', 'List<String> & more'],
  ['Using <div> in HTML', 'Using <div> in HTML'],
  ['one<br/>two', 'one two'],
  ['<script>alert(1)</script>safe', 'safe'],
  ['&notit; &not; &#8217; &#x1F600;', '&notit; ¬ ’ 😀'],
])('the text of the title %s is %s', (source, expected) => {
  expect(looseText(source)).toBe(expected);
});

test.each([
  ['Wed, 02 Oct 2002 08:00:00 EST', '2002-10-02T13:00:00Z'],
  ['02 Oct 02 08:00 PDT', '2002-10-02T15:00:00Z'],
  ['2 October 1999 15:00:00 +0200', '1999-10-02T13:00:00Z'],
  ['1 Jan 70 00:00 Z', '1970-01-01T00:00:00Z'],
  ['Wed, 02 Oct 2002 15:00:00 GMT+03:00', '2002-10-02T12:00:00Z'],
  ['Wed Oct  2 10:00:00 2002', '2002-10-02T10:00:00Z'],
  ['Wed, 02 Oct 2002', '2002-10-02T00:00:00Z'],
  ['2002-10-02', '2002-10-02T00:00:00Z'],
  ['2002-10-02T10:00Z', '2002-10-02T10:00:00Z'],
  ['2002-10-02 10:00:00', '2002-10-02T10:00:00Z'],
])('the date %s is %s', (text, expected) => {
  expect(rfc3339(readDate(text) ?? 0)).toBe(expected);
});

test.each(['Wed, 31 Feb 2002 10:00:00 GMT', '05/03/2002', '02 Oct 2002 15:00:00 at noon, or so', 'yesterday', ''])(
  '%j is no date',
  (text) => {
    expect(readDate(text)).toBeUndefined();
  },
);

test.each([
  [
    'the description is the body if it is the only text',
    '<title>T</title><description>a &lt; b</description>',
    { title: 'T', body: 'a < b' },
  ],
  [
    'a description that equals the body is no summary',
    '<title>T</title><description>&lt;p&gt;A&lt;/p&gt;</description><content:encoded>&lt;p&gt;A&lt;/p&gt;</content:encoded>',
    { title: 'T', body: '<p>A</p>' },
  ],
  ['invalid optional fields are omitted', '<dc:language>English</dc:language><category> </category><author/>', {}],
  ['a sign is a tag', '<category>!</category>', { tags: ['!'] }],
  [
    'the extension gives a missing type',
    '<link>https://a.example/</link><enclosure url="https://a.example/b.mp3"/>',
    {
      id: 'https://a.example/',
      url: 'https://a.example/',
      media: [{ url: 'https://a.example/b.mp3', type: 'audio/mpeg' }],
    },
  ],
  ['a prefix may be undeclared', '<dc:creator>A</dc:creator>', { authors: [{ name: 'A' }] }],
])('in RSS, %s', async (_, children, expected) => {
  expect(await rssItem(children)).toEqual(expected);
});

test('in Atom, a video has the description of its group', async () => {
  const media = 'xmlns:media="http://search.yahoo.com/mrss/"';
  const record = await atomEntry(
    `<id>yt:video:1</id><media:group ${media}><media:content url="https://v.example/1" type="video/mp4"/>
     <media:thumbnail url="https://v.example/1.jpg"/><media:description>A film.</media:description></media:group>`,
  );
  expect(record).toEqual({
    id: 'yt:video:1',
    title: 'A film.',
    body: 'A film.',
    bodyFormat: 'text',
    image: { url: 'https://v.example/1.jpg', type: 'image/jpeg' },
    media: [{ url: 'https://v.example/1', type: 'video/mp4' }],
  });
});

describe('encodings', () => {
  const document = (encoding: string) =>
    `<?xml version="1.0" encoding="${encoding}"?><rss><channel><item><title>\u0633\u0644\u0627\u0645</title></item></channel></rss>`;

  test.each([
    ['UTF-8 with a byte order mark', Buffer.from(`\uFEFF${document('utf-8')}`)],
    ['UTF-16 with a byte order mark', Buffer.from(`\uFEFF${document('utf-16')}`, 'utf16le')],
    ['big-endian UTF-16', Buffer.from(`\uFEFF${document('utf-16')}`, 'utf16le').swap16()],
    ['UTF-8 that claims to be UTF-16', Buffer.from(document('utf-16'))],
    [
      'windows-1256',
      Buffer.concat(
        document('windows-1256')
          .split('\u0633\u0644\u0627\u0645')
          .flatMap((part, index) => (index === 0 ? [part, Buffer.from([0xd3, 0xe1, 0xc7, 0xe3])] : [part]))
          .map((part) => (typeof part === 'string' ? Buffer.from(part) : part)),
      ),
    ],
  ])('%s', async (_, document) => {
    const [item] = await read(bytes(document));
    expect(item?.record.title).toBe('\u0633\u0644\u0627\u0645');
  });
});

describe('an unreadable document is refused with line and column', () => {
  const item = '<rss><channel>\n<item><guid>a</guid><title>A</title></item>\n';
  const first = [{ id: 'a', publicId: 'a', title: 'A', body: '<p>A</p>' }];

  test.each([
    ['HTML', '<html>', [], 'must be RSS, Atom or JSON Feed: none of them begins with <html>', 1, 1],
    ['JSON that ends early', '{"items":[{"id":"a"},\n{"id', [{ id: 'a', publicId: 'a' }], 'is not JSON here', 2, 2],
    [
      'a WordPress export',
      `${item}<item><wp:status>draft</wp:status></item>`,
      first,
      expect.stringContaining('WordPress'),
      3,
      undefined,
    ],
  ])('%s', async (_, document, records, rule, line, column) => {
    const { records: read, problems } = await readUntilError(document);
    expect(read).toEqual(records);
    expect(problems).toEqual([column === undefined ? { field: '', rule, line } : { field: '', rule, line, column }]);
  });

  test.each(['', 'plain', '[]'])('%j', async (document) => {
    expect((await readUntilError(document)).problems).toHaveLength(1);
  });

  test.each([
    ['an item longer than 16 MB', `<title>${'x'.repeat(17 * 1024 * 1024)}`, 'must not be longer than 16 MB'],
    ['elements nested without end', '<a>'.repeat(1000), 'must not have elements nested deeper than 500'],
    ['elements without number', '<b/>'.repeat(100_001), 'must not have more than 100000 elements'],
    ['a section longer than 16 MB', `<![CDATA[${'x'.repeat(17 * 1024 * 1024)}]]>`, 'must not be longer than 16 MB'],
  ])('%s costs itself alone', async (_, content, rule) => {
    const document = `${item}<item>${content}</item>${'<item><guid>a</guid><title>A</title></item>'}</channel></rss>`;
    const { records, problems } = await readUntilError(document);
    expect(records).toEqual([...first, ...first]);
    expect(problems).toEqual([{ field: '', rule, line: 3, column: expect.any(Number) }]);
  });
});

describe('an item whose start tag is longer than 16 MB is refused alone', () => {
  const value = 'x'.repeat(17 * 1024 * 1024);
  const next = '<item><guid>b</guid><title>B</title></item>';

  test.each([
    ['a start tag', `\n<item a="${value}"><guid>a</guid><title>A</title></item>`],
    ['a start tag of two lines', `\n<item\na="${value}"><guid>a</guid><title>A</title></item>`],
    ['an empty element', `\n<item a="${value}"/>`],
    ['a start tag within', `\n<item><b a="${value}"/><guid>a</guid><title>A</title></item>`],
    ['a comment within', `\n<item><!--${value}--><guid>a</guid><title>A</title></item>`],
  ])('%s', async (_, content) => {
    const document = Buffer.from(`<rss><channel>${content}${next}</channel></rss>`);
    for (const chunk of [document.length, 1_000_000]) {
      const chunks = async function* () {
        for (let from = 0; from < document.length; from += chunk) yield document.subarray(from, from + chunk);
      };
      const stories = await read(chunks());
      expect(
        stories.map(({ record: { id }, problems }) => problems?.map(({ line, rule }) => [line, rule]) ?? id),
      ).toEqual([[[2, 'must not be longer than 16 MB']], 'b']);
    }
  });
});

test('a tag keeps 10,000 attributes, and one fault tells of the others', async () => {
  const attributes = Array.from({ length: 10_005 }, (_, index) => ` a${index}=""`).join('');
  const document = `<rss><channel><item><guid>a</guid><title>A</title><b${attributes}/></item></channel></rss>`;
  const { records, warnings } = await readUntilError(document);
  expect(records).toHaveLength(1);
  expect(warnings.map(({ rule }) => rule)).toEqual(['<b> has more than 10000 attributes: the others are left out']);
});

describe('entities', () => {
  test.each([
    ['a billion laughs', '<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">', '&b;'],
    ['a file', '<!ENTITY b SYSTEM "file:///etc/hostname">', '&b;'],
  ])('%s is not expanded', async (_, declarations, use) => {
    const { records, problems, warnings } = await readUntilError(
      `<!DOCTYPE rss [${declarations}]><rss><channel><item><guid>a</guid><title>${use}</title></item></channel></rss>`,
    );
    expect(records).toEqual([{ id: 'a', publicId: 'a', title: '&b;', body: '<p>&amp;b;</p>' }]);
    expect(problems).toEqual([]);
    expect(warnings).toEqual([
      expect.objectContaining({ rule: '&b; is no entity of XML or HTML: it is kept as text', line: 1 }),
    ]);
  });

  test('entities of HTML keep their meaning, even if a document declares them', async () => {
    const { records } = await readUntilError(
      '<!DOCTYPE rss [<!ENTITY eacute "no">]><rss><channel><item><guid>&eacute;&amp;nbsp;</guid></item></channel></rss>',
    );
    expect(records[0]).toMatchObject({ id: 'é&nbsp;', publicId: 'é&nbsp;' });
  });
});

test('characters that XML forbids are omitted', async () => {
  expect(await rssItem('<title>a\u000Bb\u0000</title>')).toEqual({ title: 'ab', body: '<p>ab</p>' });
});

describe('a body that nests too deep stays as it is, so that it is refused: to clean it could take minutes', () => {
  // Cleaning would close its elements and make its address absolute.
  const body = `${'<b>'.repeat(101)}<a href="inner">deep`;
  const escaped = body.replaceAll('<', '&lt;');

  test.each([
    [
      'RSS',
      `<rss xml:base="https://river.example/"><channel><item><description>${escaped}</description></item></channel></rss>`,
    ],
    [
      'Atom',
      `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://river.example/"><entry>
      <content type="html">${escaped}</content></entry></feed>`,
    ],
  ])('in %s with an xml:base', async (_, document) => {
    const [item] = await read(bytes(document));
    expect(item?.record.body).toBe(body);
    expect(() => parseArticle(record({ body }), newsroom)).toThrow(
      expect.objectContaining({ problems: [expect.objectContaining({ field: 'body' })] }),
    );
  });

  test('its plain text is empty, so that a title is made of the body', async () => {
    const item = await rssItem(`<title>${escaped}&lt;/b></title><description>D</description>`);
    const entry = await atomEntry(`<title type="html">${escaped}</title><content>C</content>`);
    expect([item?.title, entry?.title, item?.body]).toEqual(['D', 'C', 'D']);
  });
});

describe('the time of a hostile document grows with its length alone', () => {
  const many = (text: string) => text.repeat(Math.ceil(1_000_000 / text.length));
  const thumbnail = '<media:thumbnail url="https://a.example/b.jpg"/>';

  test.each([
    ['thumbnails', thumbnail.repeat(30_000)],
    ['pictures', '<media:content url="https://a.example/b.jpg" medium="image"/>'.repeat(30_000)],
    [
      'groups of pictures',
      `<media:group>${thumbnail.replace('thumbnail', 'content').repeat(100)}</media:group>`.repeat(100),
    ],
    ['end tags left open', many('</a')],
    ['tags left open', many('<a b c')],
    ['attributes without a value', `<a ${many('b ')}>`],
    ['values left open', many('<a b="<')],
    ['markup in the values of a tag', `<a${' b="<a"'.repeat(20_000)}>`],
    ['markup in the values of a tag left open', `<a${' b="<a"'.repeat(200_000)}`],
    ['markup in the values of a tag before another', `<a${' b="<a"'.repeat(9000)}${'<c><a b="<a"'.repeat(9000)}`],
    ['slashes', `<a ${many('/')}=>`],
    ['comments left open', many('<!-- ')],
    ['declarations left open', many('<!DOCTYPE a [ >')],
    ['declarations with a late end', `${many('<!DOCTYPE a [ >')}]${many(' ')}x`],
    ['instructions left open', many('<?a ')],
    ['sections left open', many('<![CDATA[x')],
    ['ampersands', many('&')],
    ['end tags of nothing', `${'<b>'.repeat(400)}${many('</a>')}`],
    ['items left open', '<item>'.repeat(20_000)],
    ['a long namespace', `<a xmlns="${many('/')}x"/>`],
    ['a long byline', `<author>${many('a, ')}</author>`],
    ['brackets that begin no tag', `<description>${many('>')}`],
    [
      'a body of them in each of many items',
      `<description>${'>'.repeat(20_000)}</description></item><item>`.repeat(50),
    ],
    ['bases in bases', `<a xml:base="${'b'.repeat(16_000)}/">`.repeat(480)],
    ['a long address of the feed', `</item><link>${many('a')}</link>${'<item><title>a</title></item>'.repeat(3000)}`],
  ])('%s', async (_, content) => {
    const { records, problems } = await readUntilError(`<rss><channel><item>${content}`);
    expect([...records, ...problems].length).toBeGreaterThan(0);
  });
});

describe('a base is no longer than an address of a record', () => {
  const atom = (base: string, content: string) =>
    `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://a.example/${base}/"><entry><title>A</title>` +
    `<id>urn:a</id><content ${content}</content></entry></feed>`;
  const xhtml = (links: string) => `type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">${links}</div>`;
  const html = (links: string) => `type="html"><![CDATA[${links}]]>`;
  const link = '<a href="b">c</a>';

  test.each([
    ['XHTML', xhtml(link)],
    ['HTML', html(link)],
  ])('in %s', async (_, content) => {
    const [short, long] = [
      await readUntilError(atom('d', content)),
      await readUntilError(atom('d'.repeat(5000), content)),
    ];
    expect(short.records[0]?.body).toBe('<a href="https://a.example/d/b">c</a>');
    expect(short.warnings).toEqual([]);
    expect(long.records[0]?.body).toBe(link);
    expect(long.warnings).toEqual([
      { field: '', rule: 'xml:base must not be longer than 4096 characters: it is left out', line: 1, column: 1 },
    ]);
  });

  test('bases that only become so long together', async () => {
    const nested = `<a xml:base="${'e'.repeat(1000)}/">`;
    const { records } = await readUntilError(atom('d', xhtml(`${nested.repeat(6)}${link}${'</a>'.repeat(6)}`)));
    expect(records[0]?.body).toContain(`"https://a.example/d/${`${'e'.repeat(1000)}/`.repeat(4)}b"`);
  });

  test.each([
    ['XHTML', xhtml('<a href="b" cite="b" src="b" poster="b">c</a>'.repeat(40_000))],
    ['HTML', html(link.repeat(140_000))],
  ])('and %s with very many addresses is refused', async (_, content) => {
    const { records } = await readUntilError(atom('d'.repeat(4000), content));
    const story = { ...record(), ...records[0], url: `https://a.example/${'d'.repeat(4000)}/` };
    expect(() => parseArticle(story, newsroom)).toThrow(expect.objectContaining({ code: 'invalid_article' }));
  });

  test('of a JSON Feed', async () => {
    const feed = (base: string) => ({
      version: 'https://jsonfeed.org/version/1.1',
      home_page_url: `https://a.example/${base}/`,
      items: [{ id: '1', url: 'b', content_text: 'c' }],
    });
    const [short, long] = await Promise.all(
      ['d', 'd'.repeat(5000)].map((base) => readUntilError(JSON.stringify(feed(base)))),
    );
    expect([short?.records[0]?.url, long?.records[0]?.url]).toEqual(['https://a.example/d/b', 'b']);
  });
});

test('a feed has a hundred elements of its own at most, none of them long', async () => {
  const author = '<author><name>Ann</name></author>';
  const entry = '<entry><title>A</title><id>urn:a</id><summary>b</summary></entry>';
  const long = `<rights>${'c'.repeat(9000)}</rights>`;
  const { records, warnings } = await readUntilError(
    `<feed xmlns="http://www.w3.org/2005/Atom">${long}${author.repeat(101)}${entry}</feed>`,
  );
  expect(records[0]).toMatchObject({ title: 'A', authors: Array(100).fill({ name: 'Ann' }) });
  expect(records[0]).not.toHaveProperty('copyright');
  expect(warnings.map(({ field, rule }) => `${field} ${rule}`)).toEqual([
    '<rights> must not be longer than 8192 characters: it is left out',
    '<author> a feed must not have more than 100 elements of its own: it is left out',
  ]);
});

test.each([
  ['of the header', 'iso-8859-9', undefined, 'iso-8859-9'],
  ['of the header in quotes', '"ISO-8859-9"', undefined, 'iso-8859-9'],
  ['of the header, although the document says another', 'iso-8859-9', 'utf-8', 'iso-8859-9'],
  ['of the document, if that of the header is unknown', 'x-none', 'iso-8859-9', 'iso-8859-9'],
  ['UTF-8, if ASCII is named', 'us-ascii', undefined, 'utf-8'],
])('the encoding is that %s', async (_, charset, declared, expected) => {
  const declaration = declared === undefined ? '' : ` encoding="${declared}"`;
  const text = `<?xml version="1.0"${declaration}?><rss><channel><item><title>Çağrı</title></item></channel></rss>`;
  const document =
    expected === 'utf-8'
      ? Buffer.from(text)
      : Buffer.from(text.replace('ğ', '\u00F0').replace('ı', '\u00FD'), 'latin1');
  const [story] = await Array.fromAsync(feedRecords(bytes(document), { charset }));
  expect(story?.record.title).toBe('Çağrı');
});

test('a document is read the same in chunks of any length', async () => {
  const document = Buffer.from(
    `<?xml version="1.0"?>\r\n<!-- <item> -->\r<rss><channel>\r\n<item><title>A &amp; B &#8217;<![CDATA[ c ]]]]><![CDATA[>]]></title>` +
      `<link a = "1>2" b='x'>https://a.example/?b=1&amp;c=2</link><x:y/></item></channel></rss>`,
  );
  const whole = await read(bytes(document));
  expect(whole).toEqual([
    {
      line: 4,
      record: {
        id: 'https://a.example/?b=1&c=2',
        url: 'https://a.example/?b=1&c=2',
        title: 'A & B ’ c ]]>',
        body: '<p>A &amp; B ’ c ]]&gt;</p>',
      },
    },
  ]);
  for (let size = 1; size < 20; size += 1) {
    const chunks = async function* () {
      for (let start = 0; start < document.length; start += size) yield document.subarray(start, start + size);
    };
    expect(await read(chunks())).toEqual(whole);
  }
});
