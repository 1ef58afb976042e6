import { LRUCache } from 'lru-cache';
import type { Document } from './document.ts';
import { type FeedKey, FORMATS, type Format } from './feeds.ts';
import type { Instant } from './instant.ts';
import { type Representations, represent } from './representation.ts';

/** Changes that other processes make in the same store. */
interface News {
  /** Whether there may be some: asked before every answer. */
  readonly may: () => boolean;
  /** The feeds that changed since it was asked last. */
  readonly touched: () => Promise<readonly FeedKey[]>;
}

interface PreparedParts {
  readonly arrange: (key: FeedKey, format: Format, at: Instant) => Promise<Document | undefined>;
  /** What other processes did. */
  readonly news: News;
  /** Bytes of documents, in all their codings, that may be kept. */
  readonly bytes: number;
  readonly now: () => Instant;
}

interface Kept {
  readonly representations: Representations;
  /** The document holds from this moment on, and until time changes it. */
  readonly from: Instant;
  readonly until: Instant;
}

export interface Prepared {
  /** The feed's current document where it is at hand; undefined where `get` has something to look up first. */
  readonly atHand: (key: FeedKey, format: Format) => Representations | undefined;
  /** The feed's current document; undefined where there is no such feed. */
  readonly get: (key: FeedKey, format: Format) => Promise<Representations | undefined>;
  /** Forgets the documents of feeds that changed. */
  readonly forget: (keys: readonly FeedKey[]) => void;
}

/**
 * Keeps every document that was asked for until it changes, and makes each once however many ask at the same time.
 */
export function keepPrepared({ arrange, news, bytes, now }: PreparedParts): Prepared {
  const kept = new LRUCache<string, Kept>({
    maxSize: bytes,
    sizeCalculation: ({ representations }) => representations.size(),
  });
  const running = new Map<string, Promise<Kept | undefined>>();
  /** Under way while it is asked which feeds other processes changed: until that is known, nothing kept is trusted. */
  let catchingUp: Promise<void> | undefined;

  async function make(key: FeedKey, format: Format): Promise<Kept | undefined> {
    const from = now();
    const document = await arrange(key, format, from);
    if (document === undefined) return undefined;
    return { representations: represent(document), from, until: document.nextChangeAt ?? Number.POSITIVE_INFINITY };
  }

  async function makeOnce(name: string, key: FeedKey, format: Format): Promise<Representations | undefined> {
    for (let under = running.get(name); under !== undefined; under = running.get(name)) {
      const made = await under;
      if (made === undefined || isCurrent(made)) return made?.representations;
    }
    const making = make(key, format);
    running.set(name, making);
    try {
      const made = await making;
      // A change meanwhile has taken this off the list: it answers those who asked before the change, and is not kept.
      if (made !== undefined && running.get(name) === making) kept.set(name, made);
      return made?.representations;
    } finally {
      if (running.get(name) === making) running.delete(name);
    }
  }

  /** `from`: a clock that was set back must not show what is not published yet. */
  function isCurrent({ from, until }: Kept): boolean {
    const at = now();
    return at >= from && at < until;
  }

  function forget(keys: readonly FeedKey[]): void {
    for (const name of keys.flatMap((key) => FORMATS.map((format) => `${key}.${format}`))) {
      kept.delete(name);
      running.delete(name);
    }
  }

  async function catchUp(): Promise<void> {
    if (catchingUp !== undefined) await catchingUp; // begun, perhaps, before a change that this request has to show
    if (catchingUp === undefined && news.may()) {
      catchingUp = news
        .touched()
        .then(forget)
        .finally(() => {
          catchingUp = undefined;
        });
    }
    await catchingUp;
  }

  function lookUp(name: string): Representations | undefined {
    const known = kept.get(name);
    return known !== undefined && isCurrent(known) ? known.representations : undefined;
  }

  return {
    forget,
    atHand: (key, format) => (catchingUp !== undefined || news.may() ? undefined : lookUp(`${key}.${format}`)),
    async get(key, format) {
      await catchUp();
      const name = `${key}.${format}`;
      return lookUp(name) ?? makeOnce(name, key, format);
    },
  };
}
