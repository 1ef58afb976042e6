import { type Html, html } from '../html.ts';
import type { Colour } from './markup.ts';

/** Units between the parts of a plot. */
const GAP = 2;
/** Units of the smallest part: it can be seen. */
const LEAST = 2;

interface Series {
  readonly colour: Colour;
  readonly n: number;
}

/** One bar that is divided by shares. Parts of nothing are left out. */
export function sharesBar(parts: readonly Series[], label: string): Html {
  const shown = parts.filter(({ n }) => n > 0);
  const lengths = lengthsOf(shown, 720 - GAP * (shown.length - 1), LEAST);
  let left = 0;
  const bars = shown.map(({ colour }, index) => {
    const length = lengths[index] ?? 0;
    const bar = html`<rect class="${colour}" x="${units(left)}" width="${units(length)}" height="28"/>`;
    left += length + GAP;
    return bar;
  });
  return html`<svg class="plot" viewBox="0 0 720 28" preserveAspectRatio="none" role="img" aria-label="${label}">${bars}</svg>\n`;
}

/** Divides a length by shares. No part is too short to be seen: the longest one makes up for it. */
function lengthsOf(parts: readonly Series[], length: number, least: number): number[] {
  const total = parts.reduce((sum, { n }) => sum + n, 0);
  const lengths = parts.map(({ n }) => Math.max(least, (n / total) * length));
  const excess = lengths.reduce((sum, each) => sum + each, 0) - length;
  const longest = lengths.indexOf(Math.max(...lengths));
  return lengths.map((each, index) => (index === longest ? Math.max(least, each - excess) : each));
}

/** A short bar in a table, beside its number. */
export function meter(n: number, most: number, hasGround = false): Html {
  const width = most <= 0 || n <= 0 ? 0 : Math.min(100, Math.max(1, (n / most) * 100));
  return html`<svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">${hasGround && html`<rect class="k0" width="100" height="6"/>`}<rect class="k2" width="${units(width)}" height="6"/></svg>`;
}

export interface Scale {
  readonly most: number;
  /** From the top to 0. */
  readonly ticks: readonly number[];
}

/** A scale of some equal steps with round numbers. */
export function scaleFor(most: number, steps: number, least: number): Scale {
  const wanted = Math.max(most / steps, least);
  const power = 10 ** Math.floor(Math.log10(wanted));
  // Not quite: 3 × 0.1 is a little more than 0.3.
  const factor = [1, 2, 3, 4, 5, 6, 8].find((each) => each * power >= wanted * (1 - 1e-9)) ?? 10;
  const ticks = Array.from({ length: steps + 1 }, (_, index) =>
    Number(((steps - index) * factor * power).toPrecision(6)),
  );
  return { most: ticks[0] ?? 0, ticks };
}

/** Bars side by side, each of several parts. Every part that is not nothing can be seen. */
export function stackedBars(bars: readonly (readonly Series[])[], { most, ticks }: Scale, label: string): Html {
  const height = 150;
  const step = 720 / bars.length;
  const lines = ticks.map(
    (tick) => html`<path class="base" d="M0 ${units(height - (tick / most) * height + 0.5)}H720"/>`,
  );
  const rects = bars.map((bar, index) => {
    const parts = bar.filter(({ n }) => n > 0);
    const total = parts.reduce((sum, { n }) => sum + n, 0);
    const lengths = lengthsOf(parts, (total / most) * height, 1);
    let foot = height;
    return parts.map(({ colour }, part) => {
      const length = lengths[part] ?? 0;
      foot -= length;
      // A hair of ground divides the parts.
      const seen = length > 3 ? length - 0.7 : length;
      return html`<rect class="${colour}" x="${units(index * step + 4)}" y="${units(foot)}" width="${units(step - 8)}" height="${units(seen)}"/>`;
    });
  });
  return html`<svg class="plot" viewBox="0 0 720 151" role="img" aria-label="${label}">${lines}${rects}</svg>\n`;
}

interface Line {
  readonly name: string;
  /** In equal steps; undefined where there is nothing, and the line has a gap. */
  readonly values: readonly (number | undefined)[];
}

export function linePlot(lines: readonly Line[], { most, ticks }: Scale, label: string): Html {
  const height = 80;
  const grid = ticks.map((tick) => `M0 ${units(height - (tick / most) * height + 0.5)}H360`).join('');
  const paths = lines.map(({ name, values }) => html`<path class="${name}" d="${pathOf(values, most, height)}"/>`);
  return html`<svg class="plot" viewBox="0 0 360 81" preserveAspectRatio="none" role="img" aria-label="${label}"><path class="base" d="${grid}"/>${paths}</svg>\n`;
}

function pathOf(values: readonly (number | undefined)[], most: number, height: number): string {
  const step = 360 / values.length;
  return values
    .map((value, index) => {
      if (value === undefined) return '';
      const x = (index + 0.5) * step;
      const y = units(height - (value / most) * height + 0.5);
      const isFirst = values[index - 1] === undefined;
      // A point without neighbours is a dash as long as its step.
      if (isFirst && values[index + 1] === undefined) return `M${units(x - step / 2)} ${y}h${units(step)}`;
      return `${isFirst ? 'M' : 'L'}${units(x)} ${y}`;
    })
    .join('');
}

function units(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The numbers and moments beside a plot. Screen readers hear the plot's name instead. */
export function graph(plot: Html, ticks: readonly string[], ends: readonly string[]): Html {
  const spans = (texts: readonly string[]) => texts.map((text) => html`<span>${text}</span>`);
  return html`<div class="graph">
${plot}<p class="hush axis" aria-hidden="true">${spans(ticks)}</p>
<p class="hush ends" aria-hidden="true">${spans(ends)}</p>
</div>
`;
}
