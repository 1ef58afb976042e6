import { visibleControls } from '../lib/text.ts';
import { type Html, html, type Part } from './html.ts';
import { page } from './layout.ts';
import type { ServiceStatus } from './service-status.ts';
import type { Site } from './site.ts';
import { articlesSection } from './status/articles.ts';
import { hoursSection, speedSection, total } from './status/hours.ts';
import { loadSection } from './status/load.ts';
import { needsSections } from './status/needs.ts';
import { feedsSection, savedSection, subscribersSection } from './status/readers.ts';
import { verdictOf } from './status/verdict.ts';
import { type Clock, clockIn, counted, duration, number, share, size } from './status/wording.ts';
import { textsFor } from './texts.ts';
import { isolated } from './words.ts';

/** The operator's port serves what this page loads. The page sends nothing and runs nothing. */
export const STATUS_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

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
${needsSections(status, clock)}${articlesSection(status.articles, status.feeds, clock)}${loadSection(status)}${hoursSection(status.traffic, clock)}${feedsSection(status, site, texts)}${subscribersSection(status.traffic, texts)}${savedSection(status.traffic)}${speedSection(status.traffic, clock)}</div>`;
  return operatorPage(title, main, site);
}

/** What the operator sees where the status cannot be read. */
export function statusErrorPage({ message, hint }: { message: string; hint?: string | undefined }, site: Site): string {
  const main = html`<header class="about">
<h1 class="verdict">The status cannot be read.</h1>
<p class="standfirst"><bdi>${visibleControls(message)}</bdi></p>
${hint !== undefined && html`<p><bdi>${visibleControls(hint)}</bdi></p>\n`}</header>`;
  return operatorPage('The status cannot be read', main, site);
}

function operatorPage(title: string, main: Html, site: Site): string {
  const { publication } = site;
  const body = html`<a class="skip" href="#status">Skip to the status</a>
<header class="wrap">
<div class="bar">
${publicationLink(site)}
<nav aria-label="Operator">
<ul>
<li><a href="status" aria-current="page">Status</a></li>
<li><a href="metrics">Metrics</a></li>
<li><a href="readyz">Readiness</a></li>
</ul>
</nav>
</div>
</header>
<main class="wrap" id="status">
${main}
</main>`;
  return String(
    page({
      site,
      texts: textsFor('en', publication),
      root: '',
      title: `${title} · Status · ${publication.title}`,
      isHidden: true,
      body,
      foot: html`<p class="hush">This page is on the operator’s port alone. It is never cached.</p>`,
    }),
  );
}

/** The name of the publication leads to the pages for readers, if there are any. */
function publicationLink({ publication, hosts }: Site): Html {
  const icon = hosts.load(publication.icon, '');
  const texts = textsFor('en', publication);
  const content = html`${icon !== undefined && html`<img src="${icon}" width="512" height="512" alt=""> `}${isolated(publication.title, publication.language, texts)}`;
  if (publication.pages === undefined) return html`<p class="name">${content}</p>`;
  return html`<a class="name" href="${publication.feedsUrl}">${content}</a>`;
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

function fact(name: string, value: Part, more: Part): Html {
  return html`<div><dt>${name}</dt><dd>${value} <span class="hush">${more}</span></dd></div>`;
}
