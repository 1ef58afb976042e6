import { gunzipSync } from 'node:zlib';
import type { ServiceStatus } from '../../src/pages/service-status.ts';
import { type Answer, ask, PUBLICATION, record } from '../helpers.ts';

/** The newsroom that the load is for. */
export const NEWSROOM = {
  'publication.yaml': `${PUBLICATION}feeds: [{ id: water, title: Water, language: en, select: { any: [tag/water] } }]\n`,
  'articles/a.json': JSON.stringify(
    record({ id: 'a', tags: ['Water'], sections: ['World'], body: `<p>${'long '.repeat(400)}</p>` }),
  ),
  'articles/b.json': JSON.stringify(record({ id: 'b', tags: ['Water'], publishedAt: '2026-11-20T11:00:00Z' })),
};

/** What a status says of the traffic, without what depends on the speed of the machine. */
export function figuresIn({ traffic }: ServiceStatus) {
  const { answers, bytes, feeds, otherFeeds, services, subscribers } = traffic;
  return { answers, bytes, feeds: feeds.map(({ p99, ...feed }) => feed), otherFeeds, services, subscribers };
}

/** What a client has counted of the answers that it got. */
export interface Load {
  /** Counts an answer that is for no document. */
  readonly count: (status: number) => void;
  /** In the form of the status. */
  readonly figures: () => { readonly answers: object };
}

interface FeedFigures {
  readonly feed: string;
  readonly name: string;
  readonly language: string | undefined;
  requests: number;
  unchanged: number;
  delta: number;
  subscribers: number;
}

