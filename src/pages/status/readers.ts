import { shorten } from '../../lib/text.ts';
import { feedAddress } from '../addresses.ts';
import { type Html, html, type Part } from '../html.ts';
import type { FeedTraffic, ServiceStatus, Traffic } from '../service-status.ts';
import type { Site } from '../site.ts';
import type { Texts } from '../texts.ts';
import { isolated, name } from '../words.ts';
import { type Colour, cell, numberCell, row, section, swatch, table } from './markup.ts';
import { meter, sharesBar } from './plots.ts';
import { capital, counted, countedInWords, duration, number, share, size } from './wording.ts';

/** Characters of a name in a table. */
const LONGEST = 60;

/** The feeds with the most requests. */
export function feedsSection({ traffic }: ServiceStatus, { publication }: Site, texts: Texts): Html {
  const { feeds, otherFeeds } = traffic;
  const most = Math.max(0, ...feeds.map(({ requests }) => requests));
  const hasPages = publication.pages !== undefined; // at the service's own port
  const rows = feeds.map((feed) => {
    const title = titleOf(feed, texts);
    const link = hasPages ? html`<a href="${publication.feedsUrl}${feedAddress(feed.feed)}">${title}</a>` : title;
    return row(link, [
      cell(meter(feed.requests, most)),
      numberCell(number(feed.requests)),
      numberCell(share(feed.unchanged, feed.requests)),
      numberCell(share(feed.delta, feed.requests)),
      numberCell(feed.p99 === undefined ? '' : duration(feed.p99)),
      numberCell(number(feed.subscribers)),
    ]);
  });
  const columns = [
    { title: 'Feed' },
    { title: 'Requests', isWide: true, span: 2 },
    ...['304', 'Deltas', '99 of 100', 'Subscribers'].map((title) => ({ title, isNumber: true })),
  ] as const;
  return section({
    id: 'feeds',
    title: 'Feeds by requests',
    note: feeds.length === 0 ? undefined : feedsNote(feeds.length, otherFeeds),
    isWide: true,
    body:
      feeds.length === 0 ? html`<p>No request for a feed yet in these 24 hours.</p>` : table('feeds', columns, rows),
  });
}

function feedsNote(shown: number, { feeds, requests }: Traffic['otherFeeds']): string {
  const note = `${capital(countedInWords(shown, 'feed'))}, in all formats and with the page.`;
  if (feeds === 0) return note;
  return `${note} The other ${countedInWords(feeds, 'feed')} had ${counted(requests, 'request')} together.`;
}

function titleOf({ feed, name: title, language }: FeedTraffic, texts: Texts): Part {
  if (title === '') return feed;
  const short = shorten(title, LONGEST);
  return language === undefined ? name(short, texts) : isolated(short, language, texts);
}

/** How many people services read for. */
export function subscribersSection({ services, subscribers }: Traffic, texts: Texts): Html {
  const most = Math.max(0, ...services.map((each) => each.subscribers));
  const rows = services.map((each) =>
    row(name(shorten(each.service, LONGEST), texts), [
      cell(meter(each.subscribers, most)),
      numberCell(number(each.subscribers)),
      numberCell(number(each.feeds)),
    ]),
  );
  const others = subscribers.services - services.length;
  const columns = [
    { title: 'Service' },
    { title: 'Subscribers', span: 2 },
    { title: 'Feeds', isNumber: true },
  ] as const;
  return section({
    id: 'subscribers',
    title: 'Subscribers',
    note: 'As services declare them in their User-Agent: nobody has checked the numbers. Readers that fetch for one person are not among them.',
    body:
      services.length === 0
        ? html`<p>No service has declared subscribers yet in these 24 hours.</p>`
        : html`${table('subscribers', columns, rows)}${others > 0 && html`\n<p class="hush">And ${counted(others, 'more service')}.</p>`}`,
  });
}

/** What conditional requests, deltas and compression are worth. */
export function savedSection({ bytes }: Traffic): Html {
  const { sent, unchanged, delta, coding } = bytes;
  const whole = sent + unchanged + delta + coding;
  const parts: readonly (readonly [Colour, string, number])[] = [
    ['k1', 'Unchanged', unchanged],
    ['k2', 'Deltas', delta],
    ['k5', 'Compression', coding],
    ['k3', 'Sent after all', sent],
  ];
  const rows = parts.map(([colour, title, n]) =>
    row(html`${swatch(colour)}${title}`, [numberCell(size(n)), numberCell(share(n, whole))]),
  );
  const label = `Of ${size(whole)}: ${size(unchanged)} not sent because nothing had changed, ${size(delta)} left out by deltas, ${size(coding)} taken away by compression, ${size(sent)} sent`;
  const columns = [{ title: 'Thanks to' }, { title: 'Size', isNumber: true }, { title: 'Share', isNumber: true }];
  const series = parts.map(([colour, , n]) => ({ colour, n }));
  return section({
    id: 'saved',
    title: 'Bytes saved',
    note:
      whole === 0
        ? undefined
        : `${capital(size(sent))} went out. Whole and uncompressed it would have been ${size(whole)}.`,
    body:
      whole === 0
        ? html`<p>Nothing was sent yet in these 24 hours.</p>`
        : html`${sharesBar(series, label)}${table('saved', columns, rows)}`,
  });
}
