// @module-tag soak
import { expect, test } from 'vitest';
import { BodyLimitError } from '../../src/article/body-limits.ts';
import { sanitizeBody } from '../../src/article/sanitize.ts';
import { linkTarget } from '../../src/lib/url.ts';
import { sized } from '../soak/sizes.ts';
import { ELEMENTS } from './arbitrary-html.ts';

/** Elements that cleaning removes, unwraps or replaces. */
const OTHERS =
  'iframe script style noscript template textarea title xmp plaintext noembed noframes svg math mfrac msup mroot object form ' +
  'fieldset legend input button select option label meter body html head base link meta map param embed frame center main nav ' +
  'dialog marquee strike big font acronym dir menu slot x-y amp-img amp-iframe image foreignObject';

/** Bodies of one element each: open, closed, nested, empty, hidden, with attributes, and around many others. */
const FORMS: Readonly<Record<string, (element: string) => readonly [before: string, part: string]>> = {
  open: (element) => ['', `<${element}>word word word `],
  closed: (element) => ['', `<${element}>word</${element}>`],
  nested: (element) => ['', `${`<${element}>`.repeat(40)}word${`</${element}>`.repeat(40)}`],
  'an end tag': (element) => ['', `word</${element}>`],
  'ending in its tag': (element) => ['', `word<${element}/>`],
  hidden: (element) => ['', `<${element} hidden>word</${element}>`],
  'with attributes': (element) => [
    '',
    `<${element} src="/a" data-src="/b" href="/c" class="d" style="float:left">word`,
  ],
  'with bad addresses': (element) => ['', `word<${element} src="javascript:a" srcset="," href="x:" data="x:">`],
  'around pictures': (element) => [`<${element}>`, 'word <img>'],
  'around sources': (element) => ['', `<${element}><source></${element}>`],
  'around words': (element) => [`<${element}>`, 'word &amp; <b>word</b> '],
  unfinished: (element) => ['', `<${element} a="`],
};

const ALL_FORMS = Object.keys(FORMS);
const TESTED = sized<{ readonly elements: readonly string[]; readonly forms: readonly string[] }>({
  short: { elements: ['font'], forms: ['around pictures', 'around sources'] },
  soak: { elements: ['font', 'svg'], forms: ALL_FORMS },
  full: { elements: `${ELEMENTS} ${OTHERS}`.split(' '), forms: ALL_FORMS },
});

const SMALL = 64 * 1024;
/** How many times as long the other body is. If time grew with the square, it would take as often that time again. */
const FACTOR = 16;
/** Attempts, because garbage is collected at any time. */
const ATTEMPTS = 5;

const toTarget = (reference: string) => linkTarget(reference, 'https://news.example/a');

/** CPU milliseconds of this thread: what other programs do is not in it. */
function timeToClean(body: string, fastPath: boolean): number {
  const began = process.threadCpuUsage();
  try {
    sanitizeBody(body, toTarget, fastPath, () => {});
  } catch (error) {
    if (!(error instanceof BodyLimitError)) throw error; // the time until the refusal counts as well
  }
  const { user, system } = process.threadCpuUsage(began);
  return (user + system) / 1000;
}

/** How many times as long the long body takes. The clock of some systems has steps of 10 ms, so that short times count as that. */
function ratioOf(before: string, part: string, fastPath: boolean): number {
  const body = (length: number) => before + part.repeat(length / part.length);
  const small = Math.max(10, timeToClean(body(SMALL), fastPath));
  return timeToClean(body(FACTOR * SMALL), fastPath) / small;
}

test.each(TESTED.elements)(
  'cleaning takes a time in proportion to the length of a body of %s elements',
  (element) => {
    for (const form of TESTED.forms) {
      const [before, part] = FORMS[form]?.(element) ?? ['', ''];
      for (const fastPath of [true, false]) {
        let ratio = Number.POSITIVE_INFINITY;
        for (let attempt = 0; attempt < ATTEMPTS && ratio >= 3 * FACTOR; attempt += 1)
          ratio = ratioOf(before, part, fastPath);
        expect(ratio, `${element} ${form}`).toBeLessThan(3 * FACTOR);
      }
    }
  },
  300_000,
);
