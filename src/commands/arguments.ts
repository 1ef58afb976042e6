import { parseArgs } from 'node:util';
import type { Option, Options, ValuesOf } from '../config/option.ts';
import { PublisherError } from '../errors.ts';
import { meantWord, synonymsOf } from '../lib/nearest-word.ts';
import { systemReason } from '../lib/system-reason.ts';
import { readSecret, secretFileVariable } from './secret-variable.ts';

/** Returns the error for a command line that cannot be carried out. */
export function usage(message: string): PublisherError {
  return new PublisherError('usage', message, { hint: 'Run with --help to see commands and options.' });
}

/** Returns the error for an output file that a command cannot write. */
export function unwritable(file: string, cause: unknown): PublisherError {
  const hint = 'Check the folder, its permissions and the room on its disk.';
  return new PublisherError('unwritable_output', `${file} cannot be written: ${systemReason(cause)}.`, { hint, cause });
}

interface Arguments<Table extends Options> {
  readonly values: ValuesOf<Table>;
  readonly positionals: readonly string[];
}

interface ArgumentsSource {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the command takes arguments that are not options; no by default. */
  readonly allowPositionals?: boolean;
}

/**
 * Reads a command's options from its arguments and from the environment.
 *
 * @throws PublisherError `usage` for an unknown option or argument, for an option without the switch that it needs, for a value that is missing or breaks its rule, and for a secret whose file cannot be read
 */
export function readArguments<Table extends Options>(
  table: Table,
  { args, env, allowPositionals = false }: ArgumentsSource,
): Arguments<Table> {
  const { given, positionals } = tokensOf(table, args);
  const [surplus] = allowPositionals ? [] : positionals;
  if (surplus !== undefined) throw usage(`Unexpected argument “${surplus}”: this command takes options only.`);
  for (const { option = '', needs } of Object.values(table)) {
    if (needs !== undefined && given.has(option) && !given.has(needs))
      throw usage(`${option} does nothing without ${needs}: add ${needs}, or leave ${option} out.`);
  }
  const entries = Object.entries(table).map(([name, option]) => [name, valueFor(option, { given, env })]);
  return { values: Object.fromEntries(entries), positionals };
}

/** Options by their names, as typed: the text of a value, or true for a switch. */
type GivenOptions = ReadonlyMap<string, string | true>;

/** Reads without checks of Node, whose messages are for programmers. */
function tokensOf(
  table: Options,
  args: readonly string[],
): { readonly given: GivenOptions; readonly positionals: readonly string[] } {
  const known = new Map(
    Object.values(table).flatMap((option) => (option.option === undefined ? [] : [[option.option as string, option]])),
  );
  const types = [...known].map(
    ([name, { placeholder }]) => [name.slice(2), { type: placeholder === undefined ? 'boolean' : 'string' }] as const,
  );
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(types),
  });
  const given = new Map<string, string | true>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = known.get(token.rawName);
    if (option === undefined) throw unknownOption(token.rawName, [...known.keys()]);
    given.set(token.rawName, option.placeholder === undefined ? switched(token) : valueIn(token, option));
  }
  return { given, positionals: tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : [])) };
}

/** Options by the words of other programs and languages. */
const SYNONYMS = synonymsOf({
  '--port': 'p puerto porta',
  '--host': 'listen bind address hostname interface hôte sunucu',
  '--data': 'd dir folder directory datadir dataset root ordner daten dossier carpeta klasör veri',
  '--public-url': 'url baseurl siteurl origin publicaddress',
  '--workers': 'threads processes cluster jobs instances prozesse işçiler',
  '--cache-mb': 'memory cachesize',
  '--metrics-port': 'prometheus',
  '--trust-proxy': 'proxy proxies behindproxy',
  '--rate-limit': 'throttle limit',
  '--max-connections': 'connections',
  '--dry-run': 'n simulate test check preview whatif probe',
  '--all': 'everything pages follow alle',
  '--every': 'interval repeat watch',
  '--media': 'pictures images photos bilder',
  '--rejected': 'errors refused failed',
  '--report': 'output log json',
  '--title': 'headline sitename titel titre título başlık sernav',
  '--url': 'address site siteurl website link adresse adres',
  '--language': 'lang locale l sprache langue idioma dil ziman',
  '--name': 'owner label user nom ad',
  '--since': 'after from seit depuis desde',
  '--scope': 'role permission permissions access rights',
  '--partner': 'consumer client licensee syndicate',
  '--expires': 'expiry expiration until end ends ttl validuntil',
});

