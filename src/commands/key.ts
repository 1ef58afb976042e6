import { resolve } from 'node:path';
import { OPTIONS, type ValuesOf } from '../config/options.ts';
import { loadPublication } from '../config/publication.ts';
import { rfc3339 } from '../lib/instant.ts';
import { meantWord, synonymsOf } from '../lib/nearest-word.ts';
import { lineText } from '../lib/text.ts';
import { createKey } from '../publish/api-keys.ts';
import { hasStore, openDataFolder } from '../service/data-folder.ts';
import type { Scope, Store, StoredKey } from '../store/store.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher key create --name NAME [--scope read|write]
       feed-publisher key list
       feed-publisher key revoke ID

Manages keys for the API. “key create” shows a key once; the store keeps only its hash. A running service knows every
change of keys at once.

${optionsHelp(OPTIONS.key)}`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS.key, { args, env: terminal.env, allowPositionals: true });
  const [action, id, ...others] = positionals;
  const [surplus] = action === 'revoke' || id === undefined ? others : [id];
  if (surplus !== undefined) throw usage(`Unexpected argument “${surplus}”.`);
  switch (action) {
    case 'create':
      return await create(values, terminal);
    case 'list':
      for (const key of await keysIn(values.data)) terminal.out(keyRow(key));
      return 0;
    case 'revoke':
      return await revoke(values.data, id, terminal);
    default:
      throw usage(`“key” needs an action: create, list or revoke${unknownAction(action)}.`);
  }
}

/** Actions by the words of other programs. */
const SYNONYMS = synonymsOf({
  create: 'make new add generate issue anlegen erstellen créer crear oluştur',
  list: 'ls show all print lister listele',
  revoke: 'delete remove rm del withdraw disable löschen supprimer sil',
});

function unknownAction(action: string | undefined): string {
  if (action === undefined) return '';
  const meant = meantWord(action, ['create', 'list', 'revoke'], SYNONYMS);
  return `, not “${action}”${meant === undefined ? '' : `: the nearest is ${meant}`}`;
}

/** Opens the store for one piece of work. Creates a store that is missing. */
async function withStore<Result>(folder: string, work: (store: Store) => Promise<Result>): Promise<Result> {
  const { store } = openDataFolder(folder);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Returns all keys; none, and creates no store, where there is no store. */
async function keysIn(folder: string): Promise<readonly StoredKey[]> {
  const path = resolve(folder);
  loadPublication(path); // throws for a mistyped folder
  return hasStore(path) ? await withStore(path, (store) => store.keys()) : [];
}

async function create({ data, name, scope }: ValuesOf<typeof OPTIONS.key>, terminal: Terminal): Promise<number> {
  const clean = lineText(name ?? '');
  if (clean === '') throw usage('“key create” needs a --name, so that you can tell keys apart.');
  return await withStore(data, (store) => createNamed(store, { name: clean, scope }, terminal));
}

async function createNamed(
  store: Store,
  { name, scope }: { readonly name: string; readonly scope: Scope },
  { out, err }: Terminal,
): Promise<number> {
  const keys = await store.keys();
  const other = keys.find((key) => key.revokedAt === undefined && key.name === name);
  if (other !== undefined) {
    err(`The active key ${other.id} has the name “${name}” already: choose another name, or revoke that key first.`);
    return 1;
  }
  const { key } = await createKey(store, name, scope, Date.now());
  out(key);
  err('Save this key now. It is not shown again.');
  return 0;
}

async function revoke(data: string, id: string | undefined, { err }: Terminal): Promise<number> {
  if (id === undefined) throw usage('“key revoke” needs the ID of a key. “key list” shows all IDs.');
  const isThere = (await keysIn(data)).some((key) => key.id === id);
  if (isThere && (await withStore(data, (store) => store.revokeKey(id, Date.now())))) {
    err(`The key ${id} is revoked. The API refuses it now.`);
    return 0;
  }
  err(`No active key “${id}”. “key list” shows all keys.`);
  return 1;
}

function keyRow({ id, scope, name, createdAt, revokedAt }: StoredKey): string {
  const state = revokedAt === undefined ? '' : `  revoked ${rfc3339(revokedAt)}`;
  return `${id}  ${scope.padEnd(5)}  created ${rfc3339(createdAt)}${state}  ${name}`;
}
