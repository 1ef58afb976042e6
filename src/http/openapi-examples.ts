/** One story in every answer of the API's description. */

export const record = {
  url: 'https://www.example.com/2026/bridge',
  title: 'Bridge reopens after eleven years',
  summary: 'The first lorries crossed at dawn.',
  body: '<p>The queue was two kilometres long when the barrier went up.</p>',
  authors: [{ name: 'Rojin Aziz' }],
  sections: ['Harbour'],
  tags: ['bridges'],
  publishedAt: '2026-11-28T09:30:00+03:00',
};

const publicId = 'tag:www.example.com,2026:2026/bridge';
const publishedAt = '2026-11-28T06:30:00Z';

export const visible = {
  id: '2026/bridge',
  result: 'created',
  revision: 1,
  status: 'visible',
  publicId,
  publishedAt,
  feeds: ['latest', 'section/harbour', 'tag/bridges', 'author/rojin-aziz', 'language/en'],
  adjustments: [],
  warnings: [],
};

export const embargoed = {
  ...visible,
  status: 'embargoed',
  until: '2026-12-01T06:00:00Z',
  publishedAt: '2026-12-01T06:00:00Z',
};

export const adjusted = {
  ...visible,
  result: 'updated',
  revision: 2,
  adjustments: [
    {
      kind: 'hidden_text_removed',
      field: 'body',
      change: 'removed hidden text',
      value: 'Subscribe to our newsletter',
      reason: 'its page does not show it',
      count: 1,
    },
  ],
  warnings: [
    {
      field: 'image.url',
      value: 'https://www.example.com/media/bridge.jpg',
      rule: 'names a file that the folder media/ does not have: put it there, or correct its name',
    },
  ],
};

export const withdrawn = { ...visible, result: 'withdrawn', revision: 3, status: 'withdrawn', feeds: [] };

export const story = {
  id: '2026/bridge',
  publicId,
  url: record.url,
  title: record.title,
  summary: record.summary,
  html: record.body,
  language: 'en',
  direction: 'ltr',
  authors: [{ name: 'Rojin Aziz', slug: 'rojin-aziz' }],
  sections: [{ name: 'Harbour', slug: 'harbour' }],
  tags: [{ name: 'bridges', slug: 'bridges' }],
  publishedAt,
  media: [],
  translations: [],
};

export const article = { id: '2026/bridge', publicId, revision: 1, status: 'visible', publishedAt, record };

export const withdrawnArticle = {
  ...article,
  revision: 3,
  status: 'withdrawn',
  withdrawn: { at: '2026-11-29T10:00:00Z', reason: 'Wrong bridge' },
};

export const memberships = {
  id: '2026/bridge',
  feeds: [
    { feed: 'latest', included: true, position: 1 },
    { feed: 'section/harbour', included: true, position: 1 },
    { feed: 'section/world', included: false, rule: 'selection', reason: 'section is not world' },
  ],
  partners: [
    {
      partner: 'herald',
      feed: 'latest',
      included: true,
      address: 'https://feeds.example.com/partners/herald/latest.rss',
      position: 1,
    },
    {
      partner: 'wire',
      feed: 'selection',
      included: false,
      rule: 'dialect',
      dialectRule: 'title-too-short',
      reason: 'The title has 12 characters, fewer than 21.',
    },
  ],
};

const byKey = { kind: 'key', id: '1cada6413683', name: 'cms' };

export const history = {
  id: '2026/bridge',
  history: [
    {
      what: 'published',
      at: '2026-11-28T06:30:00Z',
      revision: 1,
      by: { kind: 'file', path: 'articles/2026/bridge.md' },
      status: 'embargoed',
      until: '2026-11-28T09:00:00Z',
    },
    { what: 'corrected', at: '2026-11-29T09:00:00Z', revision: 2, by: byKey, status: 'visible' },
    {
      what: 'withdrawn',
      at: '2026-11-29T10:00:00Z',
      revision: 3,
      by: byKey,
      status: 'withdrawn',
      reason: 'Wrong bridge',
    },
  ],
};

export const refusal = {
  result: 'refused',
  code: 'invalid_article',
  title: 'The article “2026/piano” cannot be published.',
  problems: [{ field: 'title', rule: 'is required', line: 2 }],
};

export const totals = { created: 1, updated: 0, unchanged: 0, refused: 1, adjusted: 0, warned: 0 };

export const feedPage = {
  feeds: [
    {
      feed: 'section/harbour',
      title: 'The Four Rivers Courier: Harbour',
      articles: 412,
      newest: publishedAt,
      addresses: {
        rss: 'https://feeds.example.com/feeds/section/harbour.rss',
        atom: 'https://feeds.example.com/feeds/section/harbour.atom',
        json: 'https://feeds.example.com/feeds/section/harbour.json',
      },
    },
  ],
  cursor: 'section/harbour',
};

export const problemPage = {
  problems: [
    {
      source: { kind: 'file', path: 'articles/2026/piano.md' },
      article: '2026/piano',
      since: '2026-11-29T17:54:41Z',
      code: 'invalid_article',
      problems: [{ field: 'title', rule: 'is required', line: 1 }],
    },
    {
      source: { kind: 'key', id: '7905f266f5d4', name: 'cms' },
      since: '2026-11-29T17:50:00Z',
      code: 'invalid_json',
      problems: [{ field: '', rule: 'is not JSON here', line: 3, column: 12 }],
    },
  ],
};
