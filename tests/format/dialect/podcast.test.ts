import { parseRssFeed } from 'feedsmith';
import { describe, expect, test } from 'vitest';
import type { Article, Media } from '../../../src/article/article.ts';
import { PODCAST_CATEGORIES, type PodcastSettings } from '../../../src/feed/podcasts.ts';
import { podcast, podcastId } from '../../../src/format/dialect/podcast.ts';
import { RENDERERS } from '../../../src/format/renderers.ts';
import { breaches, feedBreaches } from './rules.ts';
import { dam, head, item, options, publication, radio } from './sample.ts';

const rss = podcast.formats.rss;

function channel(settings?: PodcastSettings, fields: object = {}) {
  const own = head('rss', { ...fields, ...(settings && { podcast: settings }) });
  return parseRssFeed(`${rss?.head(own)}${rss?.tail}`);
}

function episode(article: Article, settings?: PodcastSettings) {
  const entry = rss?.entry(item(article), options(settings && { podcast: settings })) ?? '';
  return parseRssFeed(`${rss?.head(head('rss'))}${entry}${rss?.tail}`).items?.[0];
}

const file = (fields: Partial<Media>): Article => ({
  ...radio,
  media: [{ url: 'https://a.example/b.mp3', type: 'audio/mpeg', length: 5, duration: 1, ...fields }],
});

describe('the channel', () => {
  test('has the elements that Apple requires and recommends', () => {
    const { title, description, language, link, copyright, itunes } = channel();
    expect({ title, language, link, copyright }).toEqual({
      title: 'The Four Rivers Courier: World',
      language: 'en',
      link: 'https://fourrivers.example/',
      copyright: '© 2026 The Four Rivers Courier',
    });
    expect(Buffer.byteLength(description ?? '')).toBeLessThanOrEqual(4000);
    expect(itunes).toEqual({
      image: 'https://feeds.fourrivers.example/media/icon.png',
      categories: [{ text: 'News' }],
      explicit: false,
      author: 'The Four Rivers Courier',
      owner: { name: 'Newsroom', email: 'newsroom@fourrivers.example' },
      type: 'episodic',
    });
  });

  test('has the elements of the podcast namespace', () => {
    expect(channel().podcast).toEqual({
      guid: podcastId('https://feeds.fourrivers.example/partners/example/section/world.rss'),
      locked: { value: true, owner: 'newsroom@fourrivers.example' },
      medium: 'podcast',
      license: { display: 'cc-by-nc-4.0', url: 'https://creativecommons.org/licenses/by-nc/4.0/' },
    });
  });

  test('says what the partner’s settings say', () => {
    const {
      itunes,
      image,
      podcast: own,
    } = channel({
      category: 'Society & Culture',
      subcategory: 'Documentary',
      explicit: true,
      image: 'https://fourrivers.example/radio.jpg',
      owner: { name: 'The radio desk' },
    });
    expect(itunes).toMatchObject({
      image: 'https://fourrivers.example/radio.jpg',
      categories: [{ text: 'Society & Culture', categories: [{ text: 'Documentary' }] }],
      explicit: true,
      owner: { name: 'The radio desk' },
    });
    expect(own?.locked).toEqual({ value: true });
    expect(image?.url).toBe('https://fourrivers.example/radio.jpg');
  });

  test.each([
    ['https://fourrivers.example/contract', { display: 'Contract', url: 'https://fourrivers.example/contract' }],
    ['As in the contract.', undefined],
  ])('has the terms of a contract as its licence where they have an address: %s', (terms, expected) => {
    expect(channel(undefined, { terms }).podcast?.license).toEqual(expected);
  });

  test('a publication without icon, contact and licence has no such elements', () => {
    const { icon: _i, logo: _l, contact: _c, license: _n, ...plain } = publication;
    const { itunes, podcast: own } = channel(undefined, { publication: plain });
    expect([itunes?.image, itunes?.owner, own?.locked, own?.license]).toEqual([
      undefined,
      undefined,
      { value: true },
      undefined,
    ]);
  });

  test('has categories of Apple’s list', () => {
    expect(Object.keys(PODCAST_CATEGORIES)).toHaveLength(19);
    expect(PODCAST_CATEGORIES.News).toContain('Daily News');
  });
});

// The examples of the specification, and addresses that differ in scheme and slashes.
test.each([
  ['mp3s.nashownotes.com/pc20rss.xml', '917393e3-1b1e-5cef-ace4-edaa54e1f810'],
  ['https://mp3s.nashownotes.com/pc20rss.xml', '917393e3-1b1e-5cef-ace4-edaa54e1f810'],
  ['https://podnews.net/rss', '9b024349-ccf0-5f69-a609-6b82873eab3c'],
  ['http://podnews.net/rss//', '9b024349-ccf0-5f69-a609-6b82873eab3c'],
])('the id of the podcast at %s', (address, expected) => {
  expect(podcastId(address)).toBe(expected);
});

