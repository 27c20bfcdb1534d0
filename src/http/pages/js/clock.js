// The box's clock as seen from here. A TV's clock is often wrong; ages must be right all the same.
//
// Every answer says the box's time in whole seconds (`Date`). One answer bounds the difference of the two clocks to a
// second and the time on the wire; many answers, each at another fraction of its second, narrow it to some ten
// milliseconds. When the bounds contradict each other a clock was set, and they start anew.

export class Clock {
  #low = -Infinity;
  #high = Infinity;

  /** Takes the `Date` of an answer to a question asked at `asked` and answered at `answered`, both of this browser. */
  learn(date, asked, answered) {
    const told = Date.parse(date ?? "");
    if (Number.isNaN(told)) return;
    const [low, high] = [told - answered, told + 1000 - asked];
    if (low > this.#high || high < this.#low) [this.#low, this.#high] = [low, high];
    this.#low = Math.max(this.#low, low);
    this.#high = Math.min(this.#high, high);
  }

  /** What the box's clock is ahead of this browser's, in ms. */
  get ahead() {
    return Number.isFinite(this.#low) ? (this.#low + this.#high) / 2 : 0;
  }

  /** A moment of the box's clock, in this browser's. Never in the future. */
  here(boxMs) {
    return Math.min(Date.now(), boxMs - this.ahead);
  }
}
