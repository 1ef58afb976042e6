import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../delivery.ts';
import { figure, median, print, printTable, ratio } from '../figures.ts';
import { recordOf } from '../newsroom.ts';
import type { RecordedAnswer } from '../opponent.ts';
import { isInstalled, SERVER_CORE } from '../processes.ts';
import { type Contestant, inTurn, medianRate, type Rounds, requestText } from '../rates.ts';
import { copySample, PATH } from '../sample.ts';
import { type Answer, ask, putNew, type Service, withService, writerOf } from '../service.ts';
import { type Server, startNginx, startOpponent } from './servers.ts';

type Headers = Readonly<Record<string, string>>;

/** A question, and the answer that ours gives. */
interface Kind {
  readonly name: string;
  readonly headers: Headers;
  readonly answer: Answer;
}

const OURS = 'Feed Publisher';
const BARE = 'node:http, the same bytes';
const TUNED = 'the same, optimizeEmptyRequests';
const NGINX = 'nginx, the bytes as a file';
const SENDFILE = 'the same, sendfile';
const CACHED = 'Express, a kept string';
const NAIVE = 'Express, feed at every request';
/** Milliseconds after which the best compression is made. */
const SETTLED = 2000;

/** Answers a second to each kind of question: ours, and those of every opponent. */
export async function opponents({ folder, load }: Bench): Promise<void> {
  const data = await copySample(join(folder, 'data'));
  const work = async (service: Service) => {
    const kinds = await record(service, await writerOf(data));
    const { servers, stop } = await startAll(folder, kinds);
    servers.unshift({ name: OURS, ...service });
    const measured = new Map<string, ReadonlyMap<string, Rounds>>();
    try {
      for (const kind of kinds) {
        const contestants = await Promise.all(servers.map((server) => contestantFor(server, kind)));
        const rounds = await inTurn(load, contestants.flat(), kind.answer.status);
        measured.set(kind.name, rounds);
        printRates(kind, rounds);
      }
    } finally {
      await stop();
    }
    print('\nAsked of 200 and 304: at least 0.95 of bare and 0.7 of nginx, p99 at most 1.25 of that of bare.');
    print('Of nginx with its own settings, which reads the file; with sendfile it hands over its pages uncopied.');
    printDelta(kinds, measured);
  };
  await withService(data, work, { core: SERVER_CORE });
}

/** Asks ours each question; a delta is what came since the feed was asked for first. */
async function record(service: Service, writer: Headers): Promise<Kind[]> {
  const identity = { 'Accept-Encoding': 'identity' };
  const br = { 'Accept-Encoding': 'br' };
  const before = await service.ask(PATH, { headers: identity });
  const story = { ...recordOf(0), publishedAt: new Date().toISOString(), updatedAt: undefined };
  await putNew(service, writer, story);
  await service.ask(PATH, { headers: br });
  await sleep(SETTLED);
  const full = await service.ask(PATH, { headers: identity });
  const questions: [string, number, Headers][] = [
    ['200 identity', 200, identity],
    ['200 br', 200, br],
    ['304', 304, { ...identity, 'If-None-Match': full.headers.etag ?? '' }],
    ['delta of one entry', 226, { ...identity, 'A-IM': 'feed', 'If-None-Match': before.headers.etag ?? '' }],
  ];
  const kinds: Kind[] = [];
  for (const [name, status, headers] of questions) {
    const answer = await service.ask(PATH, { headers });
    if (answer.status === status) kinds.push({ name, headers, answer });
    else print(`\n${name}: – (the service answers ${answer.status})`);
  }
  return kinds;
}

type Named = Pick<Server, 'port' | 'pid'> & { readonly name: string };

