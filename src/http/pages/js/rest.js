// How long an athlete has rested: since his last repetition as far as the box tells it, and after the set on by this
// browser's clock. Pure arithmetic; moments are milliseconds of this browser's clock.

/** While a set goes on every repetition ends such a rest; a shorter one is part of the lifting. */
const WITHIN_MS = 5000;
/** Nobody rests longer; he has gone. */
const MOST_MS = 30 * 60_000;

export class Rest {
  #from = null;
  #counts = false;

  /** What a `state` event says, heard `now`: seconds since the last repetition, or null between sets. */
  heard({ resting_s, age_ms }, now) {
    this.#counts = resting_s !== null;
    if (this.#counts) this.#from = now - (age_ms ?? 0) - 1000 * resting_s;
  }

  /** A set of the log ended at this moment. */
  ended(at) {
    if (this.#from === null || at > this.#from) this.#from = at;
  }

  /** Milliseconds to show, or null. */
  at(now) {
    if (this.#from === null) return null;
    const ms = Math.max(0, now - this.#from);
    return ms > MOST_MS || (this.#counts && ms < WITHIN_MS) ? null : ms;
  }
}
