import type { Publication } from '../config/publication.ts';
import { type FeedKey, FORMATS, feedPath, MEDIA_TYPES } from '../feed/feeds.ts';
import { creativeCommons } from '../terms/creative-commons.ts';
import { licenseLink } from '../terms/license-link.ts';
import { RSL_TYPE, rslAddress } from '../terms/rsl.ts';
import { FORMAT_NAMES } from './addresses.ts';
import { type Html, html, type Part } from './html.ts';
import type { Site } from './site.ts';
import type { Texts } from './texts.ts';
import { isolated, languageOf, name, plainLine } from './words.ts';

interface Page {
  readonly site: Site;
  readonly texts: Texts;
  /** The way to the root of the service: empty, or `../`. */
  readonly root: string;
  readonly title: string;
  readonly description?: string;
  /** Search engines leave the page out. */
  readonly isHidden?: boolean;
  /** The feed that browsers and readers find at this page, with its title. */
  readonly feed?: { readonly key: FeedKey; readonly title: string };
  readonly hasScript?: boolean;
  /** What stands in `body`, before the foot. */
  readonly body: Html;
  /** What stands in the foot; by default, the rights and the contact. */
  readonly foot?: Html;
}

/** A whole page. */
export function page({ site, texts, root, title, description, isHidden, feed, hasScript, body, foot }: Page): Html {
  const { publication, assets, hosts } = site;
  const { favicon: own = publication.icon } = publication;
  const favicon = own === undefined ? `${root}favicon.ico` : hosts.load(own, root);
  return html`<!DOCTYPE html>
<html lang="${texts.language}" dir="${texts.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${plainLine(title)}</title>
${description !== undefined && html`<meta name="description" content="${plainLine(description)}">\n`}${isHidden && html`<meta name="robots" content="noindex">\n`}${favicon !== undefined && html`<link rel="icon" href="${favicon}">\n`}<link rel="stylesheet" href="${root}${assets.style.path}">
${hasScript && html`<script src="${root}${assets.script.path}" defer></script>\n`}${feed !== undefined && alternates(feed, publication)}${isHidden !== true && licenses(publication)}</head>
<body>
${body}
${footer(foot ?? rights(publication, texts))}</body>
</html>
`;
}

function footer(content: Html | undefined): Part {
  return content !== undefined && html`<footer class="foot wrap">\n${content}\n</footer>\n`;
}

/** The links by which browsers and readers find a feed in the head of a page. */
export function alternates(
  { key, title }: { readonly key: FeedKey; readonly title: string },
  { feedsUrl }: Publication,
): Part {
  return FORMATS.map(
    (format) =>
      html`<link rel="alternate" type="${MEDIA_TYPES[format]}" title="${plainLine(title)} (${FORMAT_NAMES[format]})" href="${feedsUrl}${feedPath(key, format)}">\n`,
  );
}

/** The licence for people, which the foot of the page names as well, and the terms for machines. */
function licenses(publication: Publication): Part {
  const license = publication.terms === undefined ? undefined : licenseLink(publication);
  const rsl = rslAddress(publication);
  return [
    license !== undefined && html`<link rel="license" href="${license.href}">\n`,
    rsl !== undefined && html`<link rel="license" type="${RSL_TYPE}" href="${rsl}">\n`,
  ];
}

/** The links to a feed in its formats. Screen readers hear which feed. */
export function formats(key: FeedKey, title: string, texts: Texts, root: string): Html {
  const links = FORMATS.map(
    (format) =>
      html`<li><a href="${root}${feedPath(key, format)}" type="${MEDIA_TYPES[format]}">${FORMAT_NAMES[format]}<span class="vh">: ${name(title, texts)}</span></a></li>`,
  );
  return html`<ul class="formats">${links}</ul>`;
}

/** A part of a page in the language of the publication. */
export function ofPublication(text: string, { language }: Publication, texts: Texts): Part {
  return isolated(text, language, texts);
}

/** The link to the page of all feeds. */
export function homeLink({ publication, hosts }: Site, texts: Texts, root: string): Html {
  const icon = hosts.load(publication.icon, root);
  const home = root === '' ? './' : root;
  return html`<a class="name" href="${home}"${languageOf(publication.language, texts)}>${icon !== undefined && html`<img src="${icon}" width="512" height="512" alt=""> `}${publication.title}</a>`;
}

/** Undefined where the publication names neither its rights nor an address. */
function rights(publication: Publication, texts: Texts): Html | undefined {
  const { copyright, license, terms, contact } = publication;
  const licenceName =
    license === undefined ? undefined : shownLicence(license, terms?.license?.name, publication, texts);
  const parts = [
    ...(copyright === undefined ? [] : [html`<li>${ofPublication(copyright, publication, texts)}</li>`]),
    ...(license === undefined
      ? []
      : [html`<li><a rel="license" href="${license}">${texts.text('licence')}${licenceName}</a></li>`]),
    ...(contact?.email === undefined
      ? []
      : [html`<li><a href="mailto:${contact.email}">${texts.text('contact')}</a></li>`]),
  ];
  if (parts.length === 0) return undefined;
  return html`<ul class="hush">
${parts.map((part) => html`${part}\n`)}</ul>`;
}

/** The name of a licence: the operator's, or the short name of a Creative Commons licence from its address. */
function shownLicence(url: string, own: string | undefined, publication: Publication, texts: Texts): Part {
  if (own !== undefined) return html`: ${ofPublication(own, publication, texts)}`;
  const common = creativeCommons(url)?.name;
  return common === undefined ? undefined : html`: <bdi dir="ltr">${common}</bdi>`;
}