async function startAll(folder: string, kinds: readonly Kind[]) {
  const file = join(folder, 'answers.json');
  await writeFile(file, JSON.stringify(kinds.map(recorded)));
  const [identity, br] = kinds.map(({ answer }) => answer.body);
  if (identity === undefined || br === undefined) throw new Error('the feed was not answered');
  const started: (Server & Named)[] = [{ name: BARE, ...(await startOpponent('bare', file)) }];
  started.push({ name: TUNED, ...(await startOpponent('tuned', file)) });
  if (isInstalled('nginx')) {
    started.push({ name: NGINX, ...(await startNginx('read', { identity, compressed: br })) });
    started.push({ name: SENDFILE, ...(await startNginx('sendfile', { identity, compressed: br })) });
  } else print('\nnginx is not installed');
  started.push({ name: CACHED, ...(await startOpponent('cached', file)) });
  started.push({ name: NAIVE, ...(await startOpponent('naive')) });
  const servers: Named[] = [...started];
  return { servers, stop: () => Promise.all(started.map((server) => server.stop())) };
}

/** An answer as it came, without the headers that node:http writes itself. */
function recorded({ name, answer }: Kind): RecordedAnswer {
  const headers = answer.rawHeaders.flatMap((header, index, all) =>
    index % 2 === 0 && !/^(date|connection|keep-alive)$/i.test(header) ? [header, all[index + 1] ?? ''] : [],
  );
  return { path: addressOf(name), status: answer.status, headers, body: answer.body.toString('base64') };
}

function addressOf(kind: string): string {
  return `/${kind.replaceAll(' ', '-')}`;
}

/** What the server is asked so that it gives that kind of answer; nothing where it cannot. */
async function contestantFor({ name, port, pid }: Named, kind: Kind): Promise<Contestant[]> {
  const asked = (path: string, headers: Headers) => [{ name, port, pid, request: requestText(path, headers) }];
  if (name === OURS) return asked(PATH, kind.headers);
  if (name === BARE || name === TUNED) return asked(addressOf(kind.name), kind.headers);
  if (kind.answer.status === 226 || (name === CACHED && kind.name === '200 br')) return [];
  // It tells the time in its document, so that its tag is another every second.
  if (name === NAIVE && kind.name !== '200 identity') return [];
  if (kind.answer.status === 304) {
    const { headers } = await ask({ port, path: PATH });
    return asked(PATH, { 'Accept-Encoding': 'identity', 'If-None-Match': headers.etag ?? '' });
  }
  return asked(PATH, { 'Accept-Encoding': kind.name === '200 br' ? 'gzip' : 'identity' });
}

function printRates({ name, answer }: Kind, measured: ReadonlyMap<string, Rounds>): void {
  const bare = measured.get(BARE);
  const nginx = measured.get(NGINX);
  const busy = Math.max(...[...measured.values()].map(({ loadBusy }) => loadBusy));
  print(`\n${name}, ${answer.body.length} bytes (the load generator used up to ${figure(busy * 100)} % of its core)`);
  printTable([
    ['', 'a second', 'of bare', 'of nginx', 'p50 ms', 'p99 ms', 'of bare', 'CPU µs', 'of bare', 'RSS MB'],
    ...[...measured].map(([server, rounds]) => [
      server,
      figure(medianRate(rounds)),
      figure(ratio(rounds.rates, bare?.rates), 2),
      figure(ratio(rounds.rates, nginx?.rates), 2),
      figure(median(rounds.p50), 2),
      figure(median(rounds.p99), 2),
      figure(ratio(rounds.p99, bare?.p99), 2),
      figure(median(rounds.cpu), 1),
      figure(ratio(rounds.cpu, bare?.cpu), 2),
      figure(rounds.memory),
    ]),
  ]);
}

function printDelta(kinds: readonly Kind[], measured: ReadonlyMap<string, ReadonlyMap<string, Rounds>>): void {
  const delta = kinds.find(({ answer }) => answer.status === 226);
  const full = kinds.find(({ answer }) => answer.status === 200);
  if (delta === undefined || full === undefined) return;
  const rate = (kind: string) => measured.get(kind)?.get(OURS)?.rates;
  print(
    `\nA delta of one entry is answered at ${figure(ratio(rate(delta.name), rate('304')), 2)} of the rate of a 304`,
  );
  print(`and takes ${figure(delta.answer.body.length / full.answer.body.length, 3)} of the full feed's bytes`);
  print('(asked: at least 0.5, and under 0.05)');
}
