import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ADJUSTMENT_KINDS, type Adjustment, type AdjustmentKind } from '../../src/article/adjustments.ts';
import { parseArticle } from '../../src/article/article.ts';
import { sanitizeBody } from '../../src/article/sanitize.ts';
import { linkTarget } from '../../src/lib/url.ts';
import { recordOf } from '../bench/newsroom.ts';
import { newsroom, record } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';
import { ATTRIBUTES, anyHtml, ELEMENTS, mutated, VALUES } from './arbitrary-html.ts';
import { type Inventory, inventoryOf, type Lack, lackOf } from './inventory.ts';

const SEED = 20261129;

/** Elements that the sanitizer does not allow. */
const OTHER_ELEMENTS =
  'iframe script style noscript template textarea title xmp plaintext listing noembed noframes svg math mi mfrac object ' +
  'form fieldset legend input button select option optgroup datalist label output progress meter body html head base ' +
  'link meta area map param embed frame frameset center main nav hgroup search dialog marquee strike tt big font acronym ' +
  'dir menu blink nobr data slot canvas portal bgsound x-y amp-img amp-anim amp-iframe image keygen isindex command';
/** Attributes that it does not allow. */
const OTHER_ATTRIBUTES =
  'onclick srcdoc sandbox align data-lazy-src data-original allow referrerpolicy xml:lang hidden';

function toTarget(reference: string): string | undefined {
  return linkTarget(reference, 'https://news.example/a');
}

function clean(html: string, fastPath = true): { body: string; adjustments: Adjustment[] } {
  const adjustments: Adjustment[] = [];
  const body = sanitizeBody(html, toTarget, fastPath, (made) => adjustments.push(made));
  return { body: body ?? '', adjustments };
}

/** Kinds that can take content of the element with it. */
const TAKES_CONTENT: ReadonlySet<AdjustmentKind> = new Set<AdjustmentKind>([
  ...(['hidden_text_removed', 'hidden_element_removed', 'script_removed', 'style_removed', 'control_removed'] as const),
  ...(['drawing_removed', 'element_removed', 'fallback_removed', 'repeated_content_removed'] as const),
]);
/** Kinds of changes to elements, which can lose attributes with their tags. */
const CHANGES_TAGS: ReadonlySet<AdjustmentKind> = new Set<AdjustmentKind>([
  ...TAKES_CONTENT,
  ...(['embed_replaced', 'embed_removed', 'counter_removed', 'picture_removed', 'formula_converted'] as const),
  'element_unwrapped',
]);

/** Whether an adjustment names an element; a formula has many, and pictures are called so. */
function namesElement({ change, kind }: Adjustment, name: string): boolean {
  if (kind === 'formula_converted') return true;
  if (name.length > 40) return change.includes(` ${name.slice(0, 30)}`);
  const nouns = /^(?:img|amp-img|amp-anim)$/.test(name) ? [name, 'picture'] : [name];
  return nouns.some((noun) => `${change} `.includes(` ${noun} `) || `${change} `.includes(` ${noun}s `));
}

function namesAttribute({ change, kind }: Adjustment, name: string): boolean {
  if (kind === 'attributes_removed')
    return change.includes(name.length > 60 ? ` ${name.slice(0, 50)}` : ` ${name} (`) || change.includes(', others (');
  return change.endsWith(` from ${name}`) || (/ attributes?$/.test(change) && change.includes(` ${name} attribute`));
}

/** What is missing from a body without an adjustment that says so. */
function silentLosses(source: Inventory, result: Inventory, adjustments: readonly Adjustment[]): string[] {
  const lack = lackOf(source, result);
  const takesContent = adjustments.some(
    ({ kind, change }) => TAKES_CONTENT.has(kind) || change.includes('picture element'),
  );
  const changesTags = adjustments.some(({ kind }) => CHANGES_TAGS.has(kind));
  const has = (kind: AdjustmentKind) => adjustments.some((made) => made.kind === kind);
  const losses = [
    ...lack.elements.filter((name) => !takesContent && !adjustments.some((made) => namesElement(made, name))),
    ...lack.attributes
      .filter((name) => !changesTags && !adjustments.some((made) => namesAttribute(made, name)))
      .filter((name) => !(/^src(?:set)?$/.test(name) && (has('late_address_used') || has('srcset_changed'))))
      .filter((name) => !(name === 'src' && has('player_changed')))
      .filter(() => !has('characters_removed')),
    ...lack.characters.filter(() => !takesContent && !has('characters_removed')),
  ];
  if (source.comments > 0 && !has('comment_removed') && !takesContent) losses.push('comment');
  if (source.declarations > 0 && !has('declaration_removed') && !takesContent) losses.push('declaration');
  // Where a tag before it has an odd number of quotes, the parser may take the unfinished one for text.
  const isText = result.text.endsWith(source.tail);
  if (source.isUnfinished && !isText && !has('unfinished_tag_removed')) losses.push('unfinished tag');
  if (source.hasForbidden && !has('characters_removed')) losses.push('characters');
  return losses;
}

