import { OPTIONS } from '../config/options.ts';
import { meantWord, synonymsOf } from '../lib/nearest-word.ts';
import { createSigningKey, publicHalfOf } from '../partner/proof/keys.ts';
import { readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher signing-key create FILE
       feed-publisher signing-key show FILE

Makes the key with which the service signs its answers to partners (serve --signing-key FILE), or shows the public half of one.
“create” writes the private key into a new file that only you can read. Both print the public key, which your partners need to
check what they got, and its name in signatures.

This command has no options.
`;

export const command: Command = { help: HELP, run };

const ACTIONS = ['create', 'show'] as const;
const SYNONYMS = synonymsOf({
  create: 'make new generate gen init',
  show: 'print public pub export list',
});

async function run(args: readonly string[], { out, err, env }: Terminal): Promise<number> {
  const { positionals } = readArguments(OPTIONS['signing-key'], { args, env, allowPositionals: true });
  const [action = '', file, ...others] = positionals;
  if (action !== 'create' && action !== 'show') {
    const meant = meantWord(action, ACTIONS, SYNONYMS);
    const nearest = meant === undefined ? '' : `: the nearest is ${meant}`;
    throw usage(`“signing-key” needs an action: create or show${action === '' ? '' : `, not “${action}”`}${nearest}.`);
  }
  if (file === undefined) throw usage(`“signing-key ${action}” needs the FILE of the private key.`);
  if (others.length > 0) throw usage(`Unexpected argument “${others[0]}”.`);
  const { pem, id } = action === 'create' ? createSigningKey(file) : publicHalfOf(file);
  for (const line of pem.trimEnd().split('\n')) out(line);
  err(`In signatures, the name of this key (keyid) is ${id}.`);
  if (action === 'create') {
    err(`The private key is in ${file}: keep it secret, and start the service with --signing-key ${file}.`);
    err('Give the public key above to your partners.');
  }
  return 0;
}
