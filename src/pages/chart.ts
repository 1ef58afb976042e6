import type { Instant } from '../lib/instant.ts';
import { CHART_DAYS } from './days.ts';
import { type Html, html } from './html.ts';
import type { Texts } from './texts.ts';

/** The measures of a chart, in units of its own. */
interface Size {
  readonly width: number;
  readonly height: number;
  readonly name: string;
}

const SMALL: Size = { width: 160, height: 28, name: 'spark' };
const TALL: Size = { width: 576, height: 80, name: 'spark tall' };
/** A single story is no full bar. */
const LEAST_SCALE = 3;

/** Stories per day as bars on a line. What it shows is in its name, too. */
export function chart(perDay: readonly number[], lastDay: Instant, texts: Texts, isTall = false): Html {
  const { width, height, name } = isTall ? TALL : SMALL;
  const total = perDay.reduce((sum, articles) => sum + articles, 0);
  const most = Math.max(0, ...perDay);
  const label = texts.text('chart', {
    date: texts.date(lastDay),
    n: texts.number(total),
    max: texts.number(most),
  });
  const bars = barsOf(perDay, { width, height, scale: Math.max(LEAST_SCALE, most) });
  return html`<svg class="${name}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}"><path class="base" d="M0 ${height - 0.5}H${width}"/>${bars !== '' && html`<path d="${bars}"/>`}</svg>`;
}

function barsOf(
  perDay: readonly number[],
  { width, height, scale }: { readonly width: number; readonly height: number; readonly scale: number },
): string {
  const foot = height - 1;
  return perDay
    .flatMap((articles, day) => {
      if (articles === 0) return [];
      const left = rounded(((day + 0.5) * width) / CHART_DAYS);
      return [`M${left} ${foot}v-${rounded((articles / scale) * (foot - 2))}`];
    })
    .join('');
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

/** How often stories appear, in words: a day, a week, or their number in the five weeks of the chart. */
export function rhythm(perDay: readonly number[], texts: Texts): { readonly words: string; readonly isCount: boolean } {
  const total = perDay.reduce((sum, articles) => sum + articles, 0);
  const aDay = Math.round(total / CHART_DAYS);
  const aWeek = Math.round(total / 5);
  if (aDay >= 2) return { words: texts.text('rhythmDay', { n: texts.number(aDay) }), isCount: false };
  if (aWeek >= 2) return { words: texts.text('rhythmWeek', { n: texts.number(aWeek) }), isCount: false };
  return { words: texts.text('rhythmSpan', { n: texts.number(total) }), isCount: true };
}
