import type { Partner } from '../../src/config/partners.ts';
import type { Dialect, DialectRenderer, DialectRule } from '../../src/format/dialect/dialect.ts';
import { rfc3339 } from '../../src/lib/instant.ts';

/** A partner with the fields that matter to a test. */
export function partnerOf(fields: Partial<Partner> = {}): Partner {
  return {
    id: 'wire',
    name: 'The Wire',
    dialect: 'plain',
    contentType: 'article',
    feeds: ['latest'],
    window: { offset: 0 },
    delay: 0,
    mediaRights: { withoutCredits: [], onlySyndicated: false },
    campaign: {},
    retention: 30 * 86_400_000,
    ...fields,
  };
}

/** Writes of a story no more than tests look at. */
const renderer: DialectRenderer = {
  mediaType: 'application/json',
  head: () => '',
  entry: ({ article }) => {
    if (article.title === 'broken') throw new Error('it cannot be rendered');
    return JSON.stringify({ title: article.title, url: article.url });
  },
  takenBack: ({ article, at }) => JSON.stringify({ uri: article.publicId, canceled: rfc3339(at) }),
  separator: ',',
  tail: '',
};

/** Refuses stories without a summary worth the name. */
const noShortTitles: DialectRule = {
  id: 'title-too-short',
  level: 'refuse',
  evidence: 'M',
  source: 'https://consumer.example/rules',
  read: '2026-11-29',
  asks: 'A title has at least five characters.',
  field: 'title',
  breach: ({ article }) => (article.title.length < 5 ? 'has fewer than five characters' : undefined),
};

function dialect(name: Dialect['name'], own: DialectRenderer, rules: readonly DialectRule[] = []): Dialect {
  return {
    name,
    title: name,
    status: 'live',
    formats: { json: own },
    contentTypes: ['article'],
    defaults: { entries: 50, content: 'full' },
    withdrawal: 'leaves the feed',
    rules,
  };
}

const { takenBack: _, ...withoutTakenBack } = renderer;

export const dialects = {
  plain: dialect('plain', withoutTakenBack),
  ninjs: dialect('ninjs', renderer),
  msn: dialect('msn', withoutTakenBack, [noShortTitles]),
};
