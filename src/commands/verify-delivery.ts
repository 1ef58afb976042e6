import { readFileSync } from 'node:fs';
import { OPTIONS } from '../config/options.ts';
import { PublisherError } from '../errors.ts';
import { systemReason } from '../lib/system-reason.ts';
import { readPublicKey } from '../partner/proof/keys.ts';
import { parseSavedAnswer } from '../partner/proof/saved-answer.ts';
import { verifyDelivery } from '../partner/proof/verify-delivery.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher verify-delivery [options] FILE

Checks an answer that a partner has saved with its headers, as “curl --include” does: whether the content is complete and
unchanged (Repr-Digest, RFC 9530), and with --key whether the publisher has signed it (RFC 9421). It says what is wrong, what
is proven, and what is not. The exit code is 0 if something is proven and nothing is wrong, 1 otherwise, and 2 for wrong usage.

${optionsHelp(OPTIONS['verify-delivery'])}`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], { out, env }: Terminal): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS['verify-delivery'], { args, env, allowPositionals: true });
  const [file, ...others] = positionals;
  if (file === undefined) throw usage('“verify-delivery” needs a FILE: an answer that was saved with its headers.');
  if (others.length > 0) throw usage(`“verify-delivery” checks one FILE, not ${positionals.length}.`);
  const key = values.key === undefined ? undefined : readPublicKey(values.key);
  const answer = parseSavedAnswer(bytesOf(file));
  if (answer === undefined)
    throw usage(
      `${file} does not begin with the head of an answer, such as “HTTP/1.1 200 OK”: save it with curl --include.`,
    );
  const { isProven, wrong, proven, unproven } = verifyDelivery(answer, key);
  if (values.json) out(JSON.stringify({ file, isProven, wrong, proven, unproven }));
  else {
    for (const sentence of wrong) out(`Wrong: ${sentence}.`);
    for (const sentence of proven) out(`Proven: ${sentence}.`);
    for (const sentence of unproven) out(`Not proven: ${sentence}.`);
  }
  return isProven ? 0 : 1;
}

function bytesOf(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new PublisherError('usage', `${file} cannot be read: ${systemReason(error)}.`, {
      hint: 'Check the name of the file and its permissions.',
      cause: error,
    });
  }
}
