import { get } from 'node:http';
import type { ValuesOf } from '../config/option.ts';
import { OPTIONS } from '../config/options.ts';
import { DEFAULT_METRICS_PORT } from '../config/serve-options.ts';
import { PublisherError } from '../errors.ts';
import { systemReason } from '../lib/system-reason.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher healthcheck [options]

Asks the service on this machine whether it can serve readers: /readyz on its metrics port. Prints the answer in a sentence. The
exit code is 0 if the service is ready and 1 otherwise, as HEALTHCHECK of a container and probes expect. Give the command the
options and variables of the service.

${optionsHelp(OPTIONS.healthcheck)}`;

export const command: Command = { help: HELP, run };

/** Milliseconds for the whole answer. */
const PATIENCE = 5000;
/** What the service answers to `/healthz` and `/readyz`. Any program may answer 200. */
const ALIVE = /^ok$/;
const READY = /^(?:ready|degraded)\b/;
/** Characters of an answer. A problem of the service is shorter. */
const LONGEST = 64 * 1024;

async function run(args: readonly string[], { out, env }: Terminal): Promise<number> {
  const { values } = readArguments(OPTIONS.healthcheck, { args, env });
  const address = addressOf(values);
  const { status, text } = await ask(address);
  if (status !== 200) throw unhealthy(address, status, text);
  if (!(values.live ? ALIVE : READY).test(text)) throw foreign(address, status);
  out(values.live ? `The service answers at ${address}.` : `The service is ready: ${address}.`);
  return 0;
}

type Values = ValuesOf<typeof OPTIONS.healthcheck>;

/** Health is on the metrics port, and on the port of the service where there is no other. */
function addressOf({ port, host = '::', metricsPort = DEFAULT_METRICS_PORT, metricsHost, live }: Values): string {
  const authority = metricsPort === 'off' ? `${reachable(host)}:${port}` : `${reachable(metricsHost)}:${metricsPort}`;
  const address = `http://${authority}/${live ? 'healthz' : 'readyz'}`;
  if (URL.canParse(address)) return address;
  const [name, value] = metricsPort === 'off' ? ['--host', host] : ['METRICS_HOST', metricsHost];
  throw usage(`${name} must be a name or an IP address without brackets and zone, not “${value}”.`);
}

/** Where a service that listens on all addresses is. Without the name localhost: a small container may not know it. */
function reachable(host: string): string {
  if (host === '::' || host === '0.0.0.0' || host === 'localhost') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

interface HealthAnswer {
  readonly status: number | undefined;
  readonly text: string;
}

/** @throws PublisherError `not_ready` where nothing answers in time */
function ask(address: string): Promise<HealthAnswer> {
  return new Promise((answered, failed) => {
    const fail = (cause: Error) => failed(silent(address, cause));
    // An agent of its own: no proxy of the environment stands between.
    const request = get(address, { agent: false, signal: AbortSignal.timeout(PATIENCE) }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        if (text.length < LONGEST) text += part;
      });
      response.on('error', fail);
      response.on('end', () => answered({ status: response.statusCode, text }));
    });
    request.on('error', fail);
    // Also after 101, which is neither an answer nor an error.
    request.on('close', () => fail(Object.assign(new Error(), { code: 'ECONNRESET' })));
  });
}

function silent(address: string, cause: Error): PublisherError {
  const isLate = cause.name === 'AbortError' || cause.name === 'TimeoutError';
  const reason = isLate ? `no answer in ${PATIENCE / 1000} s` : refusal(cause);
  return new PublisherError('not_ready', `The service does not answer at ${address}: ${reason}.`, {
    hint: 'Start the service, or give this command its --metrics-port and METRICS_HOST. The log of the service says why it stopped.',
    cause,
  });
}

function refusal(cause: Error): string {
  const code = 'code' in cause ? cause.code : undefined;
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  return code === 'ECONNRESET' ? 'the connection was closed without a whole answer' : systemReason(cause);
}

function unhealthy(address: string, status: number | undefined, text: string): PublisherError {
  const problem = problemIn(text);
  if (problem === undefined) return foreign(address, status);
  return new PublisherError('not_ready', `The service is not ready: ${problem.title}`, { hint: problem.detail });
}

function foreign(address: string, status: number | undefined): PublisherError {
  return new PublisherError('not_ready', `${address} answers ${status}, and not as this service does.`, {
    hint: 'Another program may have the port: give this command the --metrics-port and METRICS_HOST of the service.',
  });
}

/** Reads a problem of RFC 9457, as `/readyz` has it. Undefined for an answer of another program. */
function problemIn(text: string): { readonly title: string; readonly detail: string | undefined } | undefined {
  const problem = parsed(text);
  if (typeof problem !== 'object' || problem === null || !('code' in problem) || problem.code !== 'not_ready')
    return undefined;
  if (!('title' in problem) || typeof problem.title !== 'string') return undefined;
  const detail = 'detail' in problem && typeof problem.detail === 'string' ? problem.detail : undefined;
  return { title: problem.title, detail };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