function isNothingLost(source: Inventory, { elements, attributes, characters }: Lack): boolean {
  const isLess = source.comments > 0 || source.declarations > 0 || source.isUnfinished || source.hasForbidden;
  return !isLess && elements.length === 0 && attributes.length === 0 && characters.length === 0;
}

/** Asserts that everything that a body loses is reported, and nothing else, on both paths. */
function expectHonest(html: string): void {
  const { body, adjustments } = clean(html);
  expect(clean(html, false), html).toEqual({ body, adjustments });
  const source = inventoryOf(html, toTarget);
  const result = inventoryOf(body, toTarget);
  expect(silentLosses(source, result, adjustments), html).toEqual([]);
  if (isNothingLost(source, lackOf(source, result))) expect(adjustments, html).toEqual([]);
}

const FRAME = 'https://charts.example/1';
const YOUTUBE = 'https://www.youtube.com/embed/a';
const LONG = 'word '.repeat(50);

describe('what cleaning changes', () => {
  test.each<[kind: AdjustmentKind, html: string, change: string, value: string | undefined, count: number]>([
    [
      'embed_replaced',
      `<iframe src="${FRAME}">`,
      'replaced the iframe of charts.example by a link',
      `<iframe src="${FRAME}">`,
      1,
    ],
    [
      'embed_replaced',
      `<iframe src="${FRAME}"></iframe>`.repeat(3),
      'replaced 3 iframes of charts.example by a link each',
      `<iframe src="${FRAME}">`,
      3,
    ],
    [
      'embed_replaced',
      `<a href="/b"><iframe src="${FRAME}"></iframe></a>`,
      'replaced the iframe of charts.example by its title',
      `<iframe src="${FRAME}">`,
      1,
    ],
    [
      'embed_replaced',
      `<embed src="${YOUTUBE}">`,
      'replaced the embed of www.youtube.com by its player',
      `<embed src="${YOUTUBE}">`,
      1,
    ],
    [
      'embed_replaced',
      '<object data="/a.png" type="image/png"></object>',
      'replaced the object of news.example by a picture',
      '<object data="/a.png" type="image/png">',
      1,
    ],
    [
      'embed_removed',
      '<p>a</p><iframe src="javascript:x()"></iframe>',
      'removed the iframe without an address',
      '<iframe src="javascript:x()">',
      1,
    ],
    [
      'counter_removed',
      `<p>a</p><iframe src="${FRAME}" width="1"></iframe>`,
      'removed the iframe without a size',
      `<iframe src="${FRAME}" width="1">`,
      1,
    ],
    [
      'player_changed',
      '<iframe src="https://youtu.be/a"></iframe>',
      'changed the address of the iframe of youtu.be',
      '<iframe src="https://youtu.be/a">',
      1,
    ],
    [
      'fallback_removed',
      `<iframe src="${YOUTUBE}">Film</iframe>`,
      'removed the content of the iframe element',
      'Film',
      1,
    ],
    [
      'sandbox_replaced',
      `<iframe src="${YOUTUBE}" sandbox="allow-top-navigation">`,
      'replaced the sandbox attribute',
      'allow-top-navigation',
      1,
    ],
    [
      'picture_removed',
      'a<img alt="b"><img><img src="data:,c">',
      'removed 3 pictures without an address',
      '<img alt="b">',
      3,
    ],
    ['picture_removed', '<audio src="/a"><source></audio>', 'removed the source without an address', '<source>', 1],
    ['picture_removed', '<video src="/a"><track></video>', 'removed the track without an address', '<track>', 1],
    [
      'late_address_used',
      '<img data-src="/a.png">',
      'took the address of the picture from data-src',
      '<img data-src="/a.png">',
      1,
    ],
    [
      'repeated_content_removed',
      '<img src="/a"><noscript><img src="/a"></noscript>',
      'removed the repeated picture',
      '<img src="/a">',
      1,
    ],
    ['hidden_text_removed', 'a<i hidden>B</i>', 'removed hidden text', 'B', 1],
    ['hidden_element_removed', 'a<img src="/b" hidden>', 'removed the hidden img element', '<img src="/b" hidden>', 1],
    [
      'script_removed',
      'a<script>b()</script><SCRIPT src="c.js"></SCRIPT>',
      'removed 2 script elements',
      '<script>b()',
      2,
    ],
    ['style_removed', `a<style>p{}</style>`, 'removed the style element', '<style>p{}', 1],
    ['control_removed', 'a<select><option>b</select>', 'removed the select element', '<select><option>b', 1],
    ['control_removed', 'a<input name="b">', 'removed the input element', '<input name="b">', 1],
    ['drawing_removed', 'a<svg><text>b</text></svg>', 'removed the svg element', '<svg><text>b</text>', 1],
    ['formula_converted', '<math><mi>b</mi></math>', 'turned the formula into text', '<math>', 1],
    ['element_renamed', '<center>a</center><center>b</center>', 'changed 2 center elements to div', '<center>', 2],
    ['element_renamed', '<strike>a</strike>', 'changed the strike element to s', '<strike>', 1],
    [
      'element_unwrapped',
      '<font color="red">a</font>',
      'removed the font element around content that stays',
      '<font color="red">',
      1,
    ],
    ['element_removed', 'a<meta charset="utf-8">', 'removed the meta element', '<meta charset="utf-8">', 1],
    ['element_removed', 'a<form></form>', 'removed the empty form element', '<form>', 1],
    [
      'address_removed',
      '<a href="javascript:b()">a</a><a href>c</a>',
      'removed 2 href attributes',
      'javascript:b()',
      2,
    ],
    ['srcset_changed', '<img src="/a" srcset="b.png 1x 2x">', 'removed the srcset attribute', 'b.png 1x 2x', 1],
    ['srcset_changed', '<img src="/a" srcset="data:,b 1x, c.png 2x">', 'removed the srcset candidate', 'data:,b', 1],
    ['declaration_removed', '<!DOCTYPE html>a', 'removed the declaration', '<!DOCTYPE html>', 1],
    ['unfinished_tag_removed', `<p>a</p><b title="c d`, 'removed the unfinished tag at the end', '<b title="c d', 1],
    ['characters_removed', 'a\u0001b\uD800c', 'removed or replaced 2 characters', 'U+0001', 2],
    ['characters_removed', 'a&#1;b&#2;c', 'removed or replaced 2 character references', 'U+0001', 2],
    [
      'attributes_removed',
      '<p onclick="b()" style="color:red" class="c">a</p><p class="d">e</p>',
      'removed 4 attributes: class (2), style (1), onclick (1)',
      'b()',
      4,
    ],
    ['attributes_removed', '<p title="">a</p>', 'removed 1 attribute: title (1)', undefined, 1],
    ['comment_removed', 'a<!-- b --><![CDATA[c]]>', 'removed 2 comments', 'b', 2],
    ['comment_removed', `a<!--${LONG}-->`, 'removed the comment', `${'word '.repeat(23)}word…`, 1],
  ])('%s: %s', (kind, html, change, value, count) => {
    const adjustments = clean(html).adjustments;
    const expected = { kind, field: 'body', change, ...(value === undefined ? {} : { value }), count };

    expect(adjustments).toEqual([{ ...expected, reason: expect.stringMatching(/^\S.*[^.]$/) }]);
    expect(clean(html, false).adjustments).toEqual(adjustments);
  });

  test.each([
    ['a relative address', '<a href="b">a</a><img src="/c">'],
    ['end tags that are missing', '<p>a<b>c'],
    ['references and white space', ' \n<p>&eacute;&nbsp;&amp;\r\n</p>\t'],
    ['end tags of nothing', 'a</b></x>'],
    ['a picture that gets an address from its srcset', '<img srcset="/a.png 2x">'],
    ['a player', `<iframe src="${YOUTUBE}" width="5" allowfullscreen></iframe>`],
    ['a player without a scheme', '<iframe src="//www.youtube.com/embed/a" allow="fullscreen;autoplay;"></iframe>'],
  ])('is nothing for %s', (_, html) => {
    expect(clean(html).adjustments).toEqual([]);
    expect(clean(html, false).adjustments).toEqual([]);
  });

  test.each([
    ['an object', '<object data="/a.png" type="image/png"><img src="/b"></object>'],
    ['a player of AMP', `<amp-iframe src="${YOUTUBE}"><amp-img src="/b" placeholder></amp-img></amp-iframe>`],
  ])('is the content without text of %s', (_, html) => {
    const found = clean(html).adjustments.filter(({ kind }) => kind === 'fallback_removed');

    expect(found).toMatchObject([{ value: expect.stringMatching(/img/), count: 1 }]);
  });

  test('is reported for any HTML, and nothing else is', { tags: ['soak'] }, () => {
    const numRuns = sized({ short: 600, soak: 20_000, full: 1_000_000 });
    fc.assert(fc.property(anyHtml, expectHonest), { seed: SEED, numRuns });
  });

  test('is reported for mutations of ordinary bodies', { tags: ['soak'] }, () => {
    const bodies = [1, 2, 3].map((number) => recordOf(number).body);
    const numRuns = sized({ short: 40, soak: 2000, full: 100_000 });
    fc.assert(fc.property(mutated(bodies), expectHonest), { seed: SEED, numRuns });
  });

  test('is reported for each element of HTML', () => {
    for (const name of `${ELEMENTS} ${OTHER_ELEMENTS}`.split(' ')) {
      for (const html of [`<p>a</p><${name}>b</${name}>c`, `<p>a</p><${name} src="/d" title="e"><i>b</i></${name}>c`])
        expectHonest(html);
    }
  });

  test('is reported for each attribute of some elements', () => {
    for (const element of ['p', 'a', 'img', 'iframe', 'video']) {
      for (const attribute of `${ATTRIBUTES} ${OTHER_ATTRIBUTES}`.split(' ')) {
        for (const value of [...VALUES, YOUTUBE]) {
          const written = `${attribute}="${value.replaceAll('"', '&quot;')}"`;
          expectHonest(`<p>b</p><${element} ${written}>a</${element}>`);
        }
      }
    }
  });

  test('is a bounded list for a hostile body', () => {
    const parts = [0, 1, 2].flatMap((round) =>
      Array.from({ length: 300 }, (_, index) => {
        const name = `x${index}-${'a'.repeat(500)}`;
        return `<${name} a="1">b</${name}><iframe src="https://h${index}.example/${round}"></iframe><p y${name}="c" ${name}${round}>d</p>`;
      }),
    );
    const { adjustments } = clean(parts.join(''));
    const all = adjustments.reduce((sum, { count }) => sum + count, 0);

    expect(adjustments.length).toBeLessThanOrEqual(60);
    expect(adjustments.at(-1)).toMatchObject({ kind: 'further_changes_made', count: 3 * (600 - 50) });
    expect(all).toBe(3 * 300 * 4);
    for (const { change, value = '' } of adjustments) {
      expect(change.length).toBeLessThan(2500);
      expect(value.length).toBeLessThanOrEqual(120);
    }
  });

  test('is explained in docs/records.md, kind by kind', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/records.md'), 'utf8');

    expect(ADJUSTMENT_KINDS.filter((kind) => !page.includes(`| \`${kind}\` |`))).toEqual([]);
  });
});

