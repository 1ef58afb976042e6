import { setTimeout as sleep } from 'node:timers/promises';
import { createFileChanges } from './file-changes.ts';
import { ERASED, type Ledger } from './ledger.ts';
import type { Ask, Asked, Program } from './program.ts';
import { whole } from './random.ts';
import type { FeedMemory } from './verify.ts';

export const SECTIONS = ['north', 'east', 'south'] as const;
/** Few enough that every article is in every document, enough that most changes meet an article at rest. */
const IDS = 60;
const WRITERS = 4;
const BULKS = 2;
/** Milliseconds until a change that a restarting process refused is followed by the next. */
const PAUSE = 20;
/** How often something is done with a file before it is waited for. */
const FILES_AT_ONCE = 4;

export interface Load {
  readonly folder: string;
  readonly random: () => number;
  readonly ledger: Ledger;
  /** What readers saw of the feeds. */
  readonly feeds: FeedMemory;
  /** The next stamp's number, over all lives of one store. */
  readonly next: () => number;
  readonly changeFile: () => Promise<string>;
  /** Texts whose erasure was acknowledged. No file of the store may have them. */
  readonly erased: string[];
}

export function createLoad(parts: Omit<Load, 'changeFile' | 'erased'>): Load {
  return { ...parts, changeFile: createFileChanges(parts, recordOf), erased: [] };
}

/** The section of an article whose record has that number. */
export function sectionOf(number: number): string {
  return SECTIONS[number % SECTIONS.length] ?? '';
}

/** A record that carries its stamp in every part that could be half written: title, story, section. */
export function recordOf(id: string, number: number) {
  const stamp = `p${number}`;
  return {
    id,
    url: `/${id}`,
    title: `Story ${stamp}`,
    summary: `About ${stamp}`,
    body: `<p>${`${stamp} `.repeat(60 + (number % 7) * 20)}</p>`,
    sections: [sectionOf(number)],
    publishedAt: '2026-11-20T10:00:00Z',
  };
}

export function anyId(random: () => number): string {
  return `a${whole(random, IDS)}`;
}

/** A load that is under way. */
export interface Work {
  /** Resolves when the service is gone, or when the load has been stopped. */
  readonly done: Promise<void>;
  /** Lets the requests that have begun end, and begins no more. */
  readonly stop: () => Promise<void>;
}

/**
 * Sends PUTs, DELETEs and bulk imports, changes files, and reads, all at once.
 *
 * @param survives whether the service goes on when one of its processes is killed
 */
export function load(program: Program, parts: Load, survives: boolean): Work {
  let isOver = false;
  const repeat = async (work: () => Promise<void>): Promise<void> => {
    while (!isOver) {
      try {
        await work();
      } catch (error) {
        if (!isBroken(error)) throw error;
        if (!survives) return;
        await sleep(PAUSE);
      }
    }
  };
  const clients = [
    ...Array.from({ length: WRITERS }, () => () => changeOne(program.ask, parts)),
    ...Array.from({ length: BULKS }, () => () => importMany(program.ask, parts)),
    () => changeFiles(program.ask, parts),
    () => eraseOne(program.ask, parts),
    () => readOne(program.ask, parts),
  ];
  const done = Promise.all(clients.map(repeat)).then(() => {});
  // An error shows where the load is awaited.
  done.catch(() => {});
  return {
    done,
    async stop() {
      isOver = true;
      await done;
    },
  };
}

/** A crash breaks the connection. Any other error is a failure of the test. */
function isBroken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && BROKEN.includes(String(error.code));
}

const BROKEN = ['ECONNRESET', 'ECONNREFUSED', 'EPIPE'];

interface Acknowledgement {
  readonly id: string;
  readonly result: string;
  readonly revision: number;
  readonly warnings?: readonly unknown[];
}

async function changeOne(ask: Ask, { random, ledger, next }: Load): Promise<void> {
  const id = anyId(random);
  const number = next();
  if (random() < 0.3) {
    await change(ledger, { id, stamp: `w${number}` }, () =>
      ask(`/api/articles/${id}?reason=w${number}`, { method: 'DELETE' }),
    );
  } else await publish(ask, ledger, id, number);
}

