import { PROBLEM_KINDS } from '../publish/open-problems.ts';
import { count, type Json, language, list, object, oneOf, text, time } from './openapi-types.ts';

const feed = text('The key of a feed: its address without the ending.', { examples: ['latest', 'section/harbour'] });
const article = text('The newsroom’s id of the article.', { examples: ['2026/bridge'] });
const code = text('One of docs/errors.md.', { examples: ['invalid_article'] });
const version = text('The version of the program.', { examples: ['0.1.0'] });

function milliseconds(description: string): Json {
  return { type: 'number', minimum: 0, description: `${description} In milliseconds.` };
}

const median = milliseconds('Half of the answers took at most so long.');
const p99 = milliseconds('Ninety-nine of a hundred answers took at most so long.');

const answers = object('Answers by their status.', {
  whole: count('200 and 206.'),
  delta: count('226: only what the reader did not have.'),
  unchanged: count('304.'),
  other: count('Other statuses below 400.'),
  clientErrors: count('400 to 499.'),
  serverErrors: count('500 to 599.'),
});

const problem = object('Something that the newsroom has to put right.', {
  kind: oneOf(PROBLEM_KINDS, 'As in `ProblemSource`.'),
  'path?': text('The path of the file below the data folder.'),
  'key?': text('The name of the key that sent the record.'),
  'format?': text('The format that omits the article.'),
  'article?': article,
  since: time('The first report of it, at the earliest the last start.'),
  code,
  problems: list({ $ref: '#/components/schemas/Problem' }, 'Every defect.'),
});

const dated = (description: string) => object(description, { article, at: time('The moment.') });

const traffic = object('What was answered in the hour that is not over yet, and in the 23 before it.', {
  hours: list(
    object('An hour.', { from: time('Its beginning.'), answers, 'median?': median, 'p99?': p99 }),
    'All 24 hours, oldest first.',
  ),
  answers,
  'median?': median,
  'p99?': p99,
  bytes: object('Bytes of feeds and pages. Their sum is what whole documents had been, uncompressed.', {
    sent: count('Sent.'),
    unchanged: count('Not sent, because the reader had the document: 304.'),
    delta: count('Left out of deltas: 226.'),
    coding: { type: 'integer', description: 'Taken away by content codings.' },
  }),
  feeds: list(
    object('A feed, in all formats, and with its page.', {
      feed,
      name: text('The name of the feed.'),
      'language?': language('The language of the name.'),
      requests: count('Requests that were answered with the feed, or with a part of it, or with 304.'),
      unchanged: count('Those that were answered with 304.'),
      delta: count('Those that were answered with 226.'),
      'p99?': p99,
      subscribers: count('Declared subscribers of all services.'),
    }),
    'The 20 feeds with the most requests, the most first.',
  ),
  otherFeeds: object('All other feeds.', {
    feeds: count(
      'The number of the other requested feeds. The service counts at most 1,000 feeds of an hour each by itself.',
    ),
    requests: count('Their requests.'),
  }),
  services: list(
    object('What a service declares in its User-Agent. Anybody can declare anything.', {
      service: text('The name of the service.'),
      subscribers: count('For each feed the highest number that it has declared, added up.'),
      feeds: count('The feeds for which it has declared subscribers.'),
    }),
    'The 20 services with the most subscribers, the most first.',
  ),
  subscribers: object('All services.', {
    subscribers: count('Their subscribers.'),
    services: count('How many services there are.'),
  }),
});

const load = object('How busy the service is. With several processes, sums.', {
  queues: list(
    object('A queue of requests.', {
      lane: oneOf(
        ['newsroom', 'feeds', 'changes', 'others'],
        'The newsroom, feeds that were answered before, all other requests.',
      ),
      waiting: count('Requests that wait.'),
      limit: count('Requests that may wait.'),
    }),
    'The queues.',
  ),
  connections: object('Connections.', { open: count('Open connections.'), limit: count('How many may be open.') }),
  cache: object('Rendered documents and entries in memory.', {
    bytes: count('Their bytes.'),
    limit: count('How many bytes there may be.'),
    evicted: count('How many had to make room for others since the start.'),
  }),
  eventLoopDelay: milliseconds('The longest block of the event loop in the last minute, in the slowest process.'),
});

const outbox = list(
  object('A cache or a static site that the service tells of changes.', {
    target: text('What it is and where.', { examples: ['varnish:http://10.0.0.7:6081/'] }),
    kind: text('What the service does there: `purge` a cache, or `publish` a static site.', { examples: ['purge'] }),
    state: oneOf(['up to date', 'pending', 'failing'], 'What it knows.'),
    'due?': time(
      'Since when there is something to tell, or when there will be. Missing where nothing is known to come.',
    ),
    'nextAttempt?': time('The next attempt, where one has failed.'),
    'isEverything?': { type: 'boolean', description: 'Every document is to be told, and not those of some feeds.' },
    failures: count('Attempts in a row that have failed.'),
    'failingSince?': time('The first of them.'),
    'lastError?': text('Why the last one failed.'),
  }),
  'The targets, in the order of their names.',
);

