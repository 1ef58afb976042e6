import type { ImportReport } from './source-record.ts';
import { value } from './wordpress-site.ts';
import type { XmlElement } from './xml.ts';

/** Elements of a post that the reader uses, or that say nothing of the story. */
const KNOWN = new Set(
  (
    'title link guid pubdate description dc:creator content:encoded excerpt:encoded category wp:post_id wp:post_date ' +
    'wp:post_date_gmt wp:post_modified wp:post_modified_gmt wp:status wp:post_type wp:post_password wp:post_name ' +
    'wp:post_parent wp:comment_status wp:ping_status wp:menu_order wp:is_sticky wp:attachment_url'
  ).split(' '),
);
/** Taxonomies of categories that records have, or that say how a theme shows the post. */
const TAXONOMIES = new Set(['', 'category', 'post_tag', 'tag', 'author', 'post_format']);
const USED_META = new Set(['footnotes', 'enclosure']);
const MAX_KEY = 60;

/** Reports what a post carries and records have no place for. Meta fields that begin with “_” are of the software. */
export function reportUnusedOfPost(item: XmlElement, report: ImportReport): void {
  for (const child of item.children) {
    if (typeof child === 'string') continue;
    const domain = child.attributes.get('domain') ?? '';
    if (child.name === 'category' && !TAXONOMIES.has(domain))
      report.unused(`<category domain="${domain.slice(0, MAX_KEY)}">`);
    if (child.name === 'wp:postmeta') reportMeta(child, report);
    else if (!KNOWN.has(child.name) && child.name !== 'wp:comment' && child.children.length > 0)
      report.unused(`<${child.tag}>`);
  }
}

function reportMeta(entry: XmlElement, report: ImportReport): void {
  const key = value(entry, 'wp:meta_key');
  if (key.startsWith('_') || USED_META.has(key) || value(entry, 'wp:meta_value') === '') return;
  report.unused(`wp:postmeta ${key.slice(0, MAX_KEY)}`);
}
