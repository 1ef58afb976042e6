import { type Html, html, type Part } from '../html.ts';
import type { AnswerCounts, Traffic, TrafficHour } from '../service-status.ts';
import { type Colour, numberCell, row, section, swatch, table } from './markup.ts';
import { graph, linePlot, scaleFor, stackedBars } from './plots.ts';
import { type Clock, duration, number, tick } from './wording.ts';

const HOUR = 60 * 60 * 1000;

export function total({ whole, delta, unchanged, other, clientErrors, serverErrors }: AnswerCounts): number {
  return whole + delta + unchanged + other + clientErrors + serverErrors;
}

/** The kinds of answers as the plot stacks them, from the ground up. */
const SERIES: readonly (readonly [colour: Colour, of: (answers: AnswerCounts) => number])[] = [
  ['k1', ({ unchanged }) => unchanged],
  ['k2', ({ delta }) => delta],
  ['k3', ({ whole }) => whole],
  ['k5', ({ other }) => other],
  ['k4', ({ clientErrors, serverErrors }) => clientErrors + serverErrors],
];

/** Answers in each of 24 hours, and all their numbers. */
export function hoursSection({ hours, answers }: Traffic, clock: Clock): Html {
  const sums = hours.map((hour) => total(hour.answers));
  const all = total(answers);
  const labels = labelsOf(hours, clock);
  const scale = scaleFor(Math.max(...sums), 3, 1);
  const bars = hours.map((hour) => SERIES.map(([colour, of]) => ({ colour, n: of(hour.answers) })));
  return section({
    id: 'answers',
    title: 'Answers by the hour',
    note: noteOf(hours, clock),
    isWide: true,
    body:
      all === 0
        ? html`<p>No answer yet in these 24 hours.</p>`
        : html`${graph(stackedBars(bars, scale, rangeOf(sums, labels)), scale.ticks.map(number), endsOf(hours, 6, clock))}${key(answers)}${details(hours, labels, clock)}`,
  });
}

function noteOf(hours: readonly TrafficHour[], clock: Clock): Part {
  const [first, last] = [hours[0], hours.at(-1)].map((hour) => Date.parse(hour?.from ?? ''));
  if (first === undefined || last === undefined || Number.isNaN(first + last)) return undefined;
  return `From ${clock.time(first)} on ${clock.day(first)}. The last hour began at ${clock.time(last)}, and is not over.`;
}

/** The time at which each hour begins. Where clocks are set back, an hour comes twice: then its zone is named. */
function labelsOf(hours: readonly TrafficHour[], clock: Clock): readonly string[] {
  const times = hours.map(({ from }) => clock.time(Date.parse(from)));
  return hours.map(({ from }, index) => {
    const time = times[index] ?? '';
    return times.indexOf(time) === times.lastIndexOf(time) ? time : clock.zoned(Date.parse(from));
  });
}

/** The times below a plot, at equal distances: every so many hours, and the end of the last one. */
function endsOf(hours: readonly TrafficHour[], every: number, clock: Clock): readonly string[] {
  const starts = hours.filter((_, index) => index % every === 0).map(({ from }) => Date.parse(from));
  const end = Date.parse(hours.at(-1)?.from ?? '') + HOUR;
  return [...starts, end].map(clock.time);
}

function rangeOf(sums: readonly number[], labels: readonly string[]): string {
  const [least, most] = [Math.min(...sums), Math.max(...sums)];
  const at = (n: number) => labels[sums.indexOf(n)] ?? '';
  return `Answers in each of the last 24 hours: at least ${number(least)}, from ${at(least)} on, and at most ${number(most)}, from ${at(most)} on`;
}

function key({ unchanged, delta, whole, other, clientErrors, serverErrors }: AnswerCounts): Html {
  const items: readonly (readonly [Colour, string])[] = [
    ['k1', `Unchanged, 304: ${number(unchanged)}`],
    ['k2', `Only what is new, 226: ${number(delta)}`],
    ['k3', `Whole documents, 200: ${number(whole)}`],
    ['k5', `Redirects and changes: ${number(other)}`],
    ['k4', `Errors: ${number(clientErrors)} of clients (4xx), ${number(serverErrors)} of ours (5xx)`],
  ];
  return html`<ul class="key">
${items.map(([colour, text]) => html`<li>${swatch(colour)}${text}</li>\n`)}</ul>
`;
}

/** Every number behind both plots, from the first hour with answers on. */
function details(hours: readonly TrafficHour[], labels: readonly string[], clock: Clock): Html {
  const first = hours.findIndex((hour) => total(hour.answers) > 0);
  const titles = ['304', '226', '200', 'Other', '4xx', '5xx', 'Half within', '99 of 100'];
  const columns = [{ title: 'Hour' }, ...titles.map((title) => ({ title, isNumber: true }))];
  const rows = hours.map(({ from, answers, median, p99 }, index) => {
    const at = Date.parse(from);
    const isNewDay = index === first || clock.key(at) !== clock.key(Date.parse(hours[index - 1]?.from ?? from));
    const { unchanged, delta, whole, other, clientErrors, serverErrors } = answers;
    const counts = [unchanged, delta, whole, other, clientErrors, serverErrors].map((n) => numberCell(number(n)));
    const times = [median, p99].map((ms) => numberCell(ms === undefined ? '' : duration(ms)));
    const name = html`<time datetime="${from}">${labels[index]}</time>${isNewDay && html` <span class="hush">${clock.day(at)}</span>`}`;
    return row(name, [...counts, ...times]);
  });
  return html`<details>
<summary>Every hour in numbers</summary>
${table('answers', columns, rows.slice(first))}
</details>`;
}

/** How long answers took, hour by hour. */
export function speedSection({ hours, median, p99 }: Traffic, clock: Clock): Html {
  const medians = hours.map((hour) => hour.median);
  const slow = hours.map((hour) => hour.p99);
  const scale = scaleFor(Math.max(0, ...slow.map((ms) => ms ?? 0)), 2, 0.05);
  return section({
    id: 'speed',
    title: 'Time to answer',
    note: median === undefined ? undefined : 'Half of all answers, and ninety-nine of a hundred, hour by hour',
    isWide: true,
    body:
      median === undefined || p99 === undefined
        ? html`<p>No answer yet in these 24 hours.</p>`
        : html`${graph(
            linePlot(
              [
                { name: 'line k1', values: medians },
                { name: 'line', values: slow },
              ],
              scale,
              `Half of all answers took ${between(medians)}; ninety-nine of a hundred took ${between(slow)}`,
            ),
            scale.ticks.map(tick),
            endsOf(hours, 12, clock),
          )}<ul class="key">
<li>${stroke('line')}99 of 100: ${duration(p99)}</li>
<li>${stroke('line k1')}Half: ${duration(median)}</li>
</ul>`,
  });
}

function stroke(name: string): Html {
  return html`<svg class="sw" viewBox="0 0 10 10" aria-hidden="true"><path class="${name}" d="M0 5h10"/></svg> `;
}

function between(values: readonly (number | undefined)[]): string {
  const known = values.filter((value) => value !== undefined);
  const [least, most] = [duration(Math.min(...known)), duration(Math.max(...known))];
  return least === most ? least : `${least} to ${most}`;
}
