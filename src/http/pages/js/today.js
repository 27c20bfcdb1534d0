// The sets of today as the log has them, of all cameras, for the wall.
//
// A set that ends is told before it is written. So its event stands in until the log has it: the list is asked for again
// a few times, and while the disk takes nothing the event's own words stay. Every half minute it is asked for anyway,
// because what is corrected elsewhere is not told.

import { asked } from "./asked.js";
import { pause } from "./pause.js";
import { dayOf, ofCamera, unwritten } from "./sets.js";

const EVERY_MS = 30_000;
const AGAIN_MS = [300, 1000, 3000, 10_000];
/** The most that is asked for: more sets than a gym lifts in a day before as many cameras. */
const MOST = 300;

export class Today {
  #box;
  #changed;
  #rows = [];
  #told = [];
  #askedAt = -Infinity;
  #asking = null;

  /** `changed()` is called when the sets may be others. */
  constructor(box, changed) {
    [this.#box, this.#changed] = [box, changed];
  }

  /** The sets of one camera, the newest first. */
  of(camera) {
    return ofCamera(camera, this.#told, this.#rows);
  }

  /** A set has ended: the data of a `set_ended` event. */
  async ended(set) {
    this.#told = [set, ...this.#told].slice(0, MOST);
    this.#changed();
    for (const wait of AGAIN_MS) {
      await pause(wait);
      await this.#ask();
      if (!this.#told.includes(set)) return;
    }
  }

  /** Asks when the last answer is old, or when something was missed. */
  refresh(now, { missed = false } = {}) {
    if (missed || now - this.#askedAt >= EVERY_MS) this.#ask();
  }

  /** One question at a time; who asks meanwhile waits for that answer. */
  #ask() {
    this.#asking ??= this.#take().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #take() {
    this.#askedAt = Date.now();
    const since = dayOf(Date.now()) + Math.round(this.#box.clock.ahead);
    try {
      this.#rows = await asked(this.#box, `/api/v1/sets?since=${Math.max(0, since)}&limit=${MOST}`);
      this.#told = unwritten(this.#told, this.#rows, since);
      this.#changed();
    } catch {
      // The bar says when the box is gone. A box that keeps no log still counts.
    }
  }
}
