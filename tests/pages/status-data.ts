import type { AnswerCounts, ServiceStatus, StatusProblem, TrafficHour } from '../../src/pages/service-status.ts';

export const NO_ANSWERS: AnswerCounts = {
  whole: 0,
  delta: 0,
  unchanged: 0,
  other: 0,
  clientErrors: 0,
  serverErrors: 0,
};

const HOUR = 3_600_000;

/** The hours of a status, up to the one of a moment. */
export function hoursUntil(at: string, fill: (index: number) => Partial<TrafficHour> = () => ({})): TrafficHour[] {
  const last = Math.floor(Date.parse(at) / HOUR) * HOUR;
  return Array.from({ length: 24 }, (_, index) => ({
    from: new Date(last - (23 - index) * HOUR).toISOString().replace('.000', ''),
    answers: NO_ANSWERS,
    ...fill(index),
  }));
}

/** The status of a service that has just started, with an empty data folder. */
export function newService(at = '2026-11-29T17:00:04Z'): ServiceStatus {
  return {
    at,
    publication: 'The Four Rivers Courier',
    version: '0.1.0',
    startedAt: new Date(Date.parse(at) - 5000).toISOString(),
    processes: 1,
    needs: { problems: [], problemCount: 0 },
    articles: { visible: 0, embargoed: 0, expired: 0, withdrawn: 0 },
    feeds: 1,
    traffic: {
      hours: hoursUntil(at),
      answers: NO_ANSWERS,
      bytes: { sent: 0, unchanged: 0, delta: 0, coding: 0 },
      feeds: [],
      otherFeeds: { feeds: 0, requests: 0 },
      services: [],
      subscribers: { subscribers: 0, services: 0 },
    },
    load: {
      queues: [
        { lane: 'newsroom', waiting: 0, limit: 256 },
        { lane: 'feeds', waiting: 0, limit: 1000 },
        { lane: 'others', waiting: 0, limit: 250 },
      ],
      connections: { open: 1, limit: 10_000 },
      cache: { bytes: 0, limit: 25_165_824, evicted: 0 },
      eventLoopDelay: 0,
    },
    store: { revision: 0, bytes: 135_168, logBytes: 0, freeBytes: 24_000_000_000 },
  };
}

/** The day that the sample newsroom had in the drafts of this page. */
export function busyDay(at = '2026-11-29T17:00:04Z'): ServiceStatus {
  const whole = [5, 4, 3, 2, 2, 1, 1, 2, 3, 4, 6, 8, 9, 9, 8, 8, 7, 7, 7, 8, 9, 10, 10, 4].map((n) => n * 120);
  const hours = hoursUntil(at, (index) => {
    const n = whole[index] ?? 0;
    const answers = {
      whole: n,
      delta: Math.round(n * 0.9),
      unchanged: n * 9,
      other: 12,
      clientErrors: Math.round(n * 0.06),
      serverErrors: index === 17 ? 18 : 0,
    };
    return { answers, median: 1 + n / 2400, p99: 2 + n / 600 };
  });
  const sum = (kind: keyof AnswerCounts) => hours.reduce((all, { answers }) => all + answers[kind], 0);
  const feed = (key: string, name: string, requests: number, language?: string) => ({
    feed: key,
    name,
    ...(language === undefined ? {} : { language }),
    requests,
    unchanged: Math.round(requests * 0.82),
    delta: Math.round(requests * 0.079),
    p99: 1.9 + requests / 80_000,
    subscribers: Math.round(requests / 18),
  });
  return {
    ...newService(at),
    startedAt: '2026-11-21T12:40:00Z',
    articles: {
      visible: 53,
      embargoed: 2,
      expired: 1,
      withdrawn: 1,
      nextAppears: { article: 'en/sealed-letters', at: '2036-03-21T03:00:00Z' },
      newest: { article: 'en/dam', publishedAt: '2026-11-21T19:10:00Z' },
    },
    feeds: 44,
    traffic: {
      hours,
      answers: {
        whole: sum('whole'),
        delta: sum('delta'),
        unchanged: sum('unchanged'),
        other: sum('other'),
        clientErrors: sum('clientErrors'),
        serverErrors: sum('serverErrors'),
      },
      median: 1.2,
      p99: 2.9,
      bytes: { sent: 900_000_000, unchanged: 25_000_000_000, delta: 2_400_000_000, coding: 1_900_000_000 },
      feeds: [
        feed('latest', 'Latest', 96_400),
        feed('language/ckb', 'کوردیی ناوەندی', 21_300, 'ckb'),
        feed('language/en', 'English', 18_240, 'en'),
        feed('rivers', 'Rivers', 12_900, 'en'),
        feed('section/culture', 'Culture', 9210),
        feed('language/ar', 'العربية', 7340, 'ar'),
        feed('tag/ژینگە', 'ژینگە', 3980),
      ],
      otherFeeds: { feeds: 36, requests: 9730 },
      services: [
        { service: 'Feedly', subscribers: 6120, feeds: 31 },
        { service: 'Inoreader', subscribers: 2480, feeds: 28 },
        { service: 'NewsBlur', subscribers: 910, feeds: 17 },
      ],
      subscribers: { subscribers: 10_870, services: 6 },
    },
    load: {
      queues: [
        { lane: 'newsroom', waiting: 0, limit: 256 },
        { lane: 'feeds', waiting: 3, limit: 1000 },
        { lane: 'others', waiting: 0, limit: 250 },
      ],
      connections: { open: 412, limit: 10_000 },
      cache: { bytes: 14_900_000, limit: 25_165_824, evicted: 0 },
      eventLoopDelay: 4,
    },
    store: { revision: 61, bytes: 1_100_000, logBytes: 200_000, freeBytes: 24_000_000_000 },
  };
}

export function refusedFile(path: string, problems: StatusProblem['problems']): StatusProblem {
  return { kind: 'file', path, since: '2026-11-29T16:37:24Z', code: 'invalid_article', problems };
}

/** Two files that are refused, as in the drafts of this page. */
export const TWO_FILES: readonly StatusProblem[] = [
  refusedFile('articles/ckb/berhem.json', [
    {
      field: 'image.url',
      value: 'ftp://x/olives.jpg',
      rule: 'must be an http or https address of at most 4096 characters',
      line: 7,
      column: 21,
    },
    { field: 'imgae', rule: 'is not a known field. Did you mean image?', line: 6, column: 12 },
  ]),
  refusedFile('articles/en/market-day.md', [
    { field: 'publishedAt', value: '2026-11-21 9:30', rule: 'must be a date that exists, with time and zone', line: 4 },
  ]),
];
