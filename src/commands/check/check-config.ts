import { resolve } from 'node:path';
import { OPTIONS } from '../../config/options.ts';
import { loadPublication } from '../../config/publication.ts';
import { openRecordedRedirects } from '../../config/redirects/recorded-redirects.ts';
import { describeProblem, describeProblems, type Problem, PublisherError } from '../../errors.ts';
import { parseTrust } from '../../http/client.ts';
import { readSigningKey } from '../../partner/proof/keys.ts';
import { readArguments } from '../arguments.ts';
import { grouped } from '../damage-report.ts';
import type { Terminal } from '../terminal.ts';

interface ConfigValues {
  readonly data: string;
  readonly publicUrl: string | undefined;
  readonly json: boolean;
}

/**
 * Checks the configuration alone: publication.yaml, partners/, redirects.txt, and the variables of the service in the environment. Returns
 * the exit code.
 */
export async function checkConfig({ data, publicUrl, json }: ConfigValues, terminal: Terminal): Promise<number> {
  const path = resolve(data);
  const problems: string[] = environmentProblems(terminal);
  let what = '';
  try {
    const publication = loadPublication(path, publicUrl);
    const { feeds, retired, redirects, builtInRedirects, partners = [] } = publication;
    what = `${grouped(feeds.length, 'feed')} of your own, ${retired.length} retired, ${grouped(redirects.length, 'redirect')}, ${grouped(partners.length, 'partner')}`;
    const recorded = openRecordedRedirects(path, {
      systems: builtInRedirects,
      onProblems: (found: readonly Problem[], file) =>
        problems.push(...found.map((problem) => describeProblem(problem, file))),
    });
    await recorded.table();
  } catch (error) {
    if (!(error instanceof PublisherError)) throw error;
    problems.push(...describeProblems(error), ...(error.hint === undefined ? [] : [error.hint]));
  }
  if (json) terminal.out(JSON.stringify({ data: path, isValid: problems.length === 0, problems }));
  else if (problems.length === 0) terminal.out(`The configuration in ${path} is valid: ${what}.`);
  else {
    for (const problem of problems) terminal.err(problem);
    terminal.out(`The configuration in ${path} is not valid.`);
  }
  return problems.length === 0 ? 0 : 1;
}

/** What is wrong with the variables of `serve`. */
function environmentProblems({ env }: Pick<Terminal, 'env'>): string[] {
  try {
    const { values } = readArguments(OPTIONS.serve, { args: [], env });
    if (values.signingKey !== undefined) readSigningKey(values.signingKey);
    if (values.trustProxy !== undefined) parseTrust(values.trustProxy);
    return [];
  } catch (error) {
    if (error instanceof PublisherError) return describeProblems(error);
    const rule = 'a number of proxies, or a list of addresses, networks, loopback, linklocal and uniquelocal';
    return [`TRUST_PROXY must be ${rule}, not “${env.TRUST_PROXY}”.`];
  }
}
