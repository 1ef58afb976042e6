import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { type FeedKey, FORMATS, type Format } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { Coding } from './content-codings.ts';
import type { Document, KeptCounts } from './document.ts';
import { type Representations, represent } from './representation.ts';

/** Changes that other processes make in the same store. */
interface News {
  /** Whether there may be some: asked before every answer. */
  readonly may: () => boolean;
  /** The feeds that changed since it was asked last. */
  readonly touched: () => Promise<readonly FeedKey[]>;
}

interface PreparedParts {
  /** Makes a document, as fast as it can once somebody waits for it. */
  readonly arrange: (
    key: FeedKey,
    format: Format,
    at: Instant,
    isAwaited: () => boolean,
  ) => Promise<Document | undefined>;
  /** What other processes did. */
  readonly externalChanges: News;
  /** Bytes of documents, in all their codings, that may be kept. */
  readonly bytes: number;
  readonly now: () => Instant;
  /** Told when a document that nobody waits for cannot be made. */
  readonly fail: (error: unknown) => void;
}

interface Kept {
  readonly representations: Representations;
  /** The document holds from this moment on, and until time changes it. */
  readonly from: Instant;
  readonly until: Instant;
  /** How often it was asked for. */
  asked: number;
}

/** A document that changed and will be asked for again soon. */
interface HotDocument {
  readonly key: FeedKey;
  readonly format: Format;
  readonly asked: number;
  readonly codings: readonly Coding[];
}

/** A document that is being made. */
interface Making {
  readonly made: Promise<Kept | undefined>;
  /** Tells it that somebody waits for it. */
  readonly raisePriority: () => void;
  /** What it is made again as, where it was begun without being asked for. */
  readonly again: HotDocument | undefined;
}

/** Milliseconds after a change at which hot documents are made again, once for all that comes in one burst. */
const BURST = 50;
/** Milliseconds between looks for what other processes changed. */
const LOOK = 50;
/** Documents that are made again without being asked for, the most asked for of all. */
const MOST_HOT = 100;

export interface DocumentCache {
  /** The current document of that name where it is at hand; undefined where `get` has something to look up first. */
  readonly getIfReady: (name: string) => Representations | undefined;
  /** The feed's current document; undefined where there is no such feed. */
  readonly get: (key: FeedKey, format: Format) => Promise<Representations | undefined>;
  /**
   * Forgets the documents of feeds that changed. Those that were asked for since they were made are made again at once,
   * in the codings they were asked for in, so that no reader has to wait for it.
   */
  readonly forget: (keys: readonly FeedKey[]) => void;
  /** Forgets what other processes changed without waiting for a request to find out. */
  readonly keepUp: () => void;
  /** Makes nothing more that nobody waits for. */
  readonly close: () => Promise<void>;
}

/** What a feed's document in a format is called, for those who ask often. */
export function documentName(key: FeedKey, format: Format): string {
  return `${key}.${format}`;
}

/**
 * Keeps every document that was asked for until it changes, and makes each once however many ask at the same time.
 */
