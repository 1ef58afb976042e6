import { type SourceDate, sourceDate } from './dates.ts';
import { looseText } from './loose-text.ts';
import {
  MAX_NAME,
  MAX_SECTIONS,
  MAX_TAGS,
  type Person,
  terms,
  type UrlResolver,
  urlResolver,
} from './record-fields.ts';
import type { Warn } from './source-record.ts';
import { childElements, firstElement, hasChildElements, textContent, type XmlElement } from './xml.ts';
import { resolveAddress } from './xml-markup.ts';

// Elements that both RSS items and Atom entries have, for each format borrows from the other.

/** The address of the story among its links (RFC 4287 §4.2.7.2). A link to HTML is preferred. */
export function alternate(links: readonly XmlElement[]): string | undefined {
  const alternates = links.filter(({ attributes }) => ['alternate', ''].includes(attributes.get('rel') ?? ''));
  const link = alternates.find(({ attributes }) => /^$|html/.test(attributes.get('type') ?? '')) ?? alternates[0];
  const href = link?.attributes.get('href')?.trim() ?? '';
  return href === '' ? undefined : resolveAddress(href, link?.base);
}

/**
 * The address that relative ones of a feed without xml:base are resolved against: that of the site in RSS, of the document
 * in Atom, else the first one that the feed names of itself.
 */
export function baseOf(head: readonly XmlElement[], address: string | undefined): string | undefined {
  const resolve = urlResolver(undefined);
  const site = head.find((element) => element.name === 'link' && resolve(textContent(element)) !== undefined);
  if (site !== undefined) return resolve(textContent(site));
  if (address !== undefined) return address;
  const links = head.filter(({ name }) => name === 'atom:link');
  const self = links.find(({ attributes }) => attributes.get('rel') === 'self');
  const id = textContent(head.find(({ name }) => name === 'atom:id'));
  return resolve(alternate(links)) ?? resolve(self?.attributes.get('href')) ?? resolve(id);
}

/** The first valid date among the children of an item or the head of a feed, else the first text. */
export function date(children: XmlElement['children'], names: readonly string[]): SourceDate | undefined {
  const elements = children.filter((child) => typeof child !== 'string');
  const found = names
    .flatMap((name) => elements.filter((element) => element.name === name))
    .map((candidate) => sourceDate(textContent(candidate), `<${candidate.tag}>`))
    .filter(({ text }) => text !== '');
  return found.find(({ instant }) => instant !== undefined) ?? found[0];
}

/** Reports the dates whose zone has a name that nobody knows. */
export function checkZones(dates: readonly (SourceDate | undefined)[], warn: Warn): void {
  for (const date of dates) {
    if (date?.unknownZone !== undefined)
      warn(`has the zone ${JSON.stringify(date.unknownZone)}, which is not known: it is read as UTC`, date.element);
  }
}

/** The sections and tags of a story. */
export function categories(
  item: XmlElement,
  warn: Warn,
): { sections: string[] | undefined; tags: string[] | undefined } {
  const wrapped = childElements(item, 'categories', 'tags').flatMap((list) => childElements(list, 'category', 'tag'));
  const named = [...childElements(item, 'category', 'atom:category', 'tag'), ...wrapped];
  const subjects = childElements(item, 'dc:subject').map((subject) => looseText(textContent(subject)));
  return {
    sections: terms(named.filter(isSection).map(categoryName), MAX_SECTIONS, warn),
    tags: terms(
      [...named.filter((category) => !isSection(category)).map(categoryName), ...subjects, ...keywords(item)],
      MAX_TAGS,
      warn,
    ),
  };
}

/** Subjects that stand in one element, parted by commas. */
function keywords(item: XmlElement): string[] {
  const groups = childElements(item, 'media:group');
  const files = [item, ...groups].flatMap((scope) => childElements(scope, 'media:content'));
  return [item, ...groups, ...files]
    .flatMap((scope) => childElements(scope, 'media:keywords', 'itunes:keywords', 'keywords', 'categories', 'tags'))
    .filter((list) => !hasChildElements(list))
    .flatMap((list) => looseText(textContent(list)).split(/[,،]/));
}

/** Feeds of this program mark a section by its scheme. */
function isSection({ attributes }: XmlElement): boolean {
  return /\/section\/$/.test(attributes.get('domain') ?? attributes.get('scheme') ?? '');
}

function categoryName(category: XmlElement): string {
  const own = category.children.filter((child) => typeof child === 'string').join('');
  return looseText(category.attributes.get('label') ?? (own.trim() || (category.attributes.get('term') ?? '')));
}

/** Reads an author: `mail@example.com (Name)` in RSS 2.0, elsewhere `Name <mail@example.com>` or the name alone. */
function personOf(text: string): Person {
  if (text.length > MAX_NAME) return { name: text };
  const [, mail, name] = /^(\S+@\S+)\s*\((.+)\)$/.exec(text) ?? [];
  if (mail !== undefined && name !== undefined) return { name, email: mail };
  const [, before, address] = /^(.+?)\s*[<(](\S+@\S+)[>)]$/.exec(text) ?? [];
  if (before !== undefined && address !== undefined) return { name: before, email: address };
  return { name: text, email: text };
}

/** The Atom authors of an element, which RSS items may have as well. */
export function atomPeople(element: XmlElement): Person[] {
  return childElements(element, 'atom:author').map(personElement);
}

/** Reads an author whose name, mail address and site have elements of their own; some feeds write only the name. */
export function personElement(author: XmlElement): Person {
  if (!hasChildElements(author)) return personOf(looseText(textContent(author)));
  const text = (...names: readonly string[]) => looseText(textContent(firstElement(author, ...names)));
  const email = text('atom:email', 'email') || undefined;
  return {
    name: text('atom:name', 'name', 'dc:title', 'rdf:value') || ownText(author) || nameOfParts(text) || email,
    email,
    url: urlResolver(author.base)(text('atom:uri', 'atom:url', 'uri', 'url')),
  };
}

/** The name of a person whose given name and family name have elements of their own. */
function nameOfParts(text: (...names: readonly string[]) => string): string {
  const given = text('first', 'firstname', 'first-name', 'first_name', 'given', 'givenname', 'given-name');
  const family = text('last', 'lastname', 'last-name', 'last_name', 'family', 'familyname', 'family-name', 'surname');
  return `${given} ${family}`.trim();
}

/** The text of an element without that of the elements in it. */
function ownText({ children }: XmlElement): string {
  return looseText(children.filter((child) => typeof child === 'string').join(''));
}

/** The people of the first list in which an element says something. */
export function firstNamed(...lists: readonly (readonly Person[])[]): readonly Person[] {
  return lists.find((people) => people.some(({ name = '' }) => name.trim() !== '')) ?? [];
}

/** The address of the license of an item, else of its feed. */
export function license(item: XmlElement, head: readonly XmlElement[], resolve: UrlResolver): string | undefined {
  const licenses = [...item.children.filter((child) => typeof child !== 'string'), ...head]
    .filter(({ name, attributes }) => name.endsWith(':license') || attributes.get('rel') === 'license')
    .map((element) => element.attributes.get('rdf:resource') ?? element.attributes.get('href') ?? textContent(element));
  return licenses.map(resolve).find((url) => url !== undefined);
}