/** The options of every command, which are read before its own. */
const COMMON = ['--help', '--version'];

function unknownOption(name: string, known: readonly string[]): PublisherError {
  if (COMMON.includes(name)) return usage(`${name} takes no value.`);
  const nearest = meantWord(name, [...known, ...COMMON], SYNONYMS);
  return usage(`There is no option “${name}”${nearest === undefined ? '' : `: the nearest is ${nearest}`}.`);
}

interface OptionToken {
  readonly rawName: string;
  readonly value: string | undefined;
  /** Whether the value is in one argument with the name: `--port=80`. */
  readonly inlineValue: boolean | undefined;
}

function switched({ rawName, value }: OptionToken): true {
  if (value !== undefined) throw usage(`${rawName} is a switch and takes no value, not “${value}”.`);
  return true;
}

function valueIn({ rawName, value, inlineValue }: OptionToken, { placeholder }: Option): string {
  if (value === undefined) throw usage(`${rawName} needs a value: ${rawName} ${placeholder}.`);
  if (value.startsWith('-') && value !== '-' && inlineValue !== true)
    throw usage(`${rawName} needs a value before “${value}”. If that is the value, write ${rawName}=${value}.`);
  return value;
}

interface Given {
  readonly given: GivenOptions;
  readonly env: ArgumentsSource['env'];
}

function valueFor(option: Option, { given, env }: Given): unknown {
  const typed = given.get(option.option ?? '');
  if (typed === true) return true; // a switch
  if (typeof typed === 'string' && !(typed === '' && option.emptyIsDefault))
    return checked(option, typed, option.option ?? '');
  const set = typed === undefined ? fromEnvironment(option, env) : undefined;
  if (set !== undefined) return checked(option, set.text, set.source);
  return option.default === undefined ? undefined : option.kind.read(option.default);
}

function fromEnvironment({ variable, isSecret }: Option, env: ArgumentsSource['env']) {
  if (variable === undefined) return undefined;
  if (isSecret) return readSecret(variable, env);
  const text = env[variable];
  return text ? { text, source: variable } : undefined;
}

function checked({ kind, isSecret }: Option, text: string, source: string): unknown {
  const value = kind.read(text);
  if (value !== undefined) return value;
  if (isSecret) throw usage(`${source} must be ${kind.rule}. Its value is a secret, which no message shows.`);
  const meant = kind.meant?.(text);
  throw usage(`${source} must be ${kind.rule}, not “${text}”${meant === undefined ? '.' : `: did you mean ${meant}?`}`);
}

/** Columns of the help. */
const HELP_WIDTH = 100;

/** Renders the options of a command for its help: a heading for each group, names and descriptions in two columns. */
export function optionsHelp(table: Options): string {
  const options = Object.values(table);
  const groups = Map.groupBy(options, ({ group = 'Options' }) => group);
  const indent = Math.max(...options.map((option) => nameOf(option).length)) + 4;
  const described = (option: Option) => {
    const rows = wrapped([...option.help.split(' '), ...sourceOf(option)], HELP_WIDTH - indent);
    return `  ${nameOf(option).padEnd(indent - 2)}${rows.join(`\n${' '.repeat(indent)}`)}\n`;
  };
  return [...groups].map(([group, members]) => `${group}\n${members.map(described).join('')}`).join('\n');
}

function wrapped(words: readonly string[], width: number): string[] {
  const rows: string[] = [];
  for (const word of words) {
    const extended = rows.length === 0 ? word : `${rows.at(-1)} ${word}`;
    if (rows.length > 0 && extended.length <= width) rows[rows.length - 1] = extended;
    else rows.push(word);
  }
  return rows;
}

function nameOf({ option, placeholder, variable }: Option): string {
  if (option === undefined) return variable ?? '';
  return placeholder === undefined ? option : `${option} ${placeholder}`;
}

/** Returns the variables that an option has, and the default, as one word that is not wrapped. */
function sourceOf({ option, variable, isSecret, placeholder, defaultHelp, default: value }: Option): string[] {
  const described = defaultHelp ?? value;
  const file = isSecret && variable !== undefined ? secretFileVariable(variable) : undefined;
  const parts = [
    option === undefined ? undefined : variable,
    file,
    described === undefined || placeholder === undefined ? undefined : `default ${described}`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? [] : [`(${parts.join(', ')})`];
}