export function createDocumentCache(parts: PreparedParts): DocumentCache & { readonly counts: () => KeptCounts } {
  const { arrange, externalChanges, bytes, now, fail } = parts;
  let evicted = 0;
  const kept = new LRUCache<string, Kept>({
    maxSize: bytes,
    sizeCalculation: ({ representations }) => representations.size(),
    dispose: (_kept, _name, reason) => {
      if (reason === 'evict') evicted += 1;
    },
  });
  const running = new Map<string, Making>();
  const hot = new Map<string, HotDocument>();
  let timer: NodeJS.Timeout | undefined;
  let looking: NodeJS.Timeout | undefined;
  let rewarming: Promise<void> | undefined;
  let isClosed = false;
  /** Under way while it is asked which feeds other processes changed: until that is known, nothing kept is trusted. */
  let catchingUp: Promise<void> | undefined;

  async function make(key: FeedKey, format: Format, isAwaited: () => boolean): Promise<Kept | undefined> {
    const from = now();
    const document = await arrange(key, format, from, isAwaited);
    if (document === undefined) return undefined;
    const name = documentName(key, format);
    const representations = represent(document, () => {
      if (kept.peek(name) !== made) return;
      kept.delete(name); // of a value that it has, the cache does not take the size anew
      kept.set(name, made);
    });
    const until = document.nextChangeAt ?? Number.POSITIVE_INFINITY;
    const made: Kept = { representations, from, until, asked: 0 };
    return made;
  }

  /** @param again what it is made again as, where nobody waits for it */
  async function makeOnce(name: string, key: FeedKey, format: Format, again?: HotDocument): Promise<Kept | undefined> {
    for (let under = running.get(name); under !== undefined; under = running.get(name)) {
      if (again === undefined) under.raisePriority();
      const made = await under.made;
      if (made === undefined || isCurrent(made)) return made;
    }
    const making = begin(key, format, again);
    running.set(name, making);
    try {
      const made = await making.made;
      // A change meanwhile has taken this off the list: it answers those who asked before the change, and is not kept.
      if (made !== undefined && running.get(name) === making) kept.set(name, made);
      return made;
    } finally {
      if (running.get(name) === making) running.delete(name);
    }
  }

  function begin(key: FeedKey, format: Format, again: HotDocument | undefined): Making {
    let isAwaited = again === undefined;
    return {
      made: make(key, format, () => isAwaited || isClosed),
      raisePriority: () => {
        isAwaited = true;
      },
      again,
    };
  }

  /** `from`: a clock that was set back must not show what is not published yet. */
  function isCurrent({ from, until }: Kept): boolean {
    const at = now();
    return at >= from && at < until;
  }

  function forget(keys: readonly FeedKey[]): void {
    for (const key of keys) {
      for (const format of FORMATS) {
        const name = documentName(key, format);
        const before = kept.peek(name);
        const again = running.get(name)?.again; // of what takes its time as well
        if (before !== undefined && before.asked > 0) {
          const codings = before.representations.whole.codings();
          hot.set(name, { key, format, asked: before.asked, codings });
        } else if (again !== undefined) hot.set(name, again);
        kept.delete(name);
        running.delete(name);
      }
    }
    rewarmSoon();
  }

  function rewarmSoon(): void {
    if (hot.size === 0 || timer !== undefined || rewarming !== undefined || isClosed) return;
    // Changes that come meanwhile do not put it off: they may never end.
    timer = setTimeout(() => {
      timer = undefined;
      rewarming = rewarm().finally(() => {
        rewarming = undefined;
        rewarmSoon();
      });
    }, BURST).unref();
  }

  async function rewarm(): Promise<void> {
    const first = [...hot].sort(([, a], [, b]) => b.asked - a.asked).slice(0, MOST_HOT);
    hot.clear();
    for (const [name, again] of first) {
      if (isClosed) return;
      const { key, format, codings } = again;
      try {
        const { representations } = kept.peek(name) ?? (await makeOnce(name, key, format, again)) ?? {};
        for (const coding of codings) await representations?.whole.bytes(coding);
      } catch (error) {
        fail(error);
      }
      await setImmediate(); // requests come first
    }
  }

  async function catchUp(): Promise<void> {
    if (catchingUp !== undefined) await catchingUp; // begun, perhaps, before a change that this request has to show
    if (catchingUp === undefined && externalChanges.may()) {
      catchingUp = externalChanges
        .touched()
        .then(forget)
        .finally(() => {
          catchingUp = undefined;
        });
    }
    await catchingUp;
  }

  function look(): void {
    if (catchingUp === undefined) catchUp().catch(() => {}); // who asks next finds out the same, and is told
  }

  function lookUp(name: string): Representations | undefined {
    const known = kept.get(name);
    if (known === undefined || !isCurrent(known)) return undefined;
    known.asked += 1;
    return known.representations;
  }

  return {
    forget,
    keepUp() {
      looking ??= setInterval(look, LOOK).unref();
    },
    getIfReady: (name) => (catchingUp !== undefined || externalChanges.may() ? undefined : lookUp(name)),
    counts: () => ({ count: kept.size, bytes: kept.calculatedSize, evicted }),
    async get(key, format) {
      await catchUp();
      const name = documentName(key, format);
      const known = lookUp(name);
      if (known !== undefined) return known;
      const made = await makeOnce(name, key, format);
      if (made !== undefined) made.asked += 1;
      return made?.representations;
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      clearInterval(looking);
      await Promise.allSettled([catchingUp, rewarming]);
    },
  };
}
