import type { Article } from '../../src/article/article.ts';
import { type Publication, parsePublication } from '../../src/config/publication.ts';
import { describeFeed } from '../../src/feed/feeds.ts';
import type { EntryOptions, Head } from '../../src/format/renderer.ts';
import { article, PUBLICATION } from '../helpers.ts';

/** An article with every field, and in every text a character that could break a format. */
export const full: Article = article({
  id: 'https://news.example/?p=1&q=2',
  url: 'https://news.example/dams?a=1&b=2',
  title: 'AT&T: a < b ]]> ]]> &amp;',
  summary: 'R&D "x" ]]> ]]> <b>',
  body: '<p>a ]]> b ]]> &amp;amp; <a href="/c?d=1&amp;e=2">f</a></p>',
  language: 'ckb',
  authors: [{ name: 'A & <B>', url: '/ab?x=1&y=2', email: 'a@news.example', avatar: '/a.png' }, { name: 'C' }],
  sections: ['R & D'],
  tags: ['"T"'],
  updatedAt: '2026-11-20T12:00:00Z',
  image: {
    url: '/i.png?a=1&b=2',
    type: 'image/png',
    length: 5,
    width: 3,
    height: 2,
    alt: 'alt',
    caption: 'c < "d"',
    credit: 'E & F',
  },
  media: [
    { url: '/m.mp3', type: 'audio/mpeg', length: 7, duration: 1.5, title: '"t" & <u>' },
    { url: '/v', type: 'application/pdf' },
  ],
  source: { name: 'A "G" & <C>', url: 'https://agency.example/?a=1&b=2' },
  copyright: '© A & B',
  license: 'https://cc.example/?a=1&b=2',
  translations: [{ language: 'ku', url: '/ku?a=1&b=2' }],
});

const plain = parsePublication(PUBLICATION, 'publication.yaml');

export const options: EntryOptions = {
  content: 'full',
  feedLanguage: 'en',
  feedsUrl: 'https://feeds.news.example/',
  publisher: plain,
};

const rich = parsePublication(
  `title: R&D <Post>
url: https://news.example/?a=1&b=2
feedsUrl: https://feeds.news.example/
description: a < b &amp; c
language: en
copyright: © R&D
license: https://cc.example/?a=1&b=2
icon: icon.png?a=1&b=2
logo: logo.png
favicon: f.png
accentColor: "#1a5f7a"
contact: { name: Desk & Co, email: d@news.example }
maxAge: 90
`,
  'publication.yaml',
);

function head(publication: Publication, dates: Pick<Head, 'updatedAt' | 'publishedAt'>): Head {
  return { feed: describeFeed('section/kurdî', 'Kurdî', publication), publication, tombstones: [], ...dates };
}

/** The head of a feed without entries, of a publication with only the required fields. */
export const emptyHead = head(plain, { updatedAt: 0 });

export const richHead = head(rich, { updatedAt: Date.UTC(2026, 10, 20, 12), publishedAt: Date.UTC(2026, 10, 20, 10) });
