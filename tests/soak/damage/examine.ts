import { toldIn } from '../../helpers.ts';
import type { Ask, Asked, Program } from '../crash/program.ts';
import { whole } from '../crash/random.ts';
import { digestOf, type History } from './history.ts';

/** What became of the questions to a service on a damaged store. */
interface Verdict {
  /** Answers with 200 that were compared. */
  compared: number;
  /** Answers with 503. */
  unavailable: number;
  /** In words. Each names the address. */
  readonly wrong: string[];
}

/** Readers and the newsroom ask at the same time. */
const CLIENTS = 6;
/** The id of an article that the undamaged store never had. */
export const NEW = 'new';
const STORY = { url: '/new', title: 'New', body: '<p>New.</p>', publishedAt: '2024-06-01T10:00:00Z' };

/** Asks for each address, and compares the answers with those of the undamaged store. */
export async function compareAnswers(ask: Ask, addresses: Iterable<string>, history: History): Promise<Verdict> {
  const verdict: Verdict = { compared: 0, unavailable: 0, wrong: [] };
  const left = [...addresses];
  const client = async () => {
    for (let address = left.pop(); address !== undefined; address = left.pop()) {
      const answer = await ask(address).catch((error: Error) => error);
      judge(address, answer, history, verdict);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return verdict;
}

function judge(address: string, answer: Asked | Error, { given, texts }: History, verdict: Verdict): void {
  if (answer instanceof Error) verdict.wrong.push(`${address}: has no answer: ${answer.message}`);
  else if (answer.status === 503) verdict.unavailable += 1;
  else {
    if (answer.status === 200) verdict.compared += 1;
    if (given.get(address)?.has(digestOf(answer))) return;
    verdict.wrong.push(
      `${address}: ${answer.status}, which it never was: ${difference(answer.text, texts.get(address))}`,
    );
  }
}

/** Where a text begins to differ from what it was at the end. */
function difference(text: string, before = ''): string {
  let at = 0;
  while (at < text.length && text[at] === before[at]) at += 1;
  const around = (whole: string) => whole.slice(Math.max(0, at - 60), at + 120);
  return `at ${at}, “${around(text)}” was last “${around(before)}”`;
}

/** Returns what a service acknowledges although it has seen damage, in words. */
export async function wrongWithWrites(ask: Ask): Promise<string[]> {
  const line = `${JSON.stringify({ ...STORY, id: `${NEW}2` })}\n`;
  const bulk = await ask('/api/articles', { method: 'POST', body: line });
  const answers = {
    PUT: await ask(`/api/articles/${NEW}`, { method: 'PUT', body: JSON.stringify(STORY) }),
    DELETE: await ask('/api/articles/s5', { method: 'DELETE' }),
    bulk: /"result":"(created|updated|unchanged)"/.test(bulk.text) ? bulk : { ...bulk, status: 503 },
    '/readyz': await ask('/readyz'),
  };
  return Object.entries(answers)
    .filter(([, { status }]) => status < 400)
    .map(([name, { status, text }]) => `${name} after damage was seen: ${status} ${text.slice(0, 200)}`);
}

/** What became of a change. */
interface Changed {
  readonly isAcknowledged: boolean;
  /** In words. */
  readonly wrong: readonly string[];
}

/**
 * Changes a store in which no damage was seen, and reads the change.
 *
 * @param allowed statuses of a refusal, and of a read that is the first to meet damage: another process may do the read, and
 * lack the pages that the one which wrote has in memory
 */
export async function changeArticle(ask: Ask, id: string, allowed: readonly number[]): Promise<Changed> {
  const { status, text } = await ask(`/api/articles/${id}`, { method: 'PUT', body: JSON.stringify(STORY) });
  if (status !== 201) {
    const wrong = allowed.includes(status) ? [] : [`PUT: ${status} ${text.slice(0, 200)}`];
    return { isAcknowledged: false, wrong };
  }
  const kept = await ask(`/api/articles/${id}`);
  const isKept = kept.status === 200 && kept.text.includes(`"revision":${JSON.parse(text).revision},`);
  const asAcknowledged = `acknowledged as ${text.slice(0, 200)}, but is ${kept.status} ${kept.text.slice(0, 200)}`;
  return { isAcknowledged: true, wrong: isKept || allowed.includes(kept.status) ? [] : [asAcknowledged] };
}

/** The rule for a service that refuses to start: it ends by itself and says in one clear line what to do. */
export function wrongWithRefusal(ended: number | string, said: string): string[] {
  const lines = said.split('\n').filter((line) => line !== '');
  // A problem and, if it has one, the hint. A log line has both.
  const isClear = lines.length >= 1 && lines.length <= 2 && !said.includes('"stack"') && !/^ +at /m.test(said);
  return [
    ...(ended === 1 ? [] : [`the start ends with ${ended}`]),
    ...(isClear ? [] : [`the start does not say one clear line: ${said.slice(0, 800)}`]),
    ...(/backup|repair|verify/.test(said) ? [] : [`the start does not say what to do: ${said.slice(0, 800)}`]),
  ];
}

/** A service that has met damage lives on. */
export async function wrongWithProcess(program: Program): Promise<string[]> {
  const { status } = await program.ask('/healthz').catch((error: Error) => ({ status: error.message }));
  return status === 200 ? [] : [`/healthz: ${status}; the process said ${program.said().slice(-500)}`];
}

/** The log names the damage once, or once for each process, and says what to do. */
export function wrongWithLog({ said }: Program, processes: number): string[] {
  const lines = toldIn(said()).filter(({ level }) => level === 'error');
  const isClear =
    lines.length >= 1 && lines.length <= processes && lines.every(({ msg }) => /verify.*repair/.test(msg));
  return isClear ? [] : [`the log has no clear line: ${lines.map(({ msg }) => msg).join(' | ')}`];
}

export function shuffled(addresses: Iterable<string>, random: () => number): string[] {
  const order = [...addresses];
  for (let at = order.length - 1; at > 0; at -= 1) {
    const other = whole(random, at + 1);
    [order[at], order[other]] = [order[other] ?? '', order[at] ?? ''];
  }
  return order;
}
