import type { Article } from '../../article/article.ts';
import { escapeHtml } from '../../lib/text.ts';
import { element } from '../xml.ts';
import type { Dialect, DialectHead, DialectItem, DialectOptions } from './dialect.ts';
import { PUBLIC_FORMATS } from './public-formats.ts';
import { withElements, withNamespaces } from './rss-elements.ts';

const { rss } = PUBLIC_FORMATS;
const WEBFEEDS = { webfeeds: 'http://webfeeds.org/rss/1.0' };
const CHANNEL_DEPTH = 2;
/** Feedly takes the picture of this class for that of the story. */
const FEATURED = ' class="webfeedsFeaturedVisual"';

/** The plain feed with Feedly's elements for the looks of a feed. */
export const feedly: Dialect = {
  name: 'feedly',
  title: 'Feedly',
  status: 'live',
  formats: { rss: { ...rss, head, entry } },
  contentTypes: ['article'],
  defaults: { entries: 50, content: 'full' },
  withdrawal: 'leaves the feed',
  rules: [],
};

function head(head: DialectHead): string {
  const { logo, icon } = head.publication;
  const cover = logo ?? icon;
  const elements = [
    ...(cover === undefined ? [] : [element('webfeeds:cover', { image: cover })]),
    element('webfeeds:related', { layout: 'card', target: 'browser' }),
  ];
  const text = withElements(rss.head(head), CHANNEL_DEPTH, elements);
  return hasNamespace(text) ? text : withNamespaces(text, WEBFEEDS);
}

/** The plain feed of a publication with an icon, a logo or a colour has the namespace. */
function hasNamespace(text: string): boolean {
  const root = text.slice(text.indexOf('<rss'), text.indexOf('>', text.indexOf('<rss')));
  return root.includes(' xmlns:webfeeds=');
}

function entry(item: DialectItem, options: DialectOptions): string {
  return rss.entry({ ...item, article: { ...item.article, html: withFeatured(item.article) } }, options);
}

/** The body with the story's picture marked, or before it. */
function withFeatured({ html, image }: Article): string {
  if (image === undefined) return html;
  const source = ` src="${escapeHtml(image.url)}"`;
  // A clean body has no < and no > in attributes.
  for (let start = html.indexOf('<img '); start >= 0; start = html.indexOf('<img ', start + 1)) {
    const attributes = start + '<img'.length;
    if (html.slice(attributes, html.indexOf('>', start)).includes(source))
      return `${html.slice(0, attributes)}${FEATURED}${html.slice(attributes)}`;
  }
  return `<p><img${FEATURED}${source} alt="${escapeHtml(image.alt ?? '')}" /></p>${html}`;
}
