import type { ValuesOf } from '../config/option.ts';
import { OPTIONS } from '../config/options.ts';
import type { Publication } from '../config/publication.ts';
import { rfc3339 } from '../lib/instant.ts';
import type { Receipt, TrackedEnd } from '../partner/receipts.ts';
import { endView } from '../partner/record-views.ts';
import { type WithdrawalCursor, withdrawalPage } from '../partner/withdrawals.ts';
import { optionsHelp, readArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { type OpenRecord, unknownPartner, withRecord } from './delivery-record.ts';
import { tableLines } from './table.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher withdrawals [options]

Shows the stories that partners had to take down (withdrawn, expired, rights ended or given to other partners, moved
out of the partner's feeds), and corrections with a note, newest first. Each has a receipt for every partner that
could have the story: “seen” with the time, the key and the feed; “not seen”; “not listed”, if the partner has fetched
documents since that had no room for it; “never fetched”, if the partner has fetched nothing between the publication
of the story and its end; “not recorded”, if the record has a gap; “expired” after the partner's retention; “left
out”, if the corrected story breaks a rule of the partner's dialect, so that the partner does not get the correction.
docs/deliveries.md says what each receipt proves.

${optionsHelp(OPTIONS.withdrawals)}`;

export const command: Command = { help: HELP, run };

type Values = ValuesOf<typeof OPTIONS.withdrawals>;

/** Withdrawals that are read together. */
const PAGE = 50;
/** Milliseconds. A process that runs records twice a second. */
const LATE = 5000;

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readArguments(OPTIONS.withdrawals, { args, env: terminal.env });
  return await withRecord(values.data, terminal, (publication, opened) =>
    show(values, { publication, opened, terminal }),
  );
}

interface ShowParts {
  readonly publication: Publication;
  readonly opened: OpenRecord | undefined;
  readonly terminal: Terminal;
}

async function show({ partner, since, json }: Values, { publication, opened, terminal }: ShowParts): Promise<number> {
  const { out, err } = terminal;
  const { partners: all = [], deliveryDays } = publication;
  const partners = partner === undefined ? all : all.filter(({ id }) => id === partner);
  if (partner !== undefined && partners.length === 0) {
    const known = all.map(({ id }) => id);
    err(unknownPartner(partner, known));
    return 1;
  }
  const at = Date.now();
  const after = since(at);
  let count = 0;
  let cursor: WithdrawalCursor | undefined;
  let through = at;
  do {
    if (opened === undefined) break;
    const options = { after, at, cursor, limit: PAGE };
    const page = await withdrawalPage({ ...opened, partners, deliveryDays }, options);
    for (const end of page.ends) for (const line of json ? [JSON.stringify(endView(end))] : linesOf(end)) out(line);
    count += page.ends.length;
    through = Math.min(through, page.through);
    cursor = page.next;
  } while (cursor !== undefined);
  if (at - through > LATE) err(`The record ends at ${rfc3339(through)}: a process has recorded nothing since then.`);
  if (count === 0) err(`No story was withdrawn, or corrected with a note, since ${rfc3339(after)}.`);
  return 0;
}

function linesOf({ id, ending, at, title, reason, note, receipts }: TrackedEnd): string[] {
  const more = reason ?? note;
  const rows = tableLines(['PARTNER', 'RECEIPT', 'TIME', 'KEY', 'FEED'], receipts.map(cellsOf));
  return [
    `${rfc3339(at)}  ${ending}  ${id}${title === '' ? '' : `  “${title}”`}${more === undefined ? '' : `: ${more}`}`,
    ...rows.map((row) => `  ${row}`),
    '',
  ];
}

function cellsOf(receipt: Receipt): string[] {
  switch (receipt.state) {
    case 'seen':
      return [receipt.partner, receipt.state, rfc3339(receipt.at), receipt.key, receipt.feed];
    case 'expired':
      return [receipt.partner, `expired, ${receipt.known}`];
    case 'left out':
      return [receipt.partner, `left out: ${receipt.rule}`];
    default:
      return [receipt.partner, receipt.state];
  }
}
