/** The headers that feed readers send, but for Host and Connection. */
export interface ReaderHeaders {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The validators of its copy that it sends back. */
  readonly validators: 'tag and date' | 'date' | 'none';
  /** Sent with the validators alone. */
  readonly withValidators?: Readonly<Record<string, string>>;
}

const SIMPLEPIE =
  'application/atom+xml, application/rss+xml, application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, text/html;q=0.7, unknown/unknown;q=0.1, application/unknown;q=0.1, */*;q=0.1';
const SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.0.1 Safari/605.1.15';
const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

/** Recorded from the programs that other tests here run: docs/readers.md has their versions. */
const recorded: readonly ReaderHeaders[] = [
  {
    name: 'newsboat',
    headers: { 'User-Agent': 'newsboat/2.21.0 (Linux x86_64)', Accept: '*/*', 'Accept-Encoding': 'gzip, deflate' },
    validators: 'tag and date',
    withValidators: { 'A-IM': 'feed' },
  },
  {
    name: 'feedparser',
    headers: {
      'User-Agent': 'feedparser/6.0.10 +https://github.com/kurtmckee/feedparser/',
      'Accept-Encoding': 'gzip, deflate',
      Accept:
        'application/atom+xml,application/rdf+xml,application/rss+xml,application/x-netcdf,application/xml;q=0.9,text/xml;q=0.2,*/*;q=0.1',
      'A-Im': 'feed',
    },
    validators: 'tag and date',
  },
  { name: 'sfeed', headers: { Accept: '*/*' }, validators: 'none' },
  { name: 'rss-parser', headers: { 'User-Agent': 'rss-parser', Accept: 'application/rss+xml' }, validators: 'none' },
];

/** As the source of the reader sends them. */
const fromSource: readonly ReaderHeaders[] = [
  {
    name: 'Miniflux',
    headers: {
      'User-Agent': 'Mozilla/5.0 (compatible; Miniflux/2.2.14; +https://miniflux.app)',
      'Accept-Encoding': 'br, gzip',
      Accept:
        'application/xml, application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, text/html, */*;q=0.9',
    },
    validators: 'tag and date',
  },
  {
    name: 'FreshRSS',
    headers: {
      'User-Agent': 'FreshRSS/1.27.1 (Linux; https://freshrss.org)',
      Accept: SIMPLEPIE,
      'Accept-Encoding': 'deflate, gzip, br, zstd',
    },
    validators: 'tag and date',
  },
  {
    name: 'Feedbin',
    headers: { 'User-Agent': 'Feedbin feed-id:1637164 - 12 subscribers', 'Accept-Encoding': 'gzip, deflate' },
    validators: 'tag and date',
  },
  {
    name: 'NewsBlur',
    headers: {
      'User-Agent': `NewsBlur Feed Fetcher - 12 subscribers - http://www.newsblur.com/site/17/news ("${SAFARI}")`,
      Accept: 'application/atom+xml, application/rss+xml, application/xml;q=0.8, text/xml;q=0.6, */*;q=0.2',
      'Accept-Encoding': 'gzip, deflate',
      'A-IM': 'feed',
    },
    validators: 'tag and date',
  },
  {
    name: 'NewsBlur, which takes the name of a browser after an error',
    headers: {
      'User-Agent': `("${SAFARI}")`,
      Accept: 'application/atom+xml, application/rss+xml, application/xml;q=0.8, text/xml;q=0.6, */*;q=0.2',
      'Accept-Encoding': 'gzip, deflate',
    },
    validators: 'none',
  },
  {
    name: 'CommaFeed',
    headers: {
      'User-Agent': 'CommaFeed/5.11.1 (https://github.com/Athou/commafeed)',
      'Accept-Language': 'en',
      Pragma: 'No-cache',
      'Cache-Control': 'no-cache',
      'Accept-Encoding': 'gzip, deflate, br',
    },
    validators: 'tag and date',
  },
  {
    name: 'Thunderbird', // by XMLHttpRequest
    headers: {
      'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Thunderbird/145.0',
      Accept:
        'application/atom+xml,application/rss+xml;q=0.9,application/rdf+xml;q=0.8,application/xml;q=0.7,text/xml;q=0.7,*/*;q=0.1',
      'Accept-Language': 'en-US,en;q=0.5',
      'Accept-Encoding': 'gzip, deflate, br, zstd',
      'Sec-Fetch-Dest': 'empty',
      'Sec-Fetch-Mode': 'cors',
      'Sec-Fetch-Site': 'none',
      Pragma: 'no-cache',
      'Cache-Control': 'no-cache',
    },
    validators: 'date',
  },
];

