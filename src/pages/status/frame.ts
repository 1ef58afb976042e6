import { visibleControls } from '../../lib/text.ts';
import { type Html, html, type Part } from '../html.ts';
import { page } from '../layout.ts';
import type { Site } from '../site.ts';
import { textsFor } from '../texts.ts';
import { isolated } from '../words.ts';

interface OperatorPage {
  readonly title: string;
  /** The entry of the navigation that the page belongs to. */
  readonly current: 'Status' | 'Partners';
  /** The way to the root of the port: empty, or `../`. */
  readonly root: string;
  readonly main: Html;
}

/** The operator's port serves what its pages load. They send nothing and run nothing. */
export const OPERATOR_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A page of the operator's port. It is in English, as the log and the documentation are. */
export function operatorPage({ title, current, root, main }: OperatorPage, site: Site): string {
  const { publication } = site;
  const hasPartners = (publication.partners ?? []).length > 0 || current === 'Partners';
  const links: readonly (readonly [path: string, name: string])[] = [
    ['status', 'Status'],
    ...(hasPartners ? [['partners', 'Partners'] as const] : []),
    ['metrics', 'Metrics'],
    ['readyz', 'Readiness'],
  ];
  const items = links.map(
    ([path, name]) =>
      html`<li><a href="${root}${path}"${name === current && html` aria-current="page"`}>${name}</a></li>\n`,
  );
  const body = html`<a class="skip" href="#status">Skip to the ${current === 'Status' ? 'status' : 'partners'}</a>
<header class="wrap">
<div class="bar">
${publicationLink(site, root)}
<nav aria-label="Operator">
<ul>
${items}</ul>
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
      root,
      title: `${title} · ${current} · ${publication.title}`,
      isHidden: true,
      body,
      foot: html`<p class="hush">This page is on the operator’s port alone. It is never cached.</p>`,
    }),
  );
}

/** What the operator sees where a page cannot be made. */
export function operatorErrorPage(
  { code, message, hint }: { code: string; message: string; hint?: string | undefined },
  { current, root }: Pick<OperatorPage, 'current' | 'root'>,
  site: Site,
): string {
  const unreadable = current === 'Status' ? 'The status cannot be read' : 'The partners cannot be read';
  const title = code === 'not_found' ? 'There is no such page' : unreadable;
  const main = html`<header class="about">
<h1 class="verdict">${title}.</h1>
<p class="standfirst"><bdi>${visibleControls(message)}</bdi></p>
${hint !== undefined && html`<p><bdi>${visibleControls(hint)}</bdi></p>\n`}</header>`;
  return operatorPage({ title, current, root, main }, site);
}

/** The name of the publication leads to the pages for readers, if there are any. */
function publicationLink({ publication, hosts }: Site, root: string): Html {
  const icon = hosts.load(publication.icon, root);
  const texts = textsFor('en', publication);
  const content = html`${icon !== undefined && html`<img src="${icon}" width="512" height="512" alt=""> `}${isolated(publication.title, publication.language, texts)}`;
  if (publication.pages === undefined) return html`<p class="name">${content}</p>`;
  return html`<a class="name" href="${publication.feedsUrl}">${content}</a>`;
}

/** A number with its name, at the top of a page. */
export function fact(name: string, value: Part, more: Part): Html {
  return html`<div><dt>${name}</dt><dd>${value} <span class="hush">${more}</span></dd></div>`;
}
