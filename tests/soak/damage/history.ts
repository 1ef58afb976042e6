import { hash } from 'node:crypto';
import { FORMATS } from '../../http/api.ts';
import type { Ask, Asked } from '../crash/program.ts';
import { readFeed } from '../crash/verify.ts';

export type Format = (typeof FORMATS)[number];

/** All that an undamaged store has answered. */
export interface History {
  /** For each address, the digests of its bodies with 200, and its other statuses. */
  readonly given: ReadonlyMap<string, ReadonlySet<string>>;
  /** What each address answers at the end: its digest, and its text. */
  readonly last: ReadonlyMap<string, string>;
  readonly texts: ReadonlyMap<string, string>;
  /** Each entry of the feed of all, by format, as `entryOf` names it. */
  readonly entries: Readonly<Record<Format, ReadonlySet<string>>>;
  /** What each article ever was, as `contentOf` names it. */
  readonly contents: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface HistoryRecorder {
  readonly history: History;
  readonly record: (ask: Ask, addresses: readonly string[]) => Promise<void>;
}

export function createHistory(): HistoryRecorder {
  const given = new Map<string, Set<string>>();
  const last = new Map<string, string>();
  const texts = new Map<string, string>();
  const entries = { rss: new Set<string>(), atom: new Set<string>(), json: new Set<string>() };
  const contents = new Map<string, Set<string>>();

  /** What of an answer must be the same after a repair, which may lose other articles. */
  function recordContent(address: string, { status, text }: Asked): void {
    const format = FORMATS.find((name) => address === `/feeds/latest.${name}`);
    if (format !== undefined) for (const entry of entriesIn(format, text)) entries[format].add(entry);
    const id = idIn(address);
    if (id !== undefined && status === 200) addTo(contents, id, contentOf(JSON.parse(text).record));
  }

  return {
    history: { given, last, texts, entries, contents },
    async record(ask, addresses) {
      const answers = await Promise.all(addresses.map(async (address) => [address, await ask(address)] as const));
      for (const [address, answer] of answers) {
        last.set(address, digestOf(answer));
        texts.set(address, answer.text);
        addTo(given, address, digestOf(answer));
        recordContent(address, answer);
      }
    },
  };
}

function addTo(sets: Map<string, Set<string>>, name: string, value: string): void {
  sets.set(name, (sets.get(name) ?? new Set()).add(value));
}

export function digestOf({ status, body }: Pick<Asked, 'status' | 'body'>): string {
  return status === 200 ? hash('sha256', body, 'base64') : `status ${status}`;
}

/** Each entry of a feed in one text: its public id and its story. */
export function entriesIn(format: Format, text: string): string[] {
  return [...readFeed(format, text).stories].map(([publicId, story]) => `${publicId} ${story}`);
}

/** Title and story. The other fields are in another form where a repair makes a record of the article. */
export function contentOf(record: { readonly title?: string; readonly body?: string }): string {
  return `${record.title} ${record.body}`;
}

/** The id in the address of an article. */
function idIn(address: string): string | undefined {
  return /^\/api\/articles\/([^/?]+)$/.exec(address)?.[1];
}
