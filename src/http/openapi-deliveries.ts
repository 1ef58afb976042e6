import { UNSEEN } from '../partner/receipts.ts';
import { json, operation, pathParameter, queryParameter } from './openapi-operations.ts';
import { address, count, type Json, list, object, oneOf, text, time } from './openapi-types.ts';

const limit = queryParameter('limit', {
  description: 'Entries on a page. A page may have fewer.',
  schema: { type: 'integer', minimum: 1, maximum: 500, default: 100 },
  example: 100,
});

const cursor = queryParameter('cursor', {
  description: 'The `cursor` of the page before.',
  schema: { type: 'string', pattern: '^[0-9]+\\.[0-9]+$' },
  example: '1795176000000.17',
});

function since(description: string): Json {
  return queryParameter('since', {
    description: `${description} A moment of RFC 3339, or a day.`,
    schema: { type: 'string', minLength: 10 },
    example: '2026-11-01',
  });
}

const recordedUntil = time('The record is complete up to that moment, but for its gaps.');
const nextCursor = text('The `cursor` of the next page. The last page has none.', { examples: ['1795176000000.17'] });
const partner = text('The id of the partner.', { examples: ['herald'] });
const key = text('The id of the key.', { examples: ['7905f266f5d4'] });
const feed = text('The feed, or `changes`. `unknown` where the partner has no such feed.', { examples: ['latest'] });

const DELIVERY = object('An answer to a partner.', {
  at: time('When it was decided: what it says is of that moment.'),
  partner,
  key,
  feed,
  format: text('The format.', { examples: ['rss'] }),
  status: count('The status. 499: the client left before.', 200),
  bytes: count('Bytes of the body that were sent; at most so many where the answer broke off.'),
  whole: { type: 'boolean', description: 'Whether the whole answer was sent. An answer to HEAD delivers nothing.' },
  revision: count('The newest revision in the document.'),
  network: text('The network of the client.', { examples: ['192.0.2.0/24'] }),
});

const GAP = object('A time in which nobody recorded.', {
  from: time('Its beginning.'),
  to: time('Its end.'),
});

const RECEIPT = object('Whether a partner has fetched a document that carries it.', {
  partner,
  state: oneOf(['seen', ...UNSEEN, 'left out', 'expired'], 'What is known. docs/deliveries.md says what each proves.'),
  'at?': time('Of `seen`: the first such answer.'),
  'key?': text('Of `seen`: the id of the key.', { examples: ['7905f266f5d4'] }),
  'feed?': text('Of `seen`: the feed, or `changes`.', { examples: ['latest'] }),
  'rule?': text('Of `left out`: the rule of the partner’s dialect that the corrected story breaks.', {
    examples: ['title-too-short'],
  }),
  'known?': oneOf(UNSEEN, 'Of `expired`: what was known when the partner’s retention ended.'),
});

const WITHDRAWAL = object('A story that partners had to take down, or a correction with a note.', {
  article: text('The newsroom’s id of the article.', { examples: ['2026/bridge'] }),
  publicId: text('The id in every feed.', { examples: ['tag:www.example.com,2026:2026/bridge'] }),
  kind: oneOf(
    ['withdrawn', 'expired', 'rights-ended', 'moved', 'rights-changed', 'corrected'],
    'What happened. `moved`: the story has left the partner’s feeds. `rights-changed`: its rights name other partners.',
  ),
  at: time('When it happened.'),
  published: time('The first publication.'),
  'title?': text('The title. Missing where the article was erased.'),
  'url?': address('The story on the newspaper’s own site.'),
  'reason?': text('The reason of a withdrawal.'),
  'note?': text('The note of a correction.'),
  receipts: list(RECEIPT, 'One for each partner that could have the story.'),
});

export const deliverySchemas: Json = {
  DeliveryPage: object('A page of the list.', {
    deliveries: list(DELIVERY, 'Newest first.'),
    gaps: list(GAP, 'The times in which nobody recorded, since the oldest delivery on the page.'),
    recordedUntil,
    'cursor?': nextCursor,
  }),
  WithdrawalPage: object('A page of the list.', {
    withdrawals: list(WITHDRAWAL, 'Newest first. Those that no partner could have are left out.'),
    recordedUntil,
    'cursor?': nextCursor,
  }),
};

const deliveryPage = {
  deliveries: [
    {
      ...{ at: '2026-11-28T06:30:05Z', partner: 'herald', key: '7905f266f5d4', feed: 'latest', format: 'rss' },
      ...{ status: 200, bytes: 48_211, whole: true, revision: 4711, network: '192.0.2.0/24' },
    },
  ],
  gaps: [{ from: '2026-11-28T07:00:00Z', to: '2026-11-28T07:00:02Z' }],
  recordedUntil: '2026-11-28T09:00:00Z',
  cursor: '1795847405000.17',
};

const withdrawalPage = {
  withdrawals: [
    {
      ...{ article: '2026/bridge', publicId: 'tag:www.example.com,2026:2026/bridge', kind: 'withdrawn' },
      ...{ at: '2026-11-28T06:29:00Z', published: '2026-11-27T18:00:00Z', title: 'Bridge closed' },
      ...{ url: 'https://www.example.com/2026/bridge', reason: 'A mistake.' },
      receipts: [
        { partner: 'herald', state: 'seen', at: '2026-11-28T06:30:05Z', key: '7905f266f5d4', feed: 'latest' },
        { partner: 'post', state: 'not seen' },
        { partner: 'wire', state: 'expired', known: 'not recorded' },
      ],
    },
  ],
  recordedUntil: '2026-11-28T09:00:00Z',
};

function page(name: 'DeliveryPage' | 'WithdrawalPage', summary: string, value: unknown): Json {
  const schema = { $ref: `#/components/schemas/${name}` };
  return { 200: json('A page. The last page has no `cursor`.', { schema, examples: { page: [summary, value] } }) };
}

const listDeliveries = operation({
  id: 'listDeliveries',
  tag: 'Partners',
  access: 'read',
  summary: 'List deliveries to a partner',
  description: 'What a partner has fetched, newest first.',
  parameters: [
    pathParameter('partner', {
      description: 'The id of the partner: the name of its file without `.yaml`.',
      schema: { type: 'string', minLength: 1 },
      example: 'herald',
    }),
    cursor,
    limit,
    since('Only deliveries since this time.'),
  ],
  answers: page('DeliveryPage', 'A page that is not the last', deliveryPage),
  errors: ['invalid_query', 'invalid_path', 'not_found'],
});

const listWithdrawals = operation({
  id: 'listWithdrawals',
  tag: 'Partners',
  access: 'read',
  summary: 'List withdrawals with receipts',
  description:
    'The stories that partners had to take down (withdrawn, expired, end of rights), and corrections with a note, newest first. Each has a receipt for every partner: whether it has fetched a document with the withdrawal or correction.',
  parameters: [
    cursor,
    limit,
    since('Only those since this time. By default, those of 30 days.'),
    queryParameter('partner', {
      description: 'Only the receipts of this partner.',
      schema: { type: 'string', minLength: 1 },
      example: 'herald',
    }),
  ],
  answers: page('WithdrawalPage', 'A withdrawal that one of three partners has seen', withdrawalPage),
  errors: ['invalid_query'],
});

export const deliveryPaths: Json = {
  '/api/partners/{partner}/deliveries': { get: listDeliveries },
  '/api/withdrawals': { get: listWithdrawals },
};
