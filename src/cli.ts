import { inspect } from 'node:util';
import { usage } from './commands/arguments.ts';
import type { Command } from './commands/command.ts';
import { type Terminal, withVisibleControls } from './commands/terminal.ts';
import { describeProblems, PublisherError } from './errors.ts';
import { meantWord, synonymsOf } from './lib/nearest-word.ts';
import { isSystemError, systemReason } from './lib/system-reason.ts';
import type { Service } from './service/service-process.ts';

const HELP = `Feed Publisher turns a newsroom's articles into RSS, Atom and JSON Feed.

Usage: feed-publisher [COMMAND] [options]

Commands
  serve            serve the feeds over HTTP (the default)
  init             make a newsroom: settings, a first article, folders
  import           publish articles from files, feeds and WordPress exports
  export           write all articles as NDJSON, or a static site
  erase            remove the text of an article for good
  key              create, list and revoke keys for the API and for partners
  outbox           show what caches and sites were told; tell them again
  verify           check the store, or a backup of it, for damage
  repair           keep what is whole of a damaged store
  backup           copy a newsroom, while the service runs
  restore          put a backup into an empty folder
  check            find mistakes before readers do
  deliveries       show what a partner has fetched
  withdrawals      show which partners have seen a withdrawal
  verify-delivery  check an answer that a partner has saved
  signing-key      make the key that signs answers to partners
  healthcheck      ask whether the service is ready, for containers
  migrate          bring the store of an earlier version to this version
  store            move the store into a database that machines share, and back

“COMMAND --help” shows the options of a command, “--version” the version. An option wins over its variable.
`;

/** Each command is loaded when it is called: a service does not need the modules of an import. */
const COMMANDS: ReadonlyMap<string, () => Promise<{ readonly command: Command }>> = new Map([
  ['serve', () => import('./commands/serve.ts')],
  ['init', () => import('./commands/init.ts')],
  ['import', () => import('./commands/import.ts')],
  ['export', () => import('./commands/export.ts')],
  ['erase', () => import('./commands/erase.ts')],
  ['key', () => import('./commands/key.ts')],
  ['outbox', () => import('./commands/outbox.ts')],
  ['verify', () => import('./commands/verify.ts')],
  ['repair', () => import('./commands/repair.ts')],
  ['backup', () => import('./commands/backup.ts')],
  ['restore', () => import('./commands/restore.ts')],
  ['check', () => import('./commands/check.ts')],
  ['deliveries', () => import('./commands/deliveries.ts')],
  ['withdrawals', () => import('./commands/withdrawals.ts')],
  ['verify-delivery', () => import('./commands/verify-delivery.ts')],
  ['signing-key', () => import('./commands/signing-key.ts')],
  ['healthcheck', () => import('./commands/healthcheck.ts')],
  ['migrate', () => import('./commands/migrate.ts')],
  ['store', () => import('./commands/store.ts')],
  ['worker', () => import('./commands/worker.ts')],
  ['site-worker', () => import('./commands/site-worker.ts')],
]);

/** Called by serve, not by people. */
const INTERNAL = ['worker', 'site-worker'];

/** Runs a command line. Resolves with the exit code, or with the service that is running now. */
export async function run(argv: readonly string[], plainTerminal: Terminal): Promise<number | Service> {
  const terminal = withVisibleControls(plainTerminal);
  const [first = ''] = argv;
  const isNamed = first !== '' && !first.startsWith('-');
  const wantsHelp = argv.includes('--help') || argv.includes('-h');
  if (!isNamed && argv.includes('--version')) return print(terminal, terminal.version);
  try {
    const load = COMMANDS.get(isNamed ? first : 'serve');
    if (load === undefined) throw unknownCommand(first);
    const { command } = await load();
    if (!isNamed && wantsHelp) return print(terminal, `${HELP}\n${command.help}`);
    if (wantsHelp) return print(terminal, command.help);
    return await command.run(isNamed ? argv.slice(1) : argv, terminal);
  } catch (caught) {
    const error = asPublisherError(caught);
    for (const problem of describeProblems(error)) terminal.err(problem);
    if (error.hint !== undefined) terminal.err(error.hint);
    return error.code === 'usage' ? 2 : 1;
  }
}

/** Prints an error that nobody expected, with its stack. */
export function printCrash(error: unknown, terminal: Terminal): void {
  const { err } = withVisibleControls(terminal);
  for (const line of inspect(error).split('\n')) err(line);
}

/** Prints what Node warns of. */
export function printWarning({ name, message }: Error, terminal: Terminal): void {
  withVisibleControls(terminal).err(`${name}: ${message}`);
}

function print({ out }: Terminal, text: string): number {
  for (const line of text.trimEnd().split('\n')) out(line);
  return 0;
}

/** Commands by the words of other programs and languages. */
const SYNONYMS = synonymsOf({
  serve: 'start run server up listen web http starten démarrer servir başlat',
  init: 'new create setup scaffold generate anlegen neu einrichten créer nouveau crear nuevo oluştur yeni',
  import: 'load add publish ingest read migratefrom einlesen charger cargar',
  export: 'dump save write ausgeben',
  key: 'token tokens apikey apikeys auth user users schlüssel clé clave anahtar',
  outbox: 'queue purges purge cdn varnish fastly cloudflare invalidate warteschlange cola kuyruk',
  verify: 'fsck integrity scrub prüfen vérifier verificar doğrula',
  repair: 'fix recover rescue salvage heal reparieren réparer reparar onar',
  backup: 'backups snapshot copy archive sichern sauvegarder yedekle',
  restore: 'unbackup restaurer wiederherstellen restaurar geriyükle',
  check: 'redirects test lint audit inspect doctor validate',
  deliveries: 'delivery delivered fetches downloads lieferungen livraisons entregas teslimatlar',
  withdrawals: 'withdrawal receipts receipt retractions kills takedowns rückrufe retraits retiradas geriçekmeler',
  'verify-delivery': 'verifydeliveries checkdelivery verifysignature proof',
  'signing-key': 'sign signature keypair genkey keygen',
  store: 'move database replicate replica',
  healthcheck: 'health healthz ready readyz alive live probe ping status',
  migrate: 'upgrade update schema migration aktualisieren güncelle',
});

function unknownCommand(name: string): PublisherError {
  const known = [...COMMANDS.keys()].filter((command) => !INTERNAL.includes(command));
  const nearest = meantWord(name, known, SYNONYMS);
  return usage(`There is no command “${name}”${nearest === undefined ? '' : `: the nearest is ${nearest}`}.`);
}

/** A system that refuses is no fault of the program, which needs no stack trace. */
function asPublisherError(error: unknown): PublisherError {
  if (error instanceof PublisherError) return error;
  if (!isSystemError(error)) throw error;
  const place = error.path === undefined ? 'a file or an address' : error.path;
  return new PublisherError('internal', `The command cannot use ${place}: ${systemReason(error)}.`, {
    hint: 'Check that it is there, its permissions, and the room on its disk.',
    cause: error,
  });
}
