import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { openInstallation } from '../installation.ts';
import { rfc3339 } from '../instant.ts';
import type { StoredRecord } from '../store.ts';
import { usage } from './arguments.ts';
import { progressBar, type Terminal } from './terminal.ts';

export const EXPORT_HELP = `Usage: feed-publisher export [options] [FILE]

Writes every article back as NDJSON, one record a line, to FILE or to standard output. Imported into an empty store, they
give the same feeds, byte for byte.

Options
  --data FOLDER     the data folder   (DATA_DIR, data)
`;

const PAGE = 500;

export async function runExport(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { data: { type: 'string' } },
  });
  const [file, ...others] = positionals;
  if (others.length > 0) throw usage('One file at most can be named.');
  const { store } = openInstallation(values.data ?? (terminal.env.DATA_DIR || 'data'));
  const output: Writable = file === undefined ? process.stdout : createWriteStream(file);
  const bar = progressBar(terminal, 'Exporting');
  try {
    const total = await store.count();
    let done = 0;
    let page = await store.page(0, PAGE);
    while (page.length > 0) {
      const text = page.map((stored) => `${JSON.stringify(recordOf(stored))}\n`).join('');
      if (!output.write(text)) await once(output, 'drain');
      done += page.length;
      bar.update(done, total);
      page = await store.page(page.at(-1)?.number ?? 0, PAGE);
    }
    if (file !== undefined) {
      output.end();
      await once(output, 'close');
      terminal.err(`${done} articles exported to ${file}`);
    }
    return 0;
  } finally {
    bar.stop();
    await store.close();
  }
}

/** The record with what only the store knows: the id that readers know, and that the article was taken back. */
function recordOf({ record, article }: StoredRecord): unknown {
  const { withdrawn } = article;
  return {
    ...(record as object),
    publicId: article.publicId,
    ...(withdrawn === undefined ? {} : { withdrawn: { ...withdrawn, at: rfc3339(withdrawn.at) } }),
  };
}
