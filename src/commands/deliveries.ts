import type { ValuesOf } from '../config/option.ts';
import { OPTIONS } from '../config/options.ts';
import { rfc3339 } from '../lib/instant.ts';
import { deliveryView } from '../partner/record-views.ts';
import type { DeliveryStore, RecordedDelivery } from '../store/delivery-store.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { unknownPartner, withRecord } from './delivery-record.ts';
import { tableLines } from './table.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher deliveries [options] PARTNER

Shows what a partner has fetched, newest first: when, with which key, which feed, and whether the answer was sent whole. A
service may run meanwhile: it records a delivery within a second. Times in which nobody recorded come last.

${optionsHelp(OPTIONS.deliveries)}`;

export const command: Command = { help: HELP, run };

type Values = ValuesOf<typeof OPTIONS.deliveries>;

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const parsed = readArguments(OPTIONS.deliveries, { args, env: terminal.env, allowPositionals: true });
  const [partner, ...others] = parsed.positionals;
  if (partner === undefined)
    throw usage('“deliveries” needs the id of a partner: the name of its file in partners/ without .yaml.');
  if (others.length > 0) throw usage(`“deliveries” shows one PARTNER, not ${parsed.positionals.length}.`);
  return await withRecord(parsed.values.data, terminal, ({ partners = [] }, opened) => {
    const known = partners.map(({ id }) => id);
    return show(partner, parsed.values, { known, record: opened?.record, terminal });
  });
}

interface ShowParts {
  readonly known: readonly string[];
  readonly record: DeliveryStore | undefined;
  readonly terminal: Terminal;
}

async function show(partner: string, values: Values, { known, record, terminal }: ShowParts): Promise<number> {
  const { since, limit, json } = values;
  const { out, err } = terminal;
  const after = since?.(Date.now()) ?? 0;
  const found = (await record?.deliveries({ partner, after, limit })) ?? [];
  if (found.length === 0 && !known.includes(partner)) {
    err(unknownPartner(partner, known));
    return 1;
  }
  if (json) for (const delivery of found) out(JSON.stringify(deliveryView(delivery)));
  else if (found.length === 0)
    err(`Nothing was delivered to ${partner}${after === 0 ? '' : ` since ${rfc3339(after)}`}.`);
  else for (const line of tableLines(HEAD, found.map(cellsOf))) out(line);
  const gaps = (await record?.coverage(found.at(-1)?.at ?? after))?.gaps ?? [];
  for (const { from, to } of gaps) err(`Not recorded: from ${rfc3339(from)} to ${rfc3339(to)}.`);
  return 0;
}

const HEAD = ['TIME', 'KEY', 'FEED', 'FORMAT', 'STATUS', 'SENT', 'BYTES', 'REVISION', 'NETWORK'];

function cellsOf({ at, key, feed, format, status, bytes, isWhole, revision, network }: RecordedDelivery): string[] {
  const numbers = [String(bytes), String(revision)];
  return [rfc3339(at), key, feed, format, String(status), isWhole ? 'whole' : 'not whole', ...numbers, network];
}