function publish(ask: Ask, ledger: Ledger, id: string, number: number): Promise<Acknowledgement | undefined> {
  const body = JSON.stringify(recordOf(id, number));
  return change(ledger, { id, stamp: `p${number}` }, () => ask(`/api/articles/${id}`, { method: 'PUT', body }));
}

/** Makes a change. Returns undefined if there was nothing to withdraw, or if the change may have been kept or not. */
async function change(
  ledger: Ledger,
  { id, stamp }: { readonly id: string; readonly stamp: string },
  send: () => Promise<Asked>,
): Promise<Acknowledgement | undefined> {
  ledger.sent(id, stamp);
  const { status, text } = await send();
  if (status === 404) return undefined;
  if (status === 503) {
    // The process that writes has ended, or is not there yet.
    await sleep(PAUSE);
    return undefined;
  }
  if (status !== 200 && status !== 201) throw new Error(`${stamp} of ${id} got ${status}: ${text}`);
  const acknowledged = JSON.parse(text) as Acknowledgement;
  ledger.acknowledged(id, stamp, acknowledged.revision, acknowledged.result);
  return acknowledged;
}

/** Publishes an article and erases it, among many other requests. Its id has the number of its record. */
async function eraseOne(ask: Ask, { ledger, next, erased, random }: Load): Promise<void> {
  const number = next();
  const id = `e${number}`;
  if ((await publish(ask, ledger, id, number)) === undefined) return;
  const done = await change(ledger, { id, stamp: ERASED }, () =>
    ask(`/api/articles/${id}?erase=true`, { method: 'DELETE' }),
  );
  // A warning names a place that may still have the text.
  if (done?.warnings?.length === 0) erased.push(textOf(number));
  const others = 3 + whole(random, 6);
  for (let count = 0; count < others; count += 1) await see(ask, anyId(random), ledger);
}

/** A text that no other record has. */
function textOf(number: number): string {
  return ` p${number} p${number} p${number} `;
}

async function importMany(ask: Ask, { random, ledger, next }: Load): Promise<void> {
  const lines = Array.from({ length: 5 + whole(random, 60) }, () => {
    const [id, number] = [anyId(random), next()];
    ledger.sent(id, `p${number}`);
    return { stamp: `p${number}`, text: JSON.stringify(recordOf(id, number)) };
  });
  const { status } = await ask('/api/articles', {
    method: 'POST',
    body: `${lines.map(({ text }) => text).join('\n')}\n`,
    onLine(answer) {
      const { line, id, result, revision } = JSON.parse(answer) as Acknowledgement & { readonly line?: number };
      if (line === undefined) return; // the totals, or the reason why the rest was not read
      const stamp = lines[line - 1]?.stamp;
      if (stamp === undefined || id === undefined) throw new Error(`line ${line} got ${answer}`);
      if (revision !== undefined) ledger.acknowledged(id, stamp, revision, result);
    },
  });
  if (status === 503) await sleep(PAUSE);
}

/** Changes some files, and waits for an answer about the last of them, in which the service may have read it or not. */
async function changeFiles(ask: Ask, { changeFile, ledger }: Load): Promise<void> {
  let id = '';
  for (let count = 0; count < FILES_AT_ONCE; count += 1) id = await changeFile();
  await see(ask, id, ledger);
}

/** Reads an article and a feed, as they must still be after a crash. */
async function readOne(ask: Ask, { random, ledger, feeds }: Load): Promise<void> {
  await see(ask, anyId(random), ledger);
  const section = SECTIONS[whole(random, SECTIONS.length)];
  const address = `/feeds/section/${section}.${random() < 0.5 ? 'atom' : 'json'}`;
  feeds.note(address, await ask(address));
}

async function see(ask: Ask, id: string, ledger: Ledger): Promise<void> {
  const { status, text } = await ask(`/api/articles/${id}`);
  if (status === 200) ledger.saw(id, (JSON.parse(text) as Acknowledgement).revision);
}
