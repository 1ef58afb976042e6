import { resolve } from 'node:path';
import type { ValuesOf } from '../config/option.ts';
import type { Ending } from '../config/option-values.ts';
import { OPTIONS } from '../config/options.ts';
import { loadPublication, loadWithoutPartners } from '../config/publication.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { meantWord, synonymsOf } from '../lib/nearest-word.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { lineText } from '../lib/text.ts';
import { createKey, isActive } from '../publish/api-keys.ts';
import { hasStore } from '../service/data-folder.ts';
import { openSharedFolder } from '../service/shared-folder.ts';
import type { Store, StoredKey } from '../store/store.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { unknownPartner, withRecord } from './delivery-record.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher key create --name NAME [--scope read|write] [--expires WHEN]
       feed-publisher key create --partner ID --name NAME [--expires WHEN]
       feed-publisher key list [--partner ID]
       feed-publisher key revoke KEY_ID

Manages keys: for the API, and for the feeds of partners. “key create” shows a key once; the store keeps only its
hash. A running service knows every change of keys at once. “key list” shows when each key of a partner was last used.
A partner can have several keys: create the next one, wait until the partner uses it, and revoke the one before.
KEY_ID is the first word of a line of “key list”; a whole key does as well.

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
      return await list(values, terminal);
    case 'revoke':
      return await revoke(values, id, terminal);
    default:
      throw usage(`“key” needs an action: create, list or revoke${unknownAction(action)}.`);
  }
}

const DAY = 24 * 60 * 60 * 1000;
/** Columns for what a key opens, at least. */
const SCOPE_WIDTH = 5;

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

/** Where the store is. */
type Place = Pick<ValuesOf<typeof OPTIONS.key>, 'data' | 'databaseUrl'>;

