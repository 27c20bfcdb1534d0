// An example of an exercise while it is recorded: a countdown, then the looks at one camera's frames are collected, then it
// is over. Its text is a poses file. It knows no page and no clock: time is an argument, in milliseconds.

export class Example {
  /** Looks that were collected. */
  looks = 0;
  /** Why nothing comes of it, a sentence; empty while something may. */
  broken = "";
  #camera;
  #from;
  #until;
  #size = null;
  #last = -Infinity;
  #lines = [];

  /** Begins at `now` with the countdown. */
  constructor({ camera, countdownMs, seconds }, now) {
    this.#camera = camera;
    this.#from = now + countdownMs;
    this.#until = this.#from + 1000 * seconds;
  }

  /** What goes on at `now`, `waiting`, `taking` or `over`, and how long still. */
  at(now) {
    if (this.broken || now >= this.#until) return { phase: "over", leftMs: 0 };
    if (now < this.#from) return { phase: "waiting", leftMs: this.#from - now };
    return { phase: "taking", leftMs: this.#until - now };
  }

  /** A `state` event. Those that are missed on the way are no harm: each tells its frame's own time. */
  state({ camera, t, width, height, poses }, now) {
    if (camera !== this.#camera || this.at(now).phase !== "taking") return;
    this.#size ??= { width, height };
    if (this.#size.width !== width || this.#size.height !== height) {
      this.fail(`The picture of ${camera} has another size now.`, now);
    } else if (t > this.#last) {
      this.#last = t;
      this.#lines.push(JSON.stringify({ t, poses }));
      this.looks += 1;
    }
  }

  /** A `camera` event: a lost camera ends it. */
  note({ camera, connected, fault }, now) {
    if (camera !== this.#camera || connected) return;
    const why = fault?.sentence ? `: ${fault.sentence}` : "";
    this.fail(`The camera ${camera} was lost${why}.`, now);
  }

  /** Nothing comes of it, unless it is over already. */
  fail(sentence, now) {
    if (this.at(now).phase !== "over") this.broken = sentence;
  }

  /** Enough: what was collected is all there is. */
  stop(now) {
    this.#until = Math.min(this.#until, now);
  }

  /** The poses file; empty when nothing was collected. */
  get text() {
    if (this.looks === 0) return "";
    const { width, height } = this.#size;
    return `${[JSON.stringify({ size: [width, height] }), ...this.#lines].join("\n")}\n`;
  }
}
