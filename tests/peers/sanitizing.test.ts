// @module-tag soak
import fc from 'fast-check';
import { expect } from 'vitest';
import { PLAYER_HOSTS } from '../../src/article/normalize/players.ts';
import { sanitizeBody } from '../../src/article/sanitize.ts';
import { linkTarget } from '../../src/lib/url.ts';
import { anyHtml, mutated, nestedHtml } from '../article/arbitrary-html.ts';
import { sized } from '../soak/sizes.ts';
import { inPage } from './chromium.ts';
import { HOSTILE } from './hostile-html.ts';
import { servePages } from './page-server.ts';
import { peerTest } from './programs.ts';

const SEED = 20261130;

/** Scripts may run here, so that those of a body would. Nothing else is loaded but pictures, media and players. */
const POLICY = `default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data:; img-src *; media-src *; frame-src ${PLAYER_HOSTS.map((host) => `https://${host}`).join(' ')}`;

/** What a page does with bodies. `inspect` returns what is wrong with each. */
const PAGE = `<body><script>
  const scripts = [];
  function ran() { scripts.push('a script ran'); }
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => scripts.push(effectiveDirective + ': ' + blockedURI));

  const contexts = {
    div: ['<div>', '</div>'], svg: ['<svg>', '</svg>'], foreign: ['<svg><foreignObject>', '</foreignObject></svg>'],
    desc: ['<svg><desc>', '</desc></svg>'], math: ['<math>', '</math>'], mtext: ['<math><mtext>', '</mtext></math>'],
    annotation: ['<math><annotation-xml encoding="text/html">', '</annotation-xml></math>'],
    template: ['<template>', '</template>'], table: ['<table>', '</table>'], cell: ['<table><tr><td>', '</table>'],
    paragraph: ['<p>', '</p>'], select: ['<select>', '</select>'],
  };
  const holders = /^(svg|math|foreignobject|desc|mtext|annotation-xml|template|select|tbody)$/i;

  function faultsIn(root, allowed, faults) {
    for (const element of root.querySelectorAll('*')) {
      const name = element.localName;
      if (!allowed.elements.includes(name) && !holders.test(name)) faults.add('<' + name + '>');
      for (const { name: attribute, value } of element.attributes) {
        if (/^(?:on|style|srcdoc|form|ping|is$|id$|name$)/.test(attribute)) faults.add(attribute);
        if (/^[\\u0000-\\u0020]*(?:javascript|vbscript|data|blob|feed|view-source):/i.test(value) && /href|src|cite|poster|data|action/.test(attribute)) faults.add(attribute + '=' + value);
      }
      if (name === 'iframe') {
        const url = URL.parse(element.getAttribute('src') ?? '');
        if (url?.protocol !== 'https:' || !allowed.hosts.includes(url.host) || url.username !== '') faults.add('iframe of ' + url);
        if (!/^allow-scripts (?!.*top-navigation)/.test(element.getAttribute('sandbox'))) faults.add('iframe without a sandbox');
      }
      if (name === 'template') faultsIn(element.content, allowed, faults);
    }
  }

  /** Parses and serialises a body three times in each place: twice without scripts, then in the page, where they run. */
  function inspectInPlaces(body, allowed, holder) {
    const faults = new Set();
    const inert = document.implementation.createHTMLDocument('').body;
    for (const [before, after] of Object.values(contexts)) {
      let html = before + body + after;
      for (const root of [inert, inert, holder]) {
        root.innerHTML = html;
        faultsIn(root, allowed, faults);
        html = root.innerHTML;
      }
    }
    return [...faults];
  }

  async function inspect(bodies, allowed) {
    const holder = document.body.appendChild(document.createElement('div'));
    const faults = bodies.map((body) => inspectInPlaces(body, allowed, holder));
    holder.remove();
    // A picture that fails tells its handler: then those of the bodies were told as well.
    await new Promise((resolve) => {
      const last = new Image();
      last.onerror = resolve;
      last.src = '/last';
    });
    return { faults, scripts: scripts.splice(0) };
  }

  /** What the browser makes of bodies. */
  function serialised(bodies) {
    const root = document.implementation.createHTMLDocument('').body.appendChild(document.createElement('div'));
    return bodies.map((body) => {
      root.innerHTML = body;
      return root.innerHTML;
    });
  }
</script></body>`;

interface Inspection {
  readonly faults: readonly (readonly string[])[];
  readonly scripts: readonly string[];
}

const ELEMENTS =
  'p a li strong em b i br img ul h2 h3 figure figcaption blockquote div span ol hr h1 h4 h5 h6 section article aside ' +
  'header footer address q cite pre code kbd samp var u s del ins mark small sub sup abbr time bdi bdo wbr ruby rt rp ' +
  'dl dt dd picture source audio video track iframe table caption colgroup col thead tbody tfoot tr td th details summary';

/** A body without what a browser adds: the implied parts of a table. It takes the first line end of a `pre` away. */
function withoutImplied(html: string): string {
  return html.replace(/<\/?(?:tbody|tr|colgroup)>/g, '').replaceAll('<pre>\n', '<pre>');
}

function clean(html: string): { body: string; changes: string[] } {
  const changes: string[] = [];
  const resolve = (reference: string) => linkTarget(reference, 'https://news.example/');
  const body = sanitizeBody(html, resolve, true, ({ change }) => changes.push(change));
  return { body: body ?? '', changes };
}

peerTest('chromium', 'a clean body runs and loads nothing anywhere, and is what a browser makes of it', async () => {
  const samples = (some: fc.Arbitrary<string>, short: number) =>
    fc.sample(some, { seed: SEED, numRuns: sized({ short, soak: 1500, full: 10_000 }) });
  const hostile = [...new Set([...HOSTILE, ...samples(mutated(HOSTILE), 100)].map((html) => clean(html).body))];
  const any = [...samples(nestedHtml, 500), ...samples(anyHtml, 500)].map((html) => clean(html).body);
  const allowed = JSON.stringify({ elements: ELEMENTS.split(' '), hosts: PLAYER_HOSTS });
  const unclean = ['<img src=x onerror=ran()>', '<svg onload=ran()></svg>', '<embed src=x>'];

  const page = await servePages(() => PAGE, POLICY);
  const { result, serialised, control } = await inPage(page, async ({ evaluate }) => ({
    result: (await evaluate(`inspect(${JSON.stringify(hostile)}, ${allowed})`)) as Inspection,
    serialised: (await evaluate(`serialised(${JSON.stringify([...hostile, ...any])})`)) as string[],
    control: (await evaluate(`inspect(${JSON.stringify(unclean)}, ${allowed})`)) as Inspection,
  }));

  expect(result.scripts).toEqual([]);
  expect(hostile.filter((_, index) => result.faults[index]?.length !== 0)).toEqual([]);
  // What the browser wrote is clean, and the same.
  const again = serialised.map(clean);
  expect(again.filter(({ changes }) => changes.length > 0)).toEqual([]);
  expect(again.map(({ body }) => withoutImplied(body))).toEqual([...hostile, ...any].map(withoutImplied));
  // The page finds what is wrong with a body that is not clean.
  expect(control.scripts).toEqual(expect.arrayContaining(['a script ran', expect.stringMatching(/^object-src/)]));
  expect(control.faults.map(({ length }) => length > 0)).toEqual([true, true, true]);
});
