import type { ImportReport } from './source-record.ts';
import type { XmlElement } from './xml.ts';

/** Elements of RSS items and Atom entries that the readers use. */
const USED = new Set(
  (
    'guid id atom:id link atom:link title dc:title media:title atom:title pubdate dc:date dcterms:issued ' +
    'atom:published dcterms:created atom:issued atom:created atom:updated atom:modified dcterms:modified description ' +
    'dc:description content:encoded xhtml:body xhtml:div body fullitem atom:summary atom:content itunes:summary ' +
    'dc:language dc:creator author dc:author itunes:author atom:author category atom:category categories tags tag ' +
    'keywords media:keywords itunes:keywords dc:subject media:group media:content media:thumbnail media:description ' +
    'media:credit itunes:image itunes:duration enclosure atom:enclosure enc:enclosure source atom:source dc:rights atom:rights atom:copyright ' +
    'copyright license feedburner:origlink'
  ).split(' '),
);

/** Elements that say nothing of the story, or repeat what other elements say. */
const WITHOUT_CONTENT = new Set(
  (
    'comments atom:comments atom:generator dc:identifier dc:type dc:format dc:publisher itunes:title itunes:explicit ' +
    'itunes:block itunes:subtitle media:rating app:edited app:control'
  ).split(' '),
);
/** Modules of comments, of the feed's own schedule and of reading software. */
const WITHOUT_CONTENT_MODULES = new Set(['slash', 'wfw', 'sy', 'thr', 'feedburner', 'rdf', 'xml']);

/** Reports the children of an item that carry something and that records have no place for. */
export function reportUnused(item: XmlElement, report: ImportReport): void {
  for (const child of item.children) {
    if (typeof child === 'string' || USED.has(child.name) || WITHOUT_CONTENT.has(child.name)) continue;
    const [module = ''] = child.name.split(':', 1);
    if (child.name.endsWith(':license') || WITHOUT_CONTENT_MODULES.has(module) || !hasContent(child)) continue;
    report.unused(`<${child.tag}>`);
  }
}

function hasContent({ children, attributes }: XmlElement): boolean {
  return attributes.size > 0 || children.some((child) => typeof child !== 'string' || child.trim() !== '');
}
