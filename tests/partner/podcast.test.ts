import { parseRssFeed } from 'feedsmith';
import { expect, test } from 'vitest';
import { parsePartner } from '../../src/config/partners.ts';
import type { PodcastSettings } from '../../src/feed/podcasts.ts';
import { podcast } from '../../src/format/dialect/podcast.ts';
import { createPartnerArranger } from '../../src/partner/arranger.ts';
import { createStories } from '../../src/partner/stories.ts';
import { publication, radio } from '../format/dialect/sample.ts';

const AT = Date.UTC(2026, 10, 20);
const ref = {
  number: 1,
  revision: 5,
  publishedAt: radio.publishedAt,
  updatedAt: radio.publishedAt,
};

/** The podcast of a partner with one story, as a reader understands it. */
async function podcastOf(settings?: PodcastSettings) {
  const parsed = parsePartner({ id: 'radio', text: 'name: Radio\ndialect: podcast\nfeeds: [latest]\n' });
  if (!('id' in parsed)) throw new Error(JSON.stringify(parsed));
  const partner = settings === undefined ? parsed : { ...parsed, podcast: settings };
  const articles = async () => [{ number: 1, revision: 5, article: radio }];
  const snapshot = { name: '', entries: [ref], takenBack: [], changedAt: ref.publishedAt };
  const report = (_article: string, _rendering: object, error: unknown) => {
    throw error;
  };
  const parts = {
    store: { articles, erasedAfter: async () => [], history: async () => [] },
    publication,
    report,
    maxBytes: 1e6,
  };
  const nothing = async () => [];
  const lastRevision = async () => 5;
  const former = { formerMembers: nothing, formerMemberships: nothing, memberships: nothing, articles, lastRevision };
  const store = { partnerSnapshot: async () => snapshot, setting: async () => undefined, ...former };
  const arrange = createPartnerArranger({ store, publication, stories: createStories(parts) });
  const arranged = await arrange(partner, { name: 'latest', key: 'latest' }, { dialect: podcast, format: 'rss' }, AT);
  return parseRssFeed(arranged?.document.bytes.toString() ?? '');
}

test('the settings of a partner are in the head and in each episode', async () => {
  const image = 'https://cdn.example/radio.jpg';
  const { itunes, items } = await podcastOf({ explicit: true, category: 'History', image });
  expect(itunes).toMatchObject({ explicit: true, categories: [{ text: 'History' }], image });
  expect(items?.map((item) => item.itunes?.explicit)).toEqual([true]);
});

test('without settings, a podcast has the icon of the publication', async () => {
  const { itunes, items } = await podcastOf();
  expect(itunes).toMatchObject({ explicit: false, image: 'https://feeds.fourrivers.example/media/icon.png' });
  expect(items?.map((item) => item.itunes?.explicit)).toEqual([false]);
});
