import { describe, expect, test } from 'vitest';
import { createDeclarations, declaredSubscribers } from '../../src/telemetry/declared-subscribers.ts';

describe('User-Agents of services', () => {
  test.each([
    ['Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers; like FeedFetcher-Google)', 'Feedly', 12],
    ['Feedly/1.0 (poller; 6120 subscribers;)', 'Feedly', 6120],
    ['Inoreader/1.0 (+http://www.inoreader.com/feed-fetcher; 1 subscribers; )', 'Inoreader', 1],
    ['Mozilla/5.0 (compatible; inoreader.com; 25 subscribers)', 'Inoreader', 25],
    ['Feedbin feed-id:1373711 - 420 subscribers', 'Feedbin', 420],
    ['Feedbin - 3 subscribers', 'Feedbin', 3],
    [
      'NewsBlur Feed Fetcher - 910 subscribers - http://www.newsblur.com/site/1/x ("Mozilla/5.0 (Macintosh) Safari/601.3.9")',
      'NewsBlur',
      910,
    ],
    ['NewsBlur Feed Fetcher - 1 subscriber - http://www.newsblur.com/site/1/x', 'NewsBlur', 1],
    ['Mozilla/5.0 (compatible; theoldreader.com; 640 subscribers; feed-id=5f3a0e)', 'The Old Reader', 640],
    ['Mozilla/5.0 (compatible; BazQux/2.4; +https://bazqux.com/fetcher; 300 subscribers)', 'BazQux', 300],
    [
      'FeedHQ/1.0 (https://github.com/feedhq/feedhq; 1 subscriber; https://example.com; like FeedFetcher-Google)',
      'FeedHQ',
      1,
    ],
    ['Netvibes (http://www.netvibes.com/; 5 subscribers; feedID: 123)', 'Netvibes', 5],
    ['Bloglovin/1.0 (http://www.bloglovin.com; 44 subscribers)', 'Bloglovin', 44],
    ['Feed Wrangler/1.0 (2 subscribers; feed-id=7; http://feedwrangler.net; Allow like Gecko)', 'Feed Wrangler', 2],
    ['Newsify Feed Fetcher - 9 subscribers - http://newsify.co (like Gecko)', 'Newsify', 9],
    ['FeedBlitz/1.0 (8 subscribers)', 'FeedBlitz', 8],
    [
      'Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 17 subscribers; feed-id=123456)',
      'Feedfetcher-Google',
      17,
    ],
    ['PlainFeeder v0.0.1 (+http://plainfeeder.com/about ; Subscriber Count: 6)', 'PlainFeeder', 6],
    ['Overcast/1.0 Podcast Sync (77 subscribers; feed-id=99; +http://overcast.fm/)', 'Overcast', 77],
    ['Breaker/v315 (subscribers=12; feed-id=1; url=https://feeds.example/a)', 'Breaker', 12],
    ['LiveJournal.com (webmaster@livejournal.com; for http://a.livejournal.com/; 31 readers)', 'LiveJournal.com', 31],
    ['livedoor FeedFetcher/0.01 (http://reader.livedoor.com/; 1 subscriber)', 'livedoor FeedFetcher', 1],
    ['Bloglines/3.1 (http://www.bloglines.com; 25 subscribers)', 'Bloglines', 25],
    ['Rojo 1.0 (http://www.rojo.com/corporate/help/agg/; Aggregating on behalf of 7 subscriber(s) online)', 'Rojo', 7],
    ['YahooFeedSeeker/2.0 (compatible; Mozilla 4.0; MSIE 5.5; http://x; users 12; views 40)', 'YahooFeedSeeker', 12],
  ])('%s', (agent, service, subscribers) => {
    expect(declaredSubscribers(agent)).toEqual({ service, subscribers });
  });
});

describe('no declaration', () => {
  test.each([
    'FreshRSS/1.24.3 (Linux; https://freshrss.org)',
    'Mozilla/5.0 (compatible; Miniflux/2.2.0; +https://miniflux.app)',
    'NetNewsWire (RSS Reader; https://netnewswire.com/)',
    'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    'NewsBlur Page Fetcher - 910 subscribers - http://www.newsblur.com/site/1/x',
    'NewsBlur Favicon Fetcher - 910 subscribers - http://www.newsblur.com/site/1/x',
    'Reader/1.0 (1e9 subscribers)',
    'Reader/1.0 (-5 subscribers)',
    'Reader/1.0 (- 0 subscribers)',
    'Reader/1.0 (1.5 subscribers)',
    'Reader/1.0 (1,234 subscribers)',
    'Reader/1.0 (1000000001 subscribers)',
    'Reader/1.0 (99999999999999999999 subscribers)',
    'Reader/1.0 (NaN subscribers)',
    'Reader/1.0 (١٢ subscribers)',
    'Reader/1.0 (x12 subscribers)',
    'Reader/1.0 (12 subscribersx)',
    'Reader/1.0 (subscribers=1e9)',
    'Reader/1.0 (subscribers=-1)',
    '12 subscribers',
    'Mozilla/5.0 (X11; 12 subscribers)',
    '(12 subscribers)',
    '\u00a0 (12 subscribers)',
    '',
  ])('%s', (agent) => {
    expect(declaredSubscribers(agent)).toBeUndefined();
  });
});

test('a name is printable, and at most 40 characters', () => {
  expect(declaredSubscribers(`A\t\u0085B\u202e${'C'.repeat(100)} (2 subscribers)`)).toEqual({
    service: `A B ${'C'.repeat(36)}`,
    subscribers: 2,
  });
});

test('the largest number that can be', () => {
  expect(declaredSubscribers('A/1 (1000000000 subscribers)')?.subscribers).toBe(1e9);
});

test('a long User-Agent is read in time that grows with its length alone', () => {
  const declarationOf = createDeclarations();
  for (const part of [
    '1',
    '1 ',
    '1 subscriber',
    'subscribers =',
    'users 1; ',
    ' ',
    '(',
    ' - ',
    'Mozilla/5.0 (compatible; ',
  ]) {
    expect(declarationOf(`${part.repeat(100_000)}`)?.subscribers ?? 0).toBeLessThanOrEqual(1);
  }
});

test('the memory of User-Agents gives what reading gives, also when it begins anew', () => {
  const declarationOf = createDeclarations();
  for (let round = 0; round < 3; round += 1) {
    for (let number = 1; number < 2500; number += 1) {
      expect(declarationOf(`A${number} (${number} subscribers)`)?.subscribers).toBe(number);
    }
    expect(declarationOf('NetNewsWire')).toBeUndefined();
  }
});