interface Poll {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Asks a service for feeds in all formats and codings, as readers, browsers and services do, and changes an article. Each of the
 * requests waits for the answer before it.
 */
export async function scriptedLoad(port: number, key: string, poll: typeof ask = ask): Promise<Load> {
  const answers = { whole: 0, delta: 0, unchanged: 0, other: 0, clientErrors: 0, serverErrors: 0 };
  const bytes = { sent: 0, unchanged: 0, delta: 0, coding: 0 };
  const feeds = new Map<string, FeedFigures>();
  const declared = new Map<string, Map<string, number>>();
  const whole = new Map<string, number>();

  function count(status: number): void {
    if (status === 200 || status === 206) answers.whole += 1;
    else if (status === 226) answers.delta += 1;
    else if (status === 304) answers.unchanged += 1;
    else if (status < 400) answers.other += 1;
    else if (status < 500) answers.clientErrors += 1;
    else answers.serverErrors += 1;
  }

  /** Asks for a document. */
  async function read(
    feed: string | undefined,
    path: string,
    { method = 'GET', headers = {} }: Poll = {},
  ): Promise<Answer> {
    if (!whole.has(path)) {
      whole.set(path, -1);
      const { body } = await read(feed, path);
      whole.set(path, body.length);
    }
    const answer = await poll(port, path, { method, headers });
    const { status, body } = answer;
    count(status);
    const length = whole.get(path) ?? 0;
    if (method === 'GET' && status === 304) bytes.unchanged += length;
    else if (method === 'GET') {
      const uncoded = answer.headers['content-encoding'] === 'gzip' ? gunzipSync(body).length : body.length;
      bytes.sent += body.length;
      bytes.coding += uncoded - body.length;
      if (status === 226) bytes.delta += length - uncoded;
    }
    const figures = feed === undefined ? undefined : feeds.get(feed);
    if (figures !== undefined) {
      figures.requests += 1;
      if (status === 304) figures.unchanged += 1;
      if (status === 226) figures.delta += 1;
    }
    return answer;
  }

  function declare(service: string, feed: string, subscribers: number): void {
    const ofService = declared.get(service) ?? new Map<string, number>();
    ofService.set(feed, Math.max(subscribers, ofService.get(feed) ?? 0));
    declared.set(service, ofService);
  }

  const named = (feed: string, name: string, language?: string) =>
    feeds.set(feed, { feed, name, language, requests: 0, unchanged: 0, delta: 0, subscribers: 0 });
  named('latest', 'The Test Post', 'en');
  named('water', 'Water', 'en');
  named('section/world', 'World');

  const tags = new Map<string, string>();
  for (const path of ['/feeds/latest.rss', '/feeds/latest.atom', '/feeds/latest.json', '/feeds/latest']) {
    const { headers } = await read('latest', path);
    tags.set(path, headers.etag ?? '');
    await read('latest', path, { method: 'HEAD' });
    await read('latest', path, { headers: { 'Accept-Encoding': 'gzip' } });
    await read('latest', path, { headers: { 'If-None-Match': headers.etag ?? '' } });
    await read('latest', path, { method: 'HEAD', headers: { 'If-None-Match': headers.etag ?? '' } });
  }
  await read(undefined, '/');
  await read(undefined, '/?q=water');

  for (const [agent, service, path, feed, subscribers] of [
    ['Feedly/1.0 (poller; 12 subscribers;)', 'Feedly', '/feeds/water.rss', 'water', 12],
    ['Feedly/1.0 (poller; 40 subscribers;)', 'Feedly', '/feeds/water.atom', 'water', 40],
    ['Feedly/1.0 (poller; 15 subscribers;)', 'Feedly', '/feeds/water.json', 'water', 15],
    ['Feedly/1.0 (poller; 7 subscribers;)', 'Feedly', '/feeds/section/world.rss', 'section/world', 7],
    ['Feedbin feed-id:1 - 1 subscribers', 'Feedbin', '/feeds/water.rss', 'water', 1],
    ['Breaker/v315 (subscribers=3; feed-id=1)', 'Breaker', '/feeds/water.rss', 'water', 3],
  ] as const) {
    await read(feed, path, { headers: { 'User-Agent': agent } });
    declare(service, feed, subscribers);
  }
  await read('water', '/feeds/water.rss', { headers: { 'User-Agent': 'Reader/1 (1e9 subscribers)' } });

  for (const path of ['/feeds/nothing.rss', '/nothing']) count((await poll(port, path)).status);
  count((await poll(port, '/feed')).status);
  count((await poll(port, '/feeds/latest.rss', { method: 'POST' })).status);
  const put = await poll(port, '/api/articles/c', {
    method: 'PUT',
    headers: { Authorization: `Bearer ${key}` },
    body: JSON.stringify(record({ id: 'c', url: 'https://news.example/c', publishedAt: '2026-11-20T12:00:00Z' })),
  });
  count(put.status);
  whole.clear(); // the documents have changed
  await read('latest', '/feeds/latest.rss', {
    headers: { 'A-IM': 'feed', 'If-None-Match': tags.get('/feeds/latest.rss') ?? '' },
  });

  return { count, figures: () => ({ answers, bytes, ...feedFigures(feeds, declared), ...serviceFigures(declared) }) };
}

function feedFigures(
  feeds: ReadonlyMap<string, FeedFigures>,
  declared: ReadonlyMap<string, ReadonlyMap<string, number>>,
) {
  const listed = [...feeds.values()].map((figures) => {
    const subscribers = [...declared.values()].reduce((sum, ofService) => sum + (ofService.get(figures.feed) ?? 0), 0);
    const { language, ...others } = { ...figures, subscribers };
    return language === undefined ? others : { ...others, language };
  });
  return { feeds: listed.sort((one, other) => other.requests - one.requests), otherFeeds: { feeds: 0, requests: 0 } };
}

function serviceFigures(declared: ReadonlyMap<string, ReadonlyMap<string, number>>) {
  const services = [...declared].map(([service, ofService]) => ({
    service,
    subscribers: [...ofService.values()].reduce((sum, each) => sum + each, 0),
    feeds: ofService.size,
  }));
  const subscribers = services.reduce((sum, each) => sum + each.subscribers, 0);
  return {
    services: services.sort((one, other) => other.subscribers - one.subscribers),
    subscribers: { subscribers, services: services.length },
  };
}
