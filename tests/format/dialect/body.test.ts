import fc from 'fast-check';
import { Parser } from 'htmlparser2';
import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import { sanitizeBody } from '../../../src/article/sanitize.ts';
import { reduceBody } from '../../../src/format/dialect/body.ts';
import { type BodyRules, COMMON_BODY, namesOf } from '../../../src/format/dialect/body-rules.ts';
import { linkTarget } from '../../../src/lib/url.ts';
import { anyHtml, nestedHtml } from '../../article/arbitrary-html.ts';
import { sized } from '../../soak/sizes.ts';

const BODIES = sized({ short: 150, soak: 4000, full: 200_000 });

/** Rules of every kind: few elements, many, flat ones, none but paragraphs. */
const RULES: Readonly<Record<string, BodyRules>> = {
  common: COMMON_BODY,
  flat: { ...COMMON_BODY, depth: 3, isOneBreak: true },
  strict: {
    elements: namesOf('p br strong b em i u h1 h2 blockquote a img iframe ul ol li hr'),
    attributes: { a: ['href'], img: ['src', 'alt', 'data-caption'], iframe: ['src'] },
    renamed: { h3: 'h2', h4: 'h2', h5: 'h2', h6: 'h2' },
    tables: 'text',
    links: { most: 1 },
    players: namesOf('www.youtube.com'),
    isOneBreak: true,
    pictures: { types: new Set(['image/png']), caption: { attribute: 'data-caption', limit: 255 }, isOnce: true },
  },
  paragraphs: { elements: namesOf('p'), attributes: {} },
  words: { elements: new Set(), attributes: {} },
};

const clean = (html: string) => sanitizeBody(html, (reference) => linkTarget(reference, 'https://news.example/')) ?? '';

/** The elements of well-formed HTML, with the number of levels around each. Throws if it is not well-formed. */
function elementsIn(html: string): { name: string; attributes: string[]; depth: number }[] {
  const found: { name: string; attributes: string[]; depth: number }[] = [];
  let depth = 0;
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (depth > 0) found.push({ name, attributes: Object.keys(attributes), depth });
    depth += 1;
  });
  parser.on('closetag', () => {
    depth -= 1;
  });
  parser.write(`<root>${html}</root>`).close();
  return found;
}

/** The letters of HTML without spaces, and without those of elements that may go with what they say. */
function lettersOf(html: string, leftOut: ReadonlySet<string>): string {
  let text = '';
  let inside = 0;
  const parser = new Parser({
    onopentag: (name) => {
      if (leftOut.has(name)) inside += 1;
    },
    ontext: (data) => {
      if (inside === 0) text += data;
    },
    onclosetag: (name) => {
      if (leftOut.has(name)) inside -= 1;
    },
  });
  parser.write(html);
  parser.end();
  return text.replace(/\s+/g, '');
}

/** Whether all characters of one text are in the other, in this order. */
function isWithin(part: string, whole: string): boolean {
  let from = 0;
  for (const character of part) {
    from = whole.indexOf(character, from) + character.length;
    if (from < character.length) return false;
  }
  return true;
}

describe.each(Object.entries(RULES))('any body, reduced by the rules “%s”', (_, rules) => {
  /** Struck-out words go with their element, captions with their picture, and tables as text repeat headings. */
  const leftOut = namesOf('s del rp figure iframe audio video table');
  const attributes = (name: string) => [...(rules.attributes['*'] ?? []), ...(rules.attributes[name] ?? [])];

  test('is well-formed, has only what the rules allow, keeps its words, and stays as it is when reduced again', {
    tags: ['soak'],
  }, () => {
    fc.assert(
      fc.property(fc.oneof(anyHtml, nestedHtml).map(clean), (html) => {
        const reduced = reduceBody(html, rules);
        for (const { name, attributes: names, depth } of elementsIn(reduced)) {
          expect(rules.elements).toContain(name);
          expect(depth).toBeLessThanOrEqual(rules.depth ?? Number.POSITIVE_INFINITY);
          expect(names.filter((each) => !attributes(name).includes(each))).toEqual([]);
        }
        const links = elementsIn(reduced).filter(({ name }) => name === 'a').length;
        expect(links).toBeLessThanOrEqual(rules.links?.most ?? Number.POSITIVE_INFINITY);
        if (rules.isOneBreak) expect(reduced).not.toMatch(/<br \/>\s*<br \/>/);
        expect(isWithin(lettersOf(html, leftOut), lettersOf(reduced, new Set()))).toBe(true);
        expect(reduceBody(reduced, rules)).toBe(reduced);
      }),
      { numRuns: BODIES, seed: 20261130 },
    );
  });
});
