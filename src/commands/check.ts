import { OPTIONS } from '../config/options.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher check [options] [FEED…]
       feed-publisher check --config [options]
       feed-publisher check --redirects FILE [options]
       feed-publisher check --diff FILE [options]

Finds mistakes before readers do. Reads the configuration, all articles and the documents of all feeds, or of each FEED, such as
latest or section/world, and says what readers and aggregators will stumble over. An error is what every reader meets; what one
aggregator asks for is a warning. Each finding names its rule, the consumer that has the rule, and the source. Nothing is changed,
no service has to run, and a data folder need never have been served. Files on other hosts are not fetched.

--config checks the configuration alone: publication.yaml, redirects.txt, and the variables of the service.

--redirects checks where old addresses lead. FILE is a list of addresses, one a line: paths or whole addresses, such as
redirects.txt of the data folder, or the access log of the old site in the common or combined format. It may be compressed (.gz).
Of a log, only requests for feeds count that the old site answered. The command says of each address to which feed it leads, that
it is gone, or that it is lost.

--diff says what a new publication.yaml would do, which is FILE: the feeds that come, go and change, the settings that change, and
how many entries readers could see again, with the reasons. It changes nothing, and a service may run.

The exit code is 0 if there is no error (with --fail-on warning: no warning either), if the configuration is valid, if no
address is lost, or if no reader sees a story again; otherwise 1, with --diff 3 where readers could see stories again, and 2 for
wrong usage.

${optionsHelp(OPTIONS.check)}`;

export const command: Command = { help: HELP, run };

/** Each kind of check is loaded when it is called. */
async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS.check, { args, env: terminal.env, allowPositionals: true });
  const { redirects, config, diff, failOn } = values;
  const kinds = [
    ...(config ? ['--config'] : []),
    ...(redirects === undefined ? [] : ['--redirects']),
    ...(diff === undefined ? [] : ['--diff']),
  ];
  const [kind, other] = kinds;
  if (other !== undefined) throw usage(`${kind} and ${other} are two checks: make one after the other.`);
  if (kind !== undefined && positionals.length > 0)
    throw usage(`Unexpected argument “${positionals[0]}”: ${kind} checks no feeds.`);
  if (kind !== undefined && failOn !== undefined) throw usage(`--fail-on does nothing with ${kind}: leave it out.`);
  if (config) return (await import('./check/check-config.ts')).checkConfig(values, terminal);
  if (redirects !== undefined)
    return (await import('./check-redirects.ts')).checkRedirects(redirects, values, terminal);
  if (diff !== undefined) return (await import('./check-diff.ts')).checkDiff(diff, values, terminal);
  const { checkNewsroom } = await import('./check/check-newsroom.ts');
  return checkNewsroom(positionals, { ...values, failOn: failOn ?? 'error' }, terminal);
}
