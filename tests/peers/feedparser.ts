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
  const python = await requireProgram('feedparser');
  const entries: readonly Entry[] = JSON.parse((await run(python, [script, url])).stdout);
  return entries.map(toReading);
}

function toReading({ published, updated, summary, ...rest }: Entry): Reading {
  return {
    ...rest,
    ...(published === null ? {} : { published: instant(published * 1000) }),
    ...(updated === null ? {} : { updated: instant(updated * 1000) }),
    ...(summary === null ? {} : { summary }),
  };
}
