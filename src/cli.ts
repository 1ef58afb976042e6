import { usage } from './commands/arguments.ts';
import type { Command } from './commands/command.ts';
import type { Terminal } from './commands/terminal.ts';
import { describeProblems, PublisherError } from './errors.ts';
import type { Service } from './service/serve.ts';

const HELP = `Feed Publisher turns a newsroom's articles into RSS, Atom and JSON Feed.

Usage: feed-publisher [COMMAND] [options]

Commands
  serve      publish the feeds over HTTP (the default)
  import     publish the articles of files, feeds and WordPress exports
  export     write every article back as NDJSON
  key        create, list and revoke keys for the API
  migrate    bring the store of an earlier version up to date

COMMAND --help tells its options. --version tells the version. An option wins over its environment variable.
`;

/** Each command is loaded when it is called: a service does not need what an import does. */
const COMMANDS: ReadonlyMap<string, () => Promise<{ readonly command: Command }>> = new Map([
  ['serve', () => import('./commands/serve.ts')],
  ['import', () => import('./commands/import.ts')],
  ['export', () => import('./commands/export.ts')],
  ['key', () => import('./commands/key.ts')],
  ['migrate', () => import('./commands/migrate.ts')],
  ['worker', () => import('./commands/worker.ts')], // called by serve, not by people
]);

/** Runs a command line. Returns the exit code, or the service that is now running. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number | Service> {
  const [first = ''] = argv;
  const named = first !== '' && !first.startsWith('-');
  const wantsHelp = argv.includes('--help') || argv.includes('-h');
  if (!named && argv.includes('--version')) return said(terminal, terminal.version);
  try {
    const load = COMMANDS.get(named ? first : 'serve');
    if (load === undefined) throw usage(`There is no command “${first}”.`);
    const { command } = await load();
    if (!named && wantsHelp) return said(terminal, `${HELP}\n${command.help}`);
    if (wantsHelp) return said(terminal, command.help);
    return await command.run(named ? argv.slice(1) : argv, terminal);
  } catch (caught) {
    const error = asPublisherError(caught);
    for (const line of describeProblems(error)) terminal.err(line);
    if (error.hint !== undefined) terminal.err(error.hint);
    return error.code === 'usage' ? 2 : 1;
  }
}

function said({ out }: Terminal, text: string): number {
  out(text.trimEnd());
  return 0;
}

/** What `parseArgs` of Node says of a command line is in words for its user. */
function asPublisherError(error: unknown): PublisherError {
  if (error instanceof PublisherError) return error;
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
    return usage(error.message);
  throw error;
}
