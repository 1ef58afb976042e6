/** The blocks of a story: pieces of HTML between which it can be cut. */
export interface Blocks {
  readonly list: readonly string[];
  /** Whether the limit is reached: nothing more is taken. */
  readonly isFull: () => boolean;
  readonly add: (text: string) => void;
  /** Adds to a block of loose text, and begins one where there is none: no paragraph, which cannot hold everything. */
  readonly addLoose: (text: string) => void;
  readonly isInLoose: () => boolean;
  /** Ends the block, loose text or not. */
  readonly end: () => void;
  /** Puts a beginning aside. `resume` returns what was added meanwhile. */
  readonly suspend: () => string;
  readonly resume: (before: string) => string;
}

/** @param limit bytes; a block that does not fit, and everything behind it, is left out */
export function createBlocks(limit: number): Blocks {
  const list: string[] = [];
  let current = '';
  let bytes = 0;
  let isFull = false;
  let isLoose = false;

  return {
    list,
    isFull: () => isFull,
    add(text) {
      current += text;
    },
    addLoose(text) {
      if (!isLoose) current += '<div>';
      isLoose = true;
      current += text;
    },
    isInLoose: () => isLoose,
    end() {
      const text = isLoose ? `${current.trimEnd()}</div>` : current.trim();
      current = '';
      isLoose = false;
      if (text === '' || text === '<div></div>' || isFull) return;
      bytes += Buffer.byteLength(text) + 1;
      isFull = bytes > limit;
      if (!isFull) list.push(text);
    },
    suspend() {
      const before = current;
      current = '';
      return before;
    },
    resume(before) {
      const added = current;
      current = before;
      return added;
    },
  };
}
