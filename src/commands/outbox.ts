import { resolve } from 'node:path';
import { OPTIONS } from '../config/options.ts';
import { loadPublication } from '../config/publication.ts';
import { outboxStatus } from '../http/outbox.ts';
import type { Instant } from '../lib/instant.ts';
import { didYouMean, meantWord, synonymsOf } from '../lib/nearest-word.ts';
import type { OutboxStatus } from '../pages/service-status.ts';
import { hasStore } from '../service/data-folder.ts';
import { openSharedFolder } from '../service/shared-folder.ts';
import type { OutboxStore } from '../store/outbox-store.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher outbox list [--json]
       feed-publisher outbox retry [TARGET]
       feed-publisher outbox drop TARGET
       feed-publisher outbox forget TARGET

Shows the caches and static sites that the service tells of changes, and what each knows. “outbox retry” tells them at once
what they do not know, whatever failed before. “outbox drop” forgets what a target was to be told by now: a cache then keeps old
documents until they expire. “outbox forget” removes a target that no service names any more, such as one of a replica that is gone.
A running service knows at once; without one, the next start does the work.

${optionsHelp(OPTIONS.outbox)}`;

export const command: Command = { help: HELP, run };

const ACTIONS = ['list', 'retry', 'drop', 'forget'] as const;
const DAY = 24 * 60 * 60 * 1000;

/** Actions by the words of other programs. */
const SYNONYMS = synonymsOf({
  list: 'ls show status print all queue',
  retry: 'flush run resend send requeue now',
  drop: 'delete remove rm discard skip purge clear',
  forget: 'unregister detach',
});

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS.outbox, { args, env: terminal.env, allowPositionals: true });
  const [word, target, surplus] = positionals;
  const action = ACTIONS.find((known) => known === word);
  if (action === undefined) throw usage(`“outbox” needs an action: list, retry, drop or forget${unknownAction(word)}.`);
  const extra = action === 'list' ? target : surplus;
  if (extra !== undefined) throw usage(`Unexpected argument “${extra}”.`);
  if ((action === 'drop' || action === 'forget') && target === undefined)
    throw usage(`“outbox ${action}” needs the target: “outbox list” shows all.`);
  const path = resolve(values.data);
  const publication = loadPublication(path); // throws for a mistyped folder
  const options = { most: 1, tombstonesFor: publication.tombstoneDays * DAY };
  if (!hasStore(path)) return action === 'list' ? list([], values.json, terminal) : unknownTarget(target, [], terminal);
  const { databaseUrl } = values;
  const { store } = await openSharedFolder(path, { publication, databaseUrl });
  try {
    const rows = (await store.outbox()).map((row) => outboxStatus(row, Date.now()));
    if (action === 'list') return list(rows, values.json, terminal);
    const known = rows.map((row) => row.target);
    const targets = target === undefined ? known : known.filter((id) => id === target);
    if (targets.length === 0) return unknownTarget(target, known, terminal);
    for (const id of targets) {
      if (action === 'retry') await retry(store, id, terminal);
      else if (action === 'drop') await drop(store, id, options, terminal);
      else await forget(store, id, terminal);
    }
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
  if (target === undefined)
    err(
      'The outbox has no target: name caches with --purge, or a static site with --site, when you start the service.',
    );
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

async function forget(store: OutboxStore, target: string, { out }: Terminal): Promise<void> {
  await store.forgetOutbox(target);
  out(`${target}: forgotten. A service that names it tells it everything after its next start.`);
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