/** The answer of `GET /api/outbox`. */
export const outboxSchema = object('The systems that learn of changes.', { targets: outbox });

export const outboxExample = {
  targets: [
    {
      target: 'cloudflare:023e105f4ecef8ad9ca31a8372d0c353',
      kind: 'purge',
      state: 'failing',
      due: '2026-11-29T16:58:00Z',
      nextAttempt: '2026-11-29T17:00:30Z',
      failures: 4,
      failingSince: '2026-11-29T16:58:00Z',
      lastError: 'api.cloudflare.com answers 429',
    },
    { target: 'varnish:http://10.0.0.7:6081/', kind: 'purge', state: 'up to date', failures: 0 },
  ],
};

/** The answer of `GET /api/status`. */
export const statusSchema = object('The state of the service.', {
  at: time('Now.'),
  publication: text('The title of the publication.'),
  version,
  startedAt: time('The start of the process that started first.'),
  processes: count('How many processes serve.', 1),
  'outage?': text('Why readers are not served. Missing where they are.'),
  needs: object('What somebody has to put right.', {
    'damage?': text('What is damaged in the store.'),
    'disk?': text('Why changes cannot be stored, or soon cannot.'),
    'database?': text('Why a replica takes no changes: its database is away.'),
    problems: list(problem, 'The newest 20 of what is refused now. `GET /api/problems` has all.'),
    problemCount: count('How many problems there are.'),
  }),
  articles: object('Articles by their status. All are 0 where the store cannot be read.', {
    visible: count('Visible articles.'),
    embargoed: count('Articles that are not visible yet.'),
    expired: count('Articles that were visible until they expired.'),
    withdrawn: count('Withdrawn articles, erased ones included.'),
    'nextAppears?': dated('The article that becomes visible next.'),
    'nextExpires?': dated('The article that expires next.'),
    'newest?': object('The newest visible article.', { article, publishedAt: time('Its publication.') }),
  }),
  feeds: count('Feeds that readers can get. Updated once a minute.'),
  'fillingFeeds?': count('Feeds with new rules that are being filled with their articles: their readers get 503.'),
  'outbox?': outbox,
  traffic,
  load,
  store: object('The store and its disk.', {
    revision: count('The revision of the last change.'),
    bytes: count('The size of its file.'),
    logBytes: count('The size of the log of changes beside it.'),
    freeBytes: count('Bytes that are free on its disk.'),
  }),
});

const exampleAnswers = { whole: 310, delta: 95, unchanged: 1840, other: 3, clientErrors: 12, serverErrors: 0 };

export const statusExample = {
  at: '2026-11-29T17:00:04Z',
  publication: 'The Four Rivers Courier',
  version: '0.1.0',
  startedAt: '2026-11-21T13:00:00Z',
  processes: 1,
  needs: { problems: [], problemCount: 0 },
  articles: {
    visible: 53,
    embargoed: 2,
    expired: 1,
    withdrawn: 1,
    nextAppears: { article: '2026/sealed-letters', at: '2026-12-01T05:00:00Z' },
    newest: { article: '2026/bridge', publishedAt: '2026-11-28T06:30:00Z' },
  },
  feeds: 44,
  traffic: {
    hours: [{ from: '2026-11-29T17:00:00Z', answers: exampleAnswers, median: 0.13, p99: 2.4 }],
    answers: exampleAnswers,
    median: 0.13,
    p99: 2.4,
    bytes: { sent: 2_130_000, unchanged: 76_400_000, delta: 3_100_000, coding: 7_800_000 },
    feeds: [
      {
        feed: 'latest',
        name: 'The Four Rivers Courier',
        language: 'en',
        requests: 1600,
        unchanged: 1350,
        delta: 80,
        p99: 2.4,
        subscribers: 5210,
      },
    ],
    otherFeeds: { feeds: 0, requests: 0 },
    services: [{ service: 'Feedly', subscribers: 5210, feeds: 1 }],
    subscribers: { subscribers: 5210, services: 1 },
  },
  load: {
    queues: [{ lane: 'newsroom', waiting: 0, limit: 256 }],
    connections: { open: 412, limit: 10_000 },
    cache: { bytes: 14_200_000, limit: 25_165_824, evicted: 0 },
    eventLoopDelay: 4.1,
  },
  store: { revision: 61, bytes: 1_100_000, logBytes: 200_000, freeBytes: 24_000_000_000 },
};
