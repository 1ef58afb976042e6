import { type Html, html } from './html.ts';
import type { ServiceStatus } from './service-status.ts';
import type { Site } from './site.ts';
import { articlesSection } from './status/articles.ts';
import { fact, operatorPage } from './status/frame.ts';
import { hoursSection, speedSection, total } from './status/hours.ts';
import { loadSection } from './status/load.ts';
import { needsSections } from './status/needs.ts';
import { outboxSection } from './status/outbox.ts';
import { feedsSection, savedSection, subscribersSection } from './status/readers.ts';
import { verdictOf } from './status/verdict.ts';
import { type Clock, clockIn, counted, duration, number, share, size } from './status/wording.ts';
import { textsFor } from './texts.ts';

/**
 * How the service is, for its operator. The page is in English, as the log and the documentation are; dates are those of
 * the publication's time zone.
 *
 * @param site with `hosts` that load nothing from elsewhere
 */
export function statusPage(status: ServiceStatus, site: Site): string {
  const { publication } = site;
  const texts = textsFor('en', publication);
  const clock = clockIn(publication.timeZone);
  const { sentence, title } = verdictOf(status);
  const at = Date.parse(status.at);
  const main = html`<header class="about">
<h1 class="verdict">${sentence}</h1>
<p class="hush">As of <time datetime="${status.at}">${clock.date(at)}, ${clock.exact(at)}</time>. Counts are of the last 24 hours where nothing else is said. Reload for newer ones.</p>
</header>
${facts(status, clock)}
<div class="sheet">
${needsSections(status, clock)}${articlesSection(status, clock)}${outboxSection(status, clock)}${loadSection(status)}${hoursSection(status.traffic, clock)}${feedsSection(status, site, texts)}${subscribersSection(status.traffic, texts)}${savedSection(status.traffic)}${speedSection(status.traffic, clock)}</div>`;
  return operatorPage({ title, current: 'Status', root: '', main }, site);
}

function facts({ traffic, articles }: ServiceStatus, clock: Clock): Html {
  const { answers, median, p99, bytes, subscribers } = traffic;
  const requests = total(answers);
  const whole = bytes.sent + bytes.unchanged + bytes.delta + bytes.coding;
  const newest = articles.newest === undefined ? undefined : Date.parse(articles.newest.publishedAt);
  return html`<dl class="facts">
${fact('Requests', number(requests), requests === 0 ? 'in 24 hours' : `${share(answers.unchanged, requests)} unchanged (304)`)}
${fact('Slowest in a hundred', p99 === undefined ? 'None' : duration(p99), median === undefined ? 'no answer yet' : `half within ${duration(median)}`)}
${fact('Declared subscribers', number(subscribers.subscribers), `in ${counted(subscribers.services, 'service')}`)}
${fact('Sent', size(bytes.sent), whole === 0 ? 'nothing yet' : `instead of ${size(whole)}`)}
${fact('Newest story', newest === undefined ? 'None' : html`<time datetime="${articles.newest?.publishedAt}">${clock.shortDay(newest)}</time>`, newest === undefined ? 'nothing is visible' : clock.zoned(newest))}
</dl>`;
}
