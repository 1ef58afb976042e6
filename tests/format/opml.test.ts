import { parseOpml } from 'feedsmith';
import { expect, test } from 'vitest';
import { OPML_TAIL, opmlFeed, opmlGroup, opmlHead } from '../../src/format/opml.ts';

const feed = {
  title: 'The “Post” & <Co>',
  description: 'One line.',
  language: 'ckb',
  xmlUrl: 'https://feeds.news.example/feeds/tag/a.rss?x=1&y=2',
  htmlUrl: 'https://feeds.news.example/feeds/tag/a',
};

test('a list of feeds in OPML 2.0, read back by feedsmith', () => {
  const [begin, end] = opmlGroup('Topics & more');
  const head = opmlHead({ title: 'The “Post” & <Co>', ownerName: 'Newsroom', ownerEmail: undefined });
  const text = head + opmlFeed(feed) + begin + opmlFeed(feed, 1) + end + OPML_TAIL;
  const outline = {
    text: feed.title,
    type: 'rss',
    title: feed.title,
    description: feed.description,
    xmlUrl: feed.xmlUrl,
    htmlUrl: feed.htmlUrl,
    language: feed.language,
    version: 'RSS2',
  };
  expect(parseOpml(text)).toEqual({
    head: { title: 'The “Post” & <Co>', ownerName: 'Newsroom' },
    body: { outlines: [outline, { text: 'Topics & more', title: 'Topics & more', outlines: [outline] }] },
  });
});
