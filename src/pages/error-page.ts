import { LATEST } from '../feed/feeds.ts';
import { html } from './html.ts';
import { homeLink, page } from './layout.ts';
import type { Site } from './site.ts';
import { textsFor } from './texts.ts';

/** A page for a person who asked for something that is not there. */
export function errorPage(kind: 'notFound' | 'gone', root: string, site: Site): string {
  const { publication } = site;
  const texts = textsFor(publication.language, publication);
  const title = texts.text(kind);
  const body = html`<header class="wrap">
<div class="bar">
${homeLink(site, texts, root)}
</div>
</header>
<main class="wrap">
<div class="about">
<h1>${title}</h1>
<p class="standfirst"><a href="${root === '' ? './' : root}">${texts.text('showAll')}</a></p>
</div>
</main>`;
  const feed = { key: LATEST, title: publication.title };
  return String(page({ site, texts, root, title: `${title} · ${publication.title}`, isHidden: true, feed, body }));
}
