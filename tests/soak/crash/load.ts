import type { Ledger } from './ledger.ts';
import type { Program } from './program.ts';
import { whole } from './random.ts';

export const SECTIONS = ['north', 'east', 'south'] as const;
/** Few enough that every article is in every document, enough that most changes meet an article at rest. */
const IDS = 60;
const WRITERS = 4;
const BULKS = 2;

export interface Load {
  readonly random: () => number;
  readonly ledger: Ledger;
  /** The next stamp's number, over all lives of one store. */
  readonly next: () => number;
}

/** A record that carries its stamp in every part that could be half written: title, story, section. */
function stamped(id: string, number: number) {
  const stamp = `p${number}`;
  return {
    id,
    url: `/${id}`,
    title: `Story ${stamp}`,
    summary: `About ${stamp}`,
    body: `<p>${`${stamp} `.repeat(60 + (number % 7) * 20)}</p>`,
    sections: [SECTIONS[number % SECTIONS.length]],
    publishedAt: '2026-11-20T10:00:00Z',
  };
}

/** Sends PUTs, DELETEs and bulk imports at once until the service is gone. */
export async function load(program: Program, parts: Load): Promise<void> {
  const writers = Array.from({ length: WRITERS }, () => untilGone(() => changeOne(program, parts)));
  const bulks = Array.from({ length: BULKS }, () => untilGone(() => importMany(program, parts)));
  await Promise.all([...writers, ...bulks]);
}

/** A crash breaks the connection. Any other error is a failure of the test. */
async function untilGone(work: () => Promise<void>): Promise<void> {
  try {
    for (;;) await work();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (!['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(String(error.code))) throw error;
  }
}

function anyId(random: () => number): string {
  return `a${whole(random, IDS)}`;
}

interface Acknowledgement {
  readonly id: string;
  readonly result: string;
  readonly revision: number;
}

async function changeOne(program: Program, { random, ledger, next }: Load): Promise<void> {
  const id = anyId(random);
  const number = next();
  const withdraws = random() < 0.3;
  const stamp = `${withdraws ? 'w' : 'p'}${number}`;
  ledger.sent(id, stamp);
  const { status, text } = withdraws
    ? await program.ask(`/api/articles/${id}?reason=${stamp}`, { method: 'DELETE' })
    : await program.ask(`/api/articles/${id}`, { method: 'PUT', body: JSON.stringify(stamped(id, number)) });
  if (withdraws && status === 404) return;
  if (status !== 200 && status !== 201) throw new Error(`${stamp} of ${id} got ${status}: ${text}`);
  const { revision, result } = JSON.parse(text) as Acknowledgement;
  ledger.acknowledged(id, stamp, revision, result);
}

async function importMany(program: Program, { random, ledger, next }: Load): Promise<void> {
  const lines = Array.from({ length: 5 + whole(random, 60) }, () => {
    const [id, number] = [anyId(random), next()];
    ledger.sent(id, `p${number}`);
    return { stamp: `p${number}`, text: JSON.stringify(stamped(id, number)) };
  });
  await program.ask('/api/articles', {
    method: 'POST',
    body: `${lines.map(({ text }) => text).join('\n')}\n`,
    onLine(answer) {
      if (answer.startsWith('{"totals":')) return;
      const { line, id, result, revision } = JSON.parse(answer) as Acknowledgement & { readonly line: number };
      const stamp = lines[line - 1]?.stamp;
      if (stamp === undefined || id === undefined) throw new Error(`line ${line} got ${answer}`);
      ledger.acknowledged(id, stamp, revision, result);
    },
  });
}