/** Opens the store for one piece of work. Creates a store that is missing. */
async function withStore<Result>(place: Place, work: (store: Store) => Promise<Result>): Promise<Result> {
  const { data, databaseUrl } = place;
  const { store } = await openSharedFolder(data, { publication: loadWithoutPartners(data), databaseUrl });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function partnersIn(folder: string): readonly string[] {
  return (loadPublication(resolve(folder)).partners ?? []).map(({ id }) => id);
}

/** Returns all keys; none, and creates no store, where there is no store. */
async function keysIn({ data, databaseUrl }: Place): Promise<readonly StoredKey[]> {
  const path = resolve(data);
  loadWithoutPartners(path); // throws for a mistyped folder
  const isThere = databaseUrl !== undefined || hasStore(path);
  return isThere ? await withStore({ data: path, databaseUrl }, (store) => store.keys()) : [];
}

type NewKey = Pick<StoredKey, 'name' | 'scope' | 'partner' | 'expiresAt'>;

async function create(
  { data, databaseUrl, name, scope, partner, expires }: ValuesOf<typeof OPTIONS.key>,
  terminal: Terminal,
): Promise<number> {
  const clean = lineText(name ?? '');
  if (clean === '') throw usage('“key create” needs a --name, so that you can tell keys apart.');
  if (partner !== undefined && scope !== undefined)
    throw usage('A key of a partner has no --scope: it opens the feeds of the partner, and nothing else.');
  const now = Date.now();
  const expiresAt = expires === undefined ? undefined : endOf(expires, now);
  const wanted = {
    name: clean,
    scope: partner === undefined ? (scope ?? 'write') : 'partner',
    partner,
    expiresAt,
  } as const;
  const known = partner === undefined ? [] : partnersIn(data);
  if (partner !== undefined && !known.includes(partner)) {
    terminal.err(unknownPartner(partner, known));
    return 1;
  }
  return await withStore({ data, databaseUrl }, (store) => createNamed(store, omitUndefined(wanted), now, terminal));
}

/** @throws PublisherError `usage` for a moment that is over */
function endOf(expires: Ending, now: Instant): Instant {
  const at = 'at' in expires ? expires.at : now + expires.days * DAY;
  if (at <= now) throw usage(`--expires must be in the future: ${rfc3339(at)} is over.`);
  return at;
}

async function createNamed(store: Store, wanted: NewKey, now: Instant, { out, err }: Terminal): Promise<number> {
  const { name, scope, partner, expiresAt } = wanted;
  const keys = await store.keys();
  const other = keys.find((key) => isActive(key, now) && key.name === name && key.partner === partner);
  if (other !== undefined) {
    const owner = partner === undefined ? '' : ` of the partner ${partner}`;
    err(
      `The active key ${other.id}${owner} has the name “${name}” already: choose another name, or revoke that key first.`,
    );
    return 1;
  }
  const { key } = await createKey(store, name, scope, now, { partner, expiresAt });
  out(key);
  err('Save this key now. It is not shown again.');
  return 0;
}

/** A key, or as much of one as names it. */
const KEY_START = /^fp_([0-9a-f]{12})(?:_|$)/;

/** @param given the id of a key, or the whole key, where somebody has found it */
async function revoke(place: Place, given: string | undefined, { err }: Terminal): Promise<number> {
  if (given === undefined) throw usage('“key revoke” needs the ID of a key. “key list” shows all IDs.');
  const id = KEY_START.exec(given)?.[1] ?? given;
  const keys = await keysIn(place);
  const key = keys.find((each) => each.id === id);
  if (key !== undefined && (await withStore(place, (store) => store.revokeKey(id, Date.now())))) {
    const where = key.partner === undefined ? 'The API refuses' : `The feeds of the partner ${key.partner} refuse`;
    err(`The key ${id} is revoked. ${where} it now.`);
    return 0;
  }
  const [named] = keys.filter((each) => each.name === id && isActive(each, Date.now()));
  if (named !== undefined) err(`“${id}” is the name of a key. Its ID is ${named.id}: key revoke ${named.id}`);
  else if (id.startsWith('fp_'))
    err('No active key is like this one. “key list” shows all keys.'); // it may be one with a slip
  else err(`No active key “${id}”. “key list” shows all keys.`);
  return 1;
}

async function list(
  { data, databaseUrl, partner }: Place & Pick<ValuesOf<typeof OPTIONS.key>, 'partner'>,
  terminal: Terminal,
): Promise<number> {
  const keys = (await keysIn({ data, databaseUrl })).filter((key) => partner === undefined || key.partner === partner);
  if (partner !== undefined && keys.length === 0) {
    const known = partnersIn(data);
    const isKnown = known.includes(partner);
    terminal.err(isKnown ? `The partner ${partner} has no keys.` : unknownPartner(partner, known));
    return isKnown ? 0 : 1;
  }
  const hasPartners = keys.some(({ partner }) => partner !== undefined);
  const uses = hasPartners ? await lastUses(data, terminal) : new Map<string, Instant>();
  const width = Math.max(SCOPE_WIDTH, ...keys.map((key) => accessOf(key).length));
  const now = Date.now();
  for (const key of keys) terminal.out(keyRow(key, { width, now, usedAt: uses.get(key.id) }));
  return 0;
}

/** When each key of a partner was last used. */
async function lastUses(data: string, terminal: Terminal): Promise<ReadonlyMap<string, Instant>> {
  return await withRecord(data, terminal, async (_, opened) => (await opened?.record.lastUses()) ?? new Map());
}

/** What a key opens. */
function accessOf({ scope, partner }: StoredKey): string {
  return partner === undefined ? scope : `partner ${partner}`;
}

interface RowParts {
  /** Columns for what the key opens. */
  readonly width: number;
  readonly now: Instant;
  readonly usedAt: Instant | undefined;
}

function keyRow(key: StoredKey, { width, now, usedAt }: RowParts): string {
  const { id, name, partner, createdAt, revokedAt, expiresAt } = key;
  const ends = expiresAt === undefined ? '' : `  ${expiresAt > now ? 'expires' : 'expired'} ${rfc3339(expiresAt)}`;
  const state = revokedAt === undefined ? ends : `  revoked ${rfc3339(revokedAt)}`;
  const used = usedAt === undefined ? 'never used' : `last used ${rfc3339(usedAt)}`;
  const use = partner === undefined ? '' : `  ${used}`;
  return `${id}  ${accessOf(key).padEnd(width)}  created ${rfc3339(createdAt)}${state}${use}  ${name}`;
}
