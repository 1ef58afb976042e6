/** Measurements that count. */
const KEPT = 10;
/** Milliseconds by which the offset must differ before the clock is corrected anew: a clock that moves with each measurement would go back. */
const TOLERANCE = 20;

/** A comparison of this machine's clock with that of the database, in milliseconds. */
interface Comparison {
  /** How far the clock of the database is ahead. */
  readonly offset: number;
  /** How long the answer took: the offset may be wrong by half of it. */
  readonly delay: number;
}

/** How far the clock of the database is ahead of the clock of this machine. */
export class ClockOffset {
  #comparisons: Comparison[] = [];
  #offset: number | undefined;

  /** Takes the moments of a question, of the answer as the database dates it, and of its arrival. */
  compare(asked: number, answered: number, arrived: number): void {
    const delay = arrived - asked;
    this.#comparisons = [...this.#comparisons, { offset: answered - asked - delay / 2, delay }].slice(-KEPT);
    const [best] = this.#comparisons.toSorted((one, other) => one.delay - other.delay);
    if (best === undefined) return;
    const isOther = this.#offset === undefined || Math.abs(best.offset - this.#offset) > TOLERANCE;
    if (isOther) this.#offset = Math.round(best.offset);
  }

  /** Whole milliseconds to add to this machine's clock; undefined before the first comparison. */
  get milliseconds(): number | undefined {
    return this.#offset;
  }
}