describe('a body in another format', () => {
  function adjustmentsOf(bodyFormat: string, body: string): Pick<Adjustment, 'kind' | 'change' | 'value'>[] {
    const adjustments: Adjustment[] = [];
    parseArticle(record({ body, bodyFormat }), newsroom, (made) => adjustments.push(made));
    return adjustments.map(({ kind, change, value = '' }) => ({ kind, change, value }));
  }

  test.each([
    [
      'text',
      'a\u0001b',
      [{ kind: 'characters_removed', change: 'removed or replaced the character', value: 'U+0001' }],
    ],
    [
      'markdown',
      'a\u0001b',
      [{ kind: 'characters_removed', change: 'removed or replaced the character', value: 'U+0001' }],
    ],
    [
      'markdown',
      '[a][b] <!-- c -->\n\n[b]: /d\n[e]: /f "g"\n',
      [
        { kind: 'definition_removed', change: 'removed the link definition', value: 'E' },
        { kind: 'comment_removed', change: 'removed the comment', value: 'c' },
      ],
    ],
    ['markdown', '# a\n\n*b* ![c][d]\n\n[d]: /e "f"\n', []],
    ['text', 'a < b\r\n\r\n & <c>', []],
  ] as const)('in %s: %j', (bodyFormat, body, expected) => {
    expect(adjustmentsOf(bodyFormat, body)).toEqual(expected);
  });
});
