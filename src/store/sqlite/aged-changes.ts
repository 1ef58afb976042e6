import type { Instant } from '../../lib/instant.ts';

/**
 * When a feed changed last for those who see stories later than readers do. Each change is of an article with an age: the
 * milliseconds since readers could see it. Whoever sees stories with a delay knows of the changes whose age is not smaller.
 * Of all changes, those stay in the list that are the last one for some delay: with growing ages, the dates go back.
 */
export interface AgedChange {
  /** `Infinity` where the change concerns everybody, as a new rule of the feed does. */
  readonly age: number;
  readonly date: Instant;
}

/** Changes that are kept. Beyond that, the two oldest ones become one, with the later date. */
const MOST = 50;

/** The date of the last change that is known with this delay. */
export function dateWithDelay(changes: readonly AgedChange[], delay: number): Instant | undefined {
  return changes.find(({ age }) => age >= delay)?.date;
}

/**
 * The changes after another one.
 *
 * @param dated gives the date of a change from the date before it and the moment of the change. A change is not dated by those
 *   before it that somebody cannot know: the date would tell of them
 */
export function withChange(
  changes: readonly AgedChange[],
  change: AgedChange,
  dated: (before: Instant, at: Instant) => Instant,
): readonly AgedChange[] {
  const [youngest] = changes;
  const isYoungest = youngest !== undefined && change.age <= youngest.age;
  return cut(isYoungest ? withYoungest(changes, youngest, change, dated) : withOlder(changes, change, dated));
}

type Dated = Parameters<typeof withChange>[2];

/** Most changes are of new stories: the list stays as it is behind them. */
function withYoungest(
  changes: readonly AgedChange[],
  youngest: AgedChange,
  { age, date: at }: AgedChange,
  dated: Dated,
): readonly AgedChange[] {
  const date = dated(youngest.date, at);
  if (age === youngest.age) return [{ age, date }, ...changes.slice(1)];
  return date === youngest.date ? changes : [{ age, date }, ...changes];
}

function withOlder(changes: readonly AgedChange[], { age, date: at }: AgedChange, dated: Dated): readonly AgedChange[] {
  const next: AgedChange[] = [];
  let isIn = false;
  const add = (change: AgedChange) => {
    if (next.at(-1)?.date === change.date) next.pop();
    next.push(change);
  };
  for (const change of changes) {
    if (change.age < age) add({ age: change.age, date: dated(change.date, at) });
    else {
      if (!isIn) add({ age, date: dated(change.date, at) });
      isIn = true;
      if (change.age > age) add(change);
    }
  }
  if (!isIn) add({ age, date: at });
  return next;
}

function cut(changes: readonly AgedChange[]): readonly AgedChange[] {
  const [before, oldest] = changes.slice(-2);
  if (changes.length <= MOST || before === undefined || oldest === undefined) return changes;
  return cut([...changes.slice(0, -2), { age: oldest.age, date: before.date }]);
}

const NO_BYTES = new Uint8Array();

export function encodeAgedChanges(changes: readonly AgedChange[]): Uint8Array {
  if (changes.length === 0) return NO_BYTES;
  const numbers = new Float64Array(2 * changes.length);
  let end = 0;
  for (const { age, date } of changes) {
    numbers[end++] = age;
    numbers[end++] = date;
  }
  return new Uint8Array(numbers.buffer);
}

/** Only of bytes whose checksum matches. */
export function decodeAgedChanges(bytes: Uint8Array): AgedChange[] {
  if (bytes.length === 0) return [];
  const numbers = new Float64Array(bytes.slice().buffer);
  return Array.from({ length: numbers.length / 2 }, (_, index) => ({
    age: numbers[2 * index] ?? 0,
    date: numbers[2 * index + 1] ?? 0,
  }));
}