describe('an episode', () => {
  test('has what Apple requires and recommends, and what the namespace offers', () => {
    const read = episode(radio);
    expect(read?.enclosures).toEqual([
      {
        url: 'https://feeds.fourrivers.example/media/audio/river-at-dawn.mp3',
        length: radio.media[0]?.length,
        type: 'audio/mpeg',
      },
    ]);
    expect(read?.itunes).toEqual({ duration: 15, explicit: false, episodeType: 'full' });
    expect(read?.podcast).toEqual({
      transcripts: [
        {
          url: 'https://feeds.fourrivers.example/media/audio/river-at-dawn.vtt',
          type: 'text/vtt',
          language: 'en',
          rel: 'captions',
        },
      ],
      chapters: {
        url: 'https://feeds.fourrivers.example/media/audio/river-at-dawn.json',
        type: 'application/json+chapters',
      },
      persons: [
        { display: 'Samira al-Nahri', role: 'host', href: 'https://fourrivers.example/staff/samira-al-nahri' },
        {
          display: 'Daryan Mehrabi',
          role: 'guest',
          group: 'cast',
          img: 'https://feeds.fourrivers.example/media/icon.png',
        },
      ],
    });
  });

  test('begins as the item of the readers’ feed', () => {
    const readers = {
      content: 'full',
      feedLanguage: 'en',
      feedsUrl: publication.feedsUrl,
      publisher: publication,
    } as const;
    const plain = RENDERERS.rss.entry(radio, readers);
    expect(rss?.entry(item(radio), options())).toMatch(plain.slice(0, plain.lastIndexOf('        </item>')));
  });

  test('is explicit where the podcast is', () => {
    expect(episode(radio, { explicit: true })?.itunes?.explicit).toBe(true);
  });

  test('is the first file that apps play', () => {
    const first = { url: 'https://a.example/b.ogg', type: 'audio/ogg', length: 1 };
    const video = { url: 'https://a.example/b.mp4?x=1', type: 'video/mp4', length: 9 };
    const read = episode({ ...radio, media: [first, video] });
    expect(read?.enclosures).toEqual([{ url: video.url, length: 9, type: 'video/mp4' }]);
  });

  test('has its own licence and a square picture', () => {
    const image = { url: 'https://a.example/i.jpg', type: 'image/jpeg', width: 1400, height: 1400 };
    const read = episode({ ...radio, image, license: 'https://a.example/license' });
    expect(read?.itunes?.image).toBe('https://a.example/i.jpg');
    expect(read?.podcast?.license).toEqual({ display: 'License', url: 'https://a.example/license' });
  });

  test('has its own bytes whatever was rendered before', () => {
    const once = rss?.entry(item(radio), options());
    rss?.entry(item(file({})), options());
    expect(rss?.entry(item(radio), options())).toBe(once);
  });
});

test('podcast apps remove what has left the feed', () => {
  expect(rss?.takenBack).toBeUndefined();
});

const { icon: _, ...withoutIcon } = publication;

describe('rules', () => {
  const square = (side: number) => ({ url: 'https://a.example/i.jpg', type: 'image/jpeg', width: side, height: side });
  const persons = (name: string) => [{ name }];
  const long = 'x'.repeat(129);

  test.each<[string, Article, readonly string[]]>([
    ['everything kept', { ...file({}), image: square(1400) }, []],
    ['a picture of unknown size', { ...file({}), image: { url: 'https://a.example/i.jpg' } }, []],
    ['a picture at the limit', { ...file({}), image: square(3000) }, []],
    ['no file', { ...dam, image: square(1400) }, ['no-episode']],
    ['no file: nothing else matters', { ...dam, image: square(9), summary: 'é'.repeat(2001) }, ['no-episode']],
    [
      'a file that apps do not play',
      { ...file({ url: 'https://a.example/b.ogg' }), image: square(2000) },
      ['no-episode'],
    ],
    ['no length', { ...file({ length: 0 }), image: square(2000) }, ['length-unknown']],
    ['another type', { ...file({ type: 'audio/mp3' }), image: square(2000) }, ['type-of-file']],
    ['a small picture', { ...file({}), image: square(1399) }, ['picture-of-episode']],
    ['a large picture', { ...file({}), image: square(3001) }, ['picture-of-episode']],
    ['a wide picture', { ...file({}), image: { ...square(2000), height: 1500 } }, ['picture-of-episode']],
    [
      'a picture of another type',
      { ...file({}), image: { ...square(2000), type: 'image/webp' } },
      ['picture-of-episode'],
    ],
    ['a long description', { ...file({}), image: square(2000), summary: 'é'.repeat(2001) }, ['description-too-long']],
    ['a description at the limit', { ...file({}), image: square(2000), summary: 'é'.repeat(2000) }, []],
    ['a long name', { ...file({ persons: persons(long) }), image: square(2000) }, ['name-too-long']],
    ['a name at the limit', { ...file({ persons: persons(long.slice(1)) }), image: square(2000) }, []],
    [
      'a transcript without https',
      { ...file({ transcript: { url: 'http://a.example/t.vtt', type: 'text/vtt' } }), image: square(2000) },
      ['address-without-https'],
    ],
  ])('%s', (_what, article, expected) => {
    expect(breaches(podcast, item(article))).toEqual(expected);
  });

  test('no duration', () => {
    const media = [{ url: 'https://a.example/b.mp3', type: 'audio/mpeg', length: 5 }];
    expect(breaches(podcast, item({ ...radio, image: square(1400), media }))).toEqual(['duration-unknown']);
  });

  test.each([
    [{ picture: { type: 'image/png', width: 1400, height: 1400 } }, []],
    [{}, []],
    [{ picture: { type: 'image/png', width: 512, height: 512 } }, ['no-picture']],
    [{ picture: { type: 'image/webp' } }, ['no-picture']],
    [{ publication: withoutIcon }, ['no-picture']],
    [{ language: 'en-GB' }, []],
    [{ language: 'ckb' }, ['language-code']],
  ])('of the feed: %j', (feed, expected) => {
    expect(feedBreaches(podcast, feed)).toEqual(expected);
  });
});
