import { type Html, html, type Part } from '../html.ts';
import type { OutboxStatus, ServiceStatus } from '../service-status.ts';
import { cell, code, mark, numberCell, row, section, table } from './markup.ts';
import { type Clock, number } from './wording.ts';

/** What the systems know that the service tells of changes. Nothing where it tells nobody. */
export function outboxSection({ outbox = [], at }: ServiceStatus, clock: Clock): readonly Html[] {
  if (outbox.length === 0) return [];
  const isFailing = outbox.some(({ state }) => state === 'failing');
  const columns = [{ title: 'Target' }, { title: 'What it knows' }, { title: 'Failed attempts', isNumber: true }];
  const rows = outbox.map((one) =>
    row(code(one.target, 'auto'), [cell(stateOf(one, Date.parse(at), clock)), numberCell(number(one.failures))]),
  );
  return [
    section({
      id: 'outbox',
      title: 'Outbox',
      mark: mark(isFailing ? 'warn' : 'good'),
      note: isFailing
        ? 'Readers may get old documents there. The service goes on trying; docs/cdn.md says what to check.'
        : 'The service tells these systems of changes.',
      isWide: true,
      body: table('outbox', columns, rows),
    }),
  ];
}

function stateOf({ state, due, failingSince, lastError = '' }: OutboxStatus, at: number, clock: Clock): Part {
  switch (state) {
    case 'failing':
      return html`not told since ${when(failingSince ?? due ?? '', clock)}: <bdi>${lastError}</bdi>`;
    case 'pending':
      return 'is being told';
    case 'up to date':
      return due === undefined || Date.parse(due) <= at ? 'everything' : html`everything; next on ${when(due, clock)}`;
  }
}

function when(at: string, clock: Clock): Html {
  const moment = Date.parse(at);
  return html`<time datetime="${at}">${clock.date(moment)}, ${clock.time(moment)}</time>`;
}
