import { fileURLToPath } from 'node:url';
import { requireProgram, run } from './programs.ts';
import { instant, type Reading, textOfHtml, textsOf } from './reading.ts';

const script = fileURLToPath(new URL('xml_feed_read.pl', import.meta.url));

/** What xml_feed_read.pl prints for one entry; dates are seconds since 1970. */
interface Entry {
  readonly id: string;
  readonly title: string;
  readonly link: string;
  readonly author: string | null;
  readonly published: number | null;
  readonly updated: number | null;
  readonly content: string | null;
  readonly summary: string | null;
}

/** The documents as Perl's XML::Feed (RSS and Atom) understood them. It has only the first author. */
export async function xmlFeed(texts: readonly string[]): Promise<readonly (readonly Reading[])[]> {
  const perl = await requireProgram('XML::Feed');
  const { stdout } = await run(perl, [script], { input: texts.map((text) => `${text}\0`).join('') });
  const feeds: readonly { readonly format: string; readonly entries: readonly Entry[] }[] = JSON.parse(stdout);
  return feeds.map(({ format, entries }) => entries.map((entry) => toReading(entry, format.startsWith('RSS'))));
}

function toReading({ id, title, link, author, published, updated, content, summary }: Entry, isRss: boolean): Reading {
  return {
    id,
    title,
    link,
    ...(published === null ? {} : { published: instant(published * 1000) }),
    ...(updated === null ? {} : { updated: instant(updated * 1000) }),
    authors: author === null ? [] : [author],
    ...textsOf(content ?? undefined, (isRss ? summary && textOfHtml(summary) : summary) ?? undefined),
  };
}
