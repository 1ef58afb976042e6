import { resolve } from 'node:path';
import { OPTIONS } from '../config/options.ts';
import { loadPublication } from '../config/publication.ts';
import { outboxStatus } from '../http/outbox.ts';
import type { Instant } from '../lib/instant.ts';
import { didYouMean, meantWord, synonymsOf } from '../lib/nearest-word.ts';
import type { OutboxStatus } from '../pages/service-status.ts';
import { hasStore, openDataFolder } from '../service/data-folder.ts';
import type { OutboxStore } from '../store/outbox-store.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher outbox list [--json]
       feed-publisher outbox retry [TARGET]
       feed-publisher outbox drop TARGET

Shows the caches and other systems that the service tells of changes, and what each knows. “outbox retry” tells them at once
what they do not know, whatever failed before. “outbox drop” forgets what a target was to be told by now: a cache then keeps old
documents until they expire. A running service knows at once; without one, the next start does the work.

${optionsHelp(OPTIONS.outbox)}`;

export const command: Command = { help: HELP, run };

const ACTIONS = ['list', 'retry', 'drop'] as const;
const DAY = 24 * 60 * 60 * 1000;

/** Actions by the words of other programs. */
const SYNONYMS = synonymsOf({
  list: 'ls show status print all queue',
  retry: 'flush run resend send requeue now',
  drop: 'delete remove rm forget discard skip purge clear',
});

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS.outbox, { args, env: terminal.env, allowPositionals: true });
  const [word, target, surplus] = positionals;
  const action = ACTIONS.find((known) => known === word);
  if (action === undefined) throw usage(`“outbox” needs an action: list, retry or drop${unknownAction(word)}.`);
  const extra = action === 'list' ? target : surplus;
  if (extra !== undefined) throw usage(`Unexpected argument “${extra}”.`);
  if (action === 'drop' && target === undefined)
    throw usage('“outbox drop” needs the target: “outbox list” shows all.');
  const path = resolve(values.data);
  const publication = loadPublication(path); // throws for a mistyped folder
  const options = { most: 1, tombstonesFor: publication.tombstoneDays * DAY };
  if (!hasStore(path)) return action === 'list' ? list([], values.json, terminal) : unknownTarget(target, [], terminal);
  const { store } = openDataFolder(path, { publication });
  try {
    const rows = (await store.outbox()).map((row) => outboxStatus(row, Date.now()));
    if (action === 'list') return list(rows, values.json, terminal);
    const known = rows.map((row) => row.target);
    const targets = target === undefined ? known : known.filter((id) => id === target);
    if (targets.length === 0) return unknownTarget(target, known, terminal);
    for (const id of targets)
      await (action === 'retry' ? retry(store, id, terminal) : drop(store, id, options, terminal));
    return 0;
  } finally {
    await store.close();
  }
}

function unknownAction(word: string | undefined): string {
  if (word === undefined) return '';
  const meant = meantWord(word, ACTIONS, SYNONYMS);
  return `, not “${word}”${meant === undefined ? '' : `: the nearest is ${meant}`}`;
}

function unknownTarget(target: string | undefined, known: readonly string[], { err }: Terminal): number {
  if (target === undefined) err('The outbox has no target: name caches with --purge when you start the service.');
  else {
    const meant = meantWord(target, known);
    const end = meant === undefined ? '. Run “outbox list” to see all targets.' : didYouMean(meant);
    err(`The outbox has no target “${target}”${end}`);
  }
  return 1;
}

async function retry(store: OutboxStore, target: string, { out }: Terminal): Promise<void> {
  await store.retryOutbox(target, Date.now);
  out(`${target}: tried at once.`);
}

async function drop(
  store: OutboxStore,
  target: string,
  options: { readonly most: number; readonly tombstonesFor: number },
  { out }: Terminal,
): Promise<void> {
  await store.dropOutbox(target, options, Date.now);
  out(`${target}: what it was to be told by now is dropped.`);
}

function list(rows: readonly OutboxStatus[], isJson: boolean, { out }: Terminal): number {
  if (isJson) out(JSON.stringify({ targets: rows }));
  else if (rows.length === 0) out('The service tells no other system of changes.');
  else for (const row of rows) out(lineOf(row, Date.now()));
  return 0;
}

function lineOf(
  { target, state, due, failures, failingSince, nextAttempt, lastError }: OutboxStatus,
  at: Instant,
): string {
  switch (state) {
    case 'failing':
      return `${target}: failing since ${failingSince}, ${failures} attempts, the next at ${nextAttempt}. ${lastError}`;
    case 'pending':
      return `${target}: pending since ${due}.`;
    case 'up to date':
      return due === undefined || Date.parse(due) <= at
        ? `${target}: up to date.`
        : `${target}: up to date, next at ${due}.`;
  }
}
