import { type Html, html, type Part } from '../html.ts';
import type { Load, ServiceStatus } from '../service-status.ts';
import { cell, mark, numberCell, row, section, table } from './markup.ts';
import { meter } from './plots.ts';
import { countedInWords, duration, number, size, span } from './wording.ts';

const LANES: Readonly<Record<Load['queues'][number]['lane'], string>> = {
  newsroom: 'Newsroom’s queue',
  feeds: 'Readers’ queue, known feeds',
  changes: 'Partners’ queue, change feeds',
  others: 'Readers’ queue, others',
};
/** The share of a limit from which it is nearly reached. */
const NEARLY = 0.8;
/** Milliseconds for which requests wait where the event loop is blocked, which people notice. */
const LONG_BLOCK = 1000;

/** What waits, what is open, and how much room there is. */
export function loadSection({ load, store, version, startedAt, at, processes, needs }: ServiceStatus): Html {
  const { queues, connections, cache, eventLoopDelay } = load;
  const rows = [
    ...queues.map(({ lane, waiting, limit }) =>
      limited(LANES[lane], `${number(waiting)} waiting`, waiting, limit, number(limit)),
    ),
    limited('Connections', number(connections.open), connections.open, connections.limit, number(connections.limit)),
    row('Rendered in memory', [
      cell(
        html`${size(cache.bytes, 1024)}, ${cache.evicted === 0 ? 'nothing' : number(cache.evicted)} evicted ${meter(cache.bytes, cache.limit, true)}`,
      ),
      numberCell(size(cache.limit, 1024)),
    ]),
    row('Store', [
      cell(`revision ${number(store.revision)}, ${size(store.bytes)} and ${size(store.logBytes)} of log`),
      numberCell(`${size(store.freeBytes)} free`),
    ]),
    row('Event loop', [
      cell(`blocked for ${duration(eventLoopDelay)} at most${eventLoopDelay >= LONG_BLOCK ? ': requests wait' : ''}`),
      numberCell(''),
    ]),
  ];
  const isTight =
    queues.some(({ waiting, limit }) => isNearly(waiting, limit)) ||
    isNearly(connections.open, connections.limit) ||
    eventLoopDelay >= LONG_BLOCK ||
    needs.damage !== undefined ||
    needs.disk !== undefined;
  return section({
    id: 'load',
    title: 'Queue and store',
    mark: mark(isTight ? 'warn' : 'good'),
    note: `Version ${version}, ${countedInWords(processes, 'process', 'processes')}, up for ${span(Date.parse(at) - Date.parse(startedAt))}`,
    body: table('load', [{ title: 'Part' }, { title: 'Now' }, { title: 'Of', isNumber: true }], rows),
  });
}

function limited(name: string, now: Part, n: number, limit: number, most: string): Html {
  return row(name, [
    cell(html`${now}${isNearly(n, limit) && ', nearly full'} ${meter(n, limit, true)}`),
    numberCell(most),
  ]);
}

function isNearly(n: number, limit: number): boolean {
  return limit > 0 && n >= NEARLY * limit;
}
