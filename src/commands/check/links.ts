import { isLocalFile, type Newsroom } from '../../article/newsroom.ts';
import type { CheckedArticle } from './checked.ts';
import { attributesOf, elementsIn } from './html-elements.ts';

/** Links of one body that are looked for in its record, which may have megabytes. */
const MOST_SEARCHED = 200;

/** An address without what does not lead to another page: its fragment, and the slash at its end. */
export function pageOf(url: string): string {
  const hash = url.indexOf('#');
  return (hash < 0 ? url : url.slice(0, hash)).replace(/\/$/, '');
}

/**
 * The links of a body that its record writes without a host, and that lead to a page of the newspaper's site: absolute, each
 * once. Links to the home page, to the article itself, to files below media/ and to feeds are left out.
 */
export function relativeLinks({ article, record }: CheckedArticle, newsroom: Newsroom): readonly string[] {
  const { html, url } = article;
  if (!html.includes('<a ')) return [];
  const hosts = new Set([new URL(newsroom.url).host, new URL(url).host]);
  const own = new Set([pageOf(url), pageOf(new URL('/', newsroom.url).href), pageOf(new URL('/', url).href)]);
  const links = new Set<string>();
  for (const tag of elementsIn(html, 'a')) {
    const { href = '' } = attributesOf(tag);
    const target = /^https?:/.test(href) ? URL.parse(href) : null;
    if (target === null || !hosts.has(target.host) || own.has(pageOf(href))) continue;
    if (target.pathname.startsWith('/media/') || isLocalFile(href, newsroom)) continue;
    if (!href.startsWith(`${newsroom.feedsUrl}feeds/`)) links.add(href);
  }
  if (links.size === 0) return [];
  const spelled = JSON.stringify(record);
  return [...links].slice(0, MOST_SEARCHED).filter((link) => !spelled.includes(link));
}
