import { BodyLimitError } from '../../src/article/body-limits.ts';
import { sanitizeBody } from '../../src/article/sanitize.ts';
import { linkTarget } from '../../src/lib/url.ts';
import { figure, median, print, printTable } from './figures.ts';
import { recordOf } from './newsroom.ts';

const ROUNDS = 5;
const MB = 1_000_000;
const SIZES = [0.5, 1, 2, 4];
const WORDS = 'The river rose again over night. ';

/** Parts of hostile bodies, which are repeated. Each has as many elements as a body of 4 MB may have. */
const BODIES: readonly (readonly [name: string, part: string, before?: string])[] = [
  ['a story, again and again', recordOf(1).body],
  ['<font>, then words and <img>', `${WORDS}word <img>`, '<font>'],
  ['<video><source></video>', `${WORDS}${WORDS}<video><source></video>`],
  ['<picture> of a <source> alone', `${WORDS}${WORDS}<picture><source srcset="/a.png 1x"></picture>`],
  ['<iframe> of another host', `${WORDS}<iframe src="/a"></iframe>`],
  ['<p> that is never closed', `${WORDS}${WORDS}<p>a`],
  ['hidden elements', `${WORDS}<i hidden>b</i>`],
  ['a picture with many addresses', '<img data-src="/a.png" src="/b.png" srcset="/c.png 300w, /d.png 600w">'],
  ['references', '&amp;&#8217;'],
  ['< and > that are no tags', 'a < b > c '],
];
/** More elements than any body may have. */
const REFUSED: readonly (readonly [name: string, part: string, before?: string])[] = [
  ['<font>, then word <img>', 'word <img>', '<font>'],
  ['<video><source></video> alone', '<video><source></video>'],
];

/** CPU milliseconds to clean the worst bodies that we know, by their size, and to refuse those beyond a limit. */
export async function cleaning(): Promise<void> {
  print('\nCleaning a body, CPU milliseconds (median), and for each MB of the largest');
  printTable([
    ['', ...SIZES.map((size) => `${size} MB`), 'ms/MB'],
    ...BODIES.map(([name, part, before = '']) => row(name, part, before)),
  ]);
  print('\nRefusing a body with more than 100,000 elements');
  printTable([
    ['', ...SIZES.map((size) => `${size} MB`), 'ms/MB'],
    ...REFUSED.map(([name, part, before = '']) => row(name, part, before)),
  ]);
}

function row(name: string, part: string, before: string): string[] {
  const times = SIZES.map((size) => time(before + part.repeat(Math.ceil((size * MB) / part.length))));
  const last = times.at(-1);
  const perMegabyte = (last?.milliseconds ?? Number.NaN) / (SIZES.at(-1) ?? 1);
  const cells = times.map(({ milliseconds, isRefused }) => `${figure(milliseconds)}${isRefused ? ' refused' : ''}`);
  return [name, ...cells, figure(perMegabyte)];
}

function time(body: string): { readonly milliseconds: number; readonly isRefused: boolean } {
  const times: number[] = [];
  let isRefused = false;
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = process.threadCpuUsage();
    isRefused = !isClean(body);
    const { user, system } = process.threadCpuUsage(began);
    times.push((user + system) / 1000);
  }
  return { milliseconds: median(times), isRefused };
}

/** Whether the body is within the limits. */
function isClean(body: string): boolean {
  try {
    const target = (reference: string) => linkTarget(reference, 'https://news.example/a');
    return sanitizeBody(body, target, true, () => {}) !== undefined;
  } catch (error) {
    if (error instanceof BodyLimitError) return false;
    throw error;
  }
}
