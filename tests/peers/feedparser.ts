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

/** The feed at the URL as Python's feedparser (6.0: RSS and Atom; JSON Feed it refuses) understood it. Throws when it finds it ill-formed. */
export async function feedparser(url: string): Promise<readonly Reading[]> {
  return (await pollWithFeedparser(url)).readings;
}

interface Poll {
  readonly status: number;
  readonly etag: string | undefined;
  readonly readings: readonly Reading[];
}

/** The same by a program that has what came with that tag, and keeps what it read. */
export async function pollWithFeedparser(url: string, tag?: string): Promise<Poll> {
  const python = await requireProgram('feedparser');
  const { stdout } = await run(python, [script, url, ...(tag === undefined ? [] : [tag])]);
  const read: { status: number; etag: string | null; entries: readonly Entry[] } = JSON.parse(stdout);
  return { status: read.status, etag: read.etag ?? undefined, readings: read.entries.map(toReading) };
}

function toReading({ published, updated, summary, ...rest }: Entry): Reading {
  return {
    ...rest,
    ...(published === null ? {} : { published: instant(published * 1000) }),
    ...(updated === null ? {} : { updated: instant(updated * 1000) }),
    ...(summary === null ? {} : { summary }),
  };
}
