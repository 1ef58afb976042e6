import { whole } from '../crash/random.ts';
import { WORD } from './stores.ts';

/** Bytes of a page of the store, and of the two headers in its log (WAL). */
const PAGE = 8192;

export interface StoreFiles {
  readonly database: Buffer;
  /** The log, which has the changes that are not in the database yet. Empty if there is none. */
  readonly log: Buffer;
}

interface Parts extends StoreFiles {
  readonly random: () => number;
  /** The database as it was earlier. */
  readonly earlier: Buffer;
}

interface Kind {
  /** Whether half of the changes are in the log. Otherwise the log is empty. */
  readonly needsLog: boolean;
  readonly damage: (parts: Parts) => Partial<StoreFiles>;
}

/** Ways in which the files of a store are damaged. */
export const KINDS = {
  'flipped bits': { needsLog: false, damage: ({ database, random }) => ({ database: flipBits(database, random) }) },
  'changed text': { needsLog: false, damage: ({ database, random }) => ({ database: changeText(database, random) }) },
  'pages of zeros': {
    needsLog: false,
    damage: ({ database, random }) => ({ database: replacePages(database, random, () => Buffer.alloc(PAGE)) }),
  },
  'pages of random bytes': {
    needsLog: false,
    damage: ({ database, random }) => ({ database: replacePages(database, random, () => bytes(PAGE, random)) }),
  },
  'pages from elsewhere in the file': {
    needsLog: false,
    damage: ({ database, random }) => ({
      database: replacePages(database, random, () => pageOf(database, whole(random, database.length / PAGE))),
    }),
  },
  'pages as they were earlier': {
    needsLog: false,
    damage: ({ database, earlier, random }) => ({ database: restorePages(database, earlier, random) }),
  },
  'truncated database': {
    needsLog: false,
    damage: ({ database, random }) => ({ database: database.subarray(0, whole(random, database.length)) }),
  },
  'database of another size': {
    needsLog: false,
    damage: ({ database, random }) => ({ database: resize(database, random) }),
  },
  'cut log': { needsLog: true, damage: ({ log, random }) => ({ log: log.subarray(0, whole(random, log.length)) }) },
  'flipped bits in the log': { needsLog: true, damage: ({ log, random }) => ({ log: flipBits(log, random) }) },
  'changed text in the log': { needsLog: true, damage: ({ log, random }) => ({ log: changeText(log, random) }) },
} satisfies Readonly<Record<string, Kind>>;

export type KindName = keyof typeof KINDS;

export const KIND_NAMES = Object.keys(KINDS) as readonly KindName[];

function bytes(length: number, random: () => number): Buffer {
  return Buffer.from(Array.from({ length }, () => whole(random, 256)));
}

function pageOf(file: Buffer, number: number): Buffer {
  return file.subarray(number * PAGE, (number + 1) * PAGE);
}

/** From one to `most`, more often few. */
function few(random: () => number, most: number): number {
  return 1 + Math.floor(random() ** 2 * most);
}

function flipBits(file: Buffer, random: () => number): Buffer {
  const damaged = Buffer.from(file);
  for (let count = few(random, 200); count > 0; count -= 1) {
    const at = whole(random, file.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << whole(random, 8));
  }
  return damaged;
}

/** Changes one letter of some stories, so that nothing but the text is wrong. */
function changeText(file: Buffer, random: () => number): Buffer {
  const damaged = Buffer.from(file);
  const places: number[] = [];
  for (let at = file.indexOf(WORD); at >= 0; at = file.indexOf(WORD, at + 1)) places.push(at);
  for (let count = few(random, 10); count > 0; count -= 1) {
    const at = places[whole(random, places.length)];
    if (at !== undefined) damaged.write('L', at);
  }
  return damaged;
}

function replacePages(file: Buffer, random: () => number, page: () => Buffer): Buffer {
  const damaged = Buffer.from(file);
  for (let count = few(random, 10); count > 0; count -= 1) {
    page().copy(damaged, whole(random, file.length / PAGE) * PAGE);
  }
  return damaged;
}

/** As after writes that the disk reported as done and lost. */
function restorePages(file: Buffer, earlier: Buffer, random: () => number): Buffer {
  const damaged = Buffer.from(file);
  const pages = Math.min(file.length, earlier.length) / PAGE;
  const changed = Array.from({ length: pages }, (_, page) => page).filter(
    (page) => !pageOf(file, page).equals(pageOf(earlier, page)),
  );
  for (let count = few(random, 5); count > 0; count -= 1) {
    const page = changed[whole(random, changed.length)] ?? 0;
    pageOf(earlier, page).copy(damaged, page * PAGE);
  }
  return damaged;
}

function resize(file: Buffer, random: () => number): Buffer {
  const sizes = [
    () => Buffer.alloc(0),
    () => file.subarray(0, 1 + whole(random, 200)),
    () => file.subarray(0, file.length - 1 - whole(random, PAGE - 1)),
    () => Buffer.concat([file, bytes(1 + whole(random, 3 * PAGE), random)]),
  ];
  return sizes[whole(random, sizes.length)]?.() ?? file;
}
