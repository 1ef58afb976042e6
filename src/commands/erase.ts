import { resolve } from 'node:path';
import { OPTIONS } from '../config/options.ts';
import { loadWithoutPartners } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { composed } from '../lib/text.ts';
import type { Publisher } from '../publish/publish.ts';
import { hasStore } from '../service/data-folder.ts';
import { createEraser, type Erased } from '../service/erasure.ts';
import { openSharedFolder } from '../service/shared-folder.ts';
import type { Outcome, Store } from '../store/store.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { counted, type Terminal } from './terminal.ts';
import { typedAnswer } from './typed-answer.ts';

const HELP = `Usage: feed-publisher erase [options] ID…

Removes the text of articles for good, where the law asks for it: the record, the article, its reasons and file names, and
what the files of the store and the files of refused records still have of it. Readers of Atom and JSON Feed learn that the
article is withdrawn. No record with its id can be published again. Nothing brings the text back.

The command refuses an article while a file in articles/ holds it. It rewrites the store, which other changes wait for: name
all articles in one command. Backups, exports and logs keep the text.

${optionsHelp(OPTIONS.erase)}`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS.erase, { args, env: terminal.env, allowPositionals: true });
  const ids = [...new Set(positionals.map(composed))];
  if (ids.length === 0) throw usage('“erase” needs the ID of an article.');
  const path = resolve(values.data);
  const publication = loadWithoutPartners(path); // throws for a mistyped folder
  if (!hasStore(path)) throw noStore(path);
  const { store } = await openSharedFolder(path, { publication, databaseUrl: values.databaseUrl });
  try {
    const unknown = await unknownIds(ids, store);
    if (unknown.length > 0) throw notFound(unknown);
    if (!values.yes && !(await isConfirmed(ids, terminal))) {
      terminal.err('Nothing was erased.');
      return 1;
    }
    const onRewrite = () => terminal.err('The store is rewritten, so that no copy of the text is left in it.');
    const erase = createEraser({ path, store, publisher: changesOf(store), onRewrite });
    return report(await erase(ids.map((id) => ({ id, actor: { kind: 'command', name: 'erase' } }))), terminal);
  } finally {
    await store.close();
  }
}

/** A running service notices the changes by itself. */
function changesOf(store: Store): Pick<Publisher, 'erase'> {
  return {
    erase: (erasures) =>
      store.apply(
        erasures.map((erasure) => ({ kind: 'erase', ...erasure })),
        Date.now,
      ),
  };
}

/** A store that is created for this would be empty. */
function noStore(path: string): PublisherError {
  return new PublisherError('store_unavailable', `There is no store in ${path}, so there is no article to erase.`, {
    hint: 'Check --data.',
  });
}

async function unknownIds(
  ids: readonly string[],
  store: { readonly identities: (ids: readonly string[]) => Promise<ReadonlyMap<string, unknown>> },
): Promise<readonly string[]> {
  const known = await store.identities(ids);
  return ids.filter((id) => !known.has(id));
}

function notFound(ids: readonly string[]): PublisherError {
  return new PublisherError('article_not_found', `There is no article ${ids.map((id) => `“${id}”`).join(', ')}.`, {
    hint: 'Check the spelling: “export” writes all articles with their ids. Nothing was erased.',
  });
}

/** Asks a person to type the id, or the number of articles. Without a terminal, the command line is the confirmation. */
async function isConfirmed(ids: readonly string[], { input, screen }: Terminal): Promise<boolean> {
  const keyboard = input?.();
  if (keyboard?.isTTY !== true) return true;
  const [only = '', ...others] = ids;
  const expected = others.length === 0 ? only : String(ids.length);
  const what = others.length === 0 ? 'the id of the article' : 'the number of articles';
  const question = `${ids.join('\n')}\nNothing brings the text back. Type ${what} to erase it: `;
  return composed(await typedAnswer(question, keyboard, screen)) === expected;
}

/** Returns the exit code. */
function report({ outcomes, media, remains }: Erased, { out, err }: Terminal): number {
  for (const outcome of outcomes) out(outcomeLine(outcome));
  if (media.length > 0) {
    out(`No other article names ${counted(media.length, 'file')} in the data folder. Delete what must go as well:`);
    for (const file of media) out(`  ${file}`);
  }
  for (const reason of remains) err(`Text may still be in ${reason}. Run the same command again when that is over.`);
  return remains.length === 0 ? 0 : 1;
}

function outcomeLine({ id, result, kept }: Outcome): string {
  const { withdrawn, publishedAt = 0 } = kept ?? {};
  const wasVisible = withdrawn === undefined || withdrawn.at >= publishedAt;
  if (result === 'erased' && !wasVisible) return `${id} is erased. No reader has seen it.`;
  if (result === 'erased') return `${id} is erased. Readers of Atom and JSON Feed learn that it is withdrawn.`;
  return `${id} was erased before.`;
}
