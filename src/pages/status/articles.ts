import { shorten } from '../../lib/text.ts';
import { type Html, html, type Part } from '../html.ts';
import type { ArticleCounts, ServiceStatus } from '../service-status.ts';
import { type Colour, cell, code, numberCell, row, section, swatch, table } from './markup.ts';
import { sharesBar } from './plots.ts';
import { type Clock, counted, listed, number } from './wording.ts';

/** Characters of an id in a table. */
const LONGEST = 80;

type State = 'visible' | 'embargoed' | 'expired' | 'withdrawn';

const STATES: readonly (readonly [state: State, name: string, colour: Colour])[] = [
  ['visible', 'Visible', 'k2'],
  ['embargoed', 'Embargoed', 'k1'],
  ['expired', 'Expired', 'k3'],
  ['withdrawn', 'Withdrawn', 'k4'],
];

/** Shows how many articles are in each state, and which one appears or expires next. */
export function articlesSection({ articles, feeds, fillingFeeds = 0 }: ServiceStatus, clock: Clock): Html {
  const total = STATES.reduce((sum, [state]) => sum + articles[state], 0);
  const label = listed(
    STATES.filter(([state]) => articles[state] > 0).map(([state]) => `${number(articles[state])} ${state}`),
  );
  const filling = fillingFeeds === 0 ? '' : `; ${counted(fillingFeeds, 'feed')} being filled`;
  const rows = STATES.map(([state, name, colour]) =>
    row(html`${swatch(colour)}${name}`, [cell(next(state, articles, clock)), numberCell(number(articles[state]))]),
  );
  const columns = [{ title: 'State' }, { title: 'What comes next' }, { title: 'Count', isNumber: true }];
  return section({
    id: 'articles',
    title: 'Articles',
    note: total === 0 ? undefined : `${number(total)} in ${counted(feeds, 'feed')}${filling}`,
    body:
      total === 0
        ? html`<p>No article yet. Put one into the folder ${code('articles')}, or send one to the API.</p>`
        : html`${sharesBar(
            STATES.map(([state, , colour]) => ({ colour, n: articles[state] })),
            label,
          )}${table('articles', columns, rows)}`,
  });
}

function next(state: State, { nextAppears, nextExpires }: ArticleCounts, clock: Clock): Part {
  switch (state) {
    case 'visible':
      return nextExpires === undefined
        ? 'none expires'
        : html`${code(shorten(nextExpires.article, LONGEST))} expires on ${when(nextExpires.at, clock)}`;
    case 'embargoed':
      return nextAppears === undefined
        ? 'none appears'
        : html`${code(shorten(nextAppears.article, LONGEST))} appears on ${when(nextAppears.at, clock)}`;
    case 'expired':
      return 'left the feeds when their time was over';
    case 'withdrawn':
      return 'taken out of the feeds by the newsroom';
  }
}

function when(at: string, clock: Clock): Html {
  const moment = Date.parse(at);
  return html`<time datetime="${at}">${clock.date(moment)}, ${clock.time(moment)}</time>`;
}