/** The User-Agent as the reader publishes it or as logs show it, and the defaults of its HTTP library. */
const fromLogs: readonly ReaderHeaders[] = [
  {
    name: 'NetNewsWire',
    headers: {
      'User-Agent': 'NetNewsWire (RSS Reader; https://netnewswire.com/)',
      Accept: '*/*',
      'Accept-Language': 'en-GB,en;q=0.9',
      'Accept-Encoding': 'gzip, deflate, br',
    },
    validators: 'tag and date',
  },
  {
    name: 'Reeder',
    headers: {
      'User-Agent': 'Reeder/5050001 CFNetwork/1568.300.101 Darwin/24.2.0',
      Accept: '*/*',
      'Accept-Language': 'tr-TR,tr;q=0.9',
      'Accept-Encoding': 'gzip, deflate, br',
    },
    validators: 'tag and date',
  },
  {
    name: 'Liferea',
    headers: {
      'User-Agent': 'Liferea/1.14.4 (Linux; https://lzone.de/liferea/) AppleWebKit (KHTML, like Gecko)',
      Accept: 'application/atom+xml,application/xml;q=0.9,text/xml;q=0.8,*/*;q=0.7',
      'Accept-Encoding': 'gzip, deflate',
    },
    validators: 'tag and date',
    withValidators: { 'A-IM': 'feed' },
  },
  {
    name: 'Tiny Tiny RSS',
    headers: { 'User-Agent': 'Tiny Tiny RSS/24.06 (https://tt-rss.org/)', Accept: '*/*', 'Accept-Encoding': 'gzip' },
    validators: 'date',
  },
  {
    name: 'Feedly',
    headers: {
      'User-Agent': 'Feedly/1.0 (+http://www.feedly.com/fetcher.html; 134 subscribers; like FeedFetcher-Google)',
      Accept: '*/*',
      'Accept-Encoding': 'gzip',
    },
    validators: 'tag and date',
  },
  {
    name: 'Inoreader',
    headers: {
      'User-Agent': 'Inoreader/1.0 (+http://www.inoreader.com/feed-fetcher; 12 subscribers; )',
      Accept: '*/*',
      'Accept-Encoding': 'deflate, gzip, br',
    },
    validators: 'tag and date',
  },
  {
    name: 'The Old Reader',
    headers: {
      'User-Agent': 'Mozilla/5.0 (compatible; theoldreader.com; 12 subscribers; feed-id=50b5c1b4)',
      Accept: 'application/atom+xml,application/rss+xml,text/html,*/*;q=0.1',
      'Accept-Encoding': 'gzip, deflate',
    },
    validators: 'tag and date',
  },
  {
    name: 'BazQux',
    headers: {
      'User-Agent': 'Mozilla/5.0 (compatible; BazQux/2.4; +https://bazqux.com/fetcher; 12 subscribers)',
      'Accept-Encoding': 'gzip',
    },
    validators: 'tag and date',
  },
  {
    name: 'AntennaPod',
    headers: { 'User-Agent': 'AntennaPod/3.9.0', 'Accept-Encoding': 'gzip' },
    validators: 'tag and date',
  },
  {
    name: 'Overcast',
    headers: {
      'User-Agent': 'Overcast/1.0 Podcast Sync (12 subscribers; feed-id=17; +http://overcast.fm/)',
      Accept: '*/*',
      'Accept-Encoding': 'gzip',
    },
    validators: 'tag and date',
  },
  {
    name: 'Slack',
    headers: {
      'User-Agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
      Accept: '*/*',
      'Accept-Encoding': 'gzip,deflate',
    },
    validators: 'none',
  },
  {
    name: 'Outlook',
    headers: {
      'User-Agent': 'Mozilla/4.0 (compatible; ms-office; MSOffice 16)',
      Accept: '*/*',
      'Accept-Encoding': 'gzip, deflate',
    },
    validators: 'tag and date',
  },
  {
    name: 'Google Feedfetcher',
    headers: {
      'User-Agent': 'FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)',
      Accept: '*/*',
      'Accept-Encoding': 'gzip, deflate',
      'Cache-Control': 'no-cache,max-age=0',
    },
    validators: 'tag and date',
  },
  {
    name: 'a reader that is an extension of a browser', // fetch in a page of the extension
    headers: {
      'User-Agent': CHROME,
      Accept: '*/*',
      'Accept-Encoding': 'gzip, deflate, br, zstd',
      'Accept-Language': 'en-US,en;q=0.9',
      'Sec-Fetch-Dest': 'empty',
      'Sec-Fetch-Mode': 'cors',
      'Sec-Fetch-Site': 'none',
    },
    validators: 'tag and date',
  },
  {
    name: 'a reader in a web page', // fetch
    headers: {
      'User-Agent': CHROME,
      Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
      'Accept-Encoding': 'gzip, deflate, br, zstd',
      Origin: 'https://reader.example',
      Referer: 'https://reader.example/',
      'Sec-Fetch-Dest': 'empty',
      'Sec-Fetch-Mode': 'cors',
      'Sec-Fetch-Site': 'cross-site',
    },
    validators: 'none',
  },
];

export const READER_HEADERS: readonly ReaderHeaders[] = [...recorded, ...fromSource, ...fromLogs];
