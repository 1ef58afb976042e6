import { fileURLToPath } from 'node:url';
import { requireProgram, run } from './programs.ts';
import { instant, type Reading } from './reading.ts';

const script = fileURLToPath(new URL('feedparser_read.py', import.meta.url));

/** What feedparser_read.py prints for one entry; dates are seconds since 1970. */
type Entry = Omit<Reading, 'published' | 'updated' | 'summary'> & {
  readonly published: number | null;
  readonly updated: number | null;
  readonly summary: string | null;
};

/**
 * The feeds at the URLs as Python's feedparser (6.0: RSS and Atom; JSON Feed it refuses) understood them. Throws when it
 * finds one ill-formed.
 */
export async function feedparser(urls: readonly string[]): Promise<readonly (readonly Reading[])[]> {
  return (await pollWithFeedparser(urls.map((url) => ({ url })))).map(({ readings }) => readings);
}

interface Poll {
  readonly status: number;
  readonly etag: string | undefined;
  readonly readings: readonly Reading[];
}

/** The same by a program that has what came with these tags, and keeps what it read. */
export async function pollWithFeedparser(
  feeds: readonly { readonly url: string; readonly tag?: string | undefined }[],
): Promise<readonly Poll[]> {
  const python = await requireProgram('feedparser');
  const { stdout } = await run(python, [script, ...feeds.flatMap(({ url, tag = '' }) => [url, tag])]);
  const polls: readonly { status: number; etag: string | null; entries: readonly Entry[] }[] = JSON.parse(stdout);
  return polls.map(({ status, etag, entries }) => ({
    status,
    etag: etag ?? undefined,
    readings: entries.map(toReading),
  }));
}

function toReading({ published, updated, summary, ...rest }: Entry): Reading {
  return {
    ...rest,
    ...(published === null ? {} : { published: instant(published * 1000) }),
    ...(updated === null ? {} : { updated: instant(updated * 1000) }),
    ...(summary === null ? {} : { summary }),
  };
}
