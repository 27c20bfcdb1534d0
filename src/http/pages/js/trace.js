// The angle of the athlete's working joint over the last half minute, with the repetitions that were counted. Time is an
// argument, and nothing here draws.
//
// A `rep` event says how long its repetition took and its phases, not when it ended. The `state` of the same frame says how
// long ago the last one ended; those that were told with it ended one repetition and one pause earlier each.

export const SPAN_MS = 30_000;

export class Trace {
  /** `{at, deg, joint}`, the oldest first. */
  points = [];
  /** `{n, start, turn, end}`, the oldest first. */
  reps = [];
  #told = [];

  /** A `rep` event's data. */
  rep(note) {
    this.#told.push(note);
  }

  /** A `state` event's data, heard `now`. */
  state({ age_ms, angle, resting_s, reps }, now) {
    const at = now - (age_ms ?? 0);
    if (angle) this.points.push({ at, deg: angle.deg, joint: angle.joint });
    if (resting_s !== null && reps > 0) this.#place(at - 1000 * resting_s);
    else this.#told = [];
    this.points = this.points.filter((point) => point.at >= now - SPAN_MS);
    this.reps = this.reps.filter((rep) => rep.end >= now - SPAN_MS);
  }

  #place(end) {
    const placed = [];
    for (const { n, duration_s, phases } of this.#told.reverse()) {
      const last = placed[0];
      const own = last ? last.start - 1000 * phases.pause_s : end;
      const start = own - 1000 * duration_s;
      placed.unshift({ n, start, turn: start + 1000 * (phases.go_s + phases.hold_s / 2), end: own });
    }
    this.#told = [];
    this.reps.push(...placed);
  }

  /** The least and the greatest angle to show, degrees: what was seen, and never so little that noise fills the picture. */
  get range() {
    const all = this.points.map(({ deg }) => deg);
    if (all.length === 0) return [0, 180];
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const spare = Math.max(5, (40 - (high - low)) / 2);
    return [low - spare, high + spare];
  }

  /** The angle at a moment, between the points beside it; null where there are none. */
  at(moment) {
    const next = this.points.findIndex(({ at }) => at >= moment);
    if (next < 0) return null;
    const [a, b] = [this.points[Math.max(0, next - 1)], this.points[next]];
    return b.at === a.at ? b.deg : a.deg + ((b.deg - a.deg) * Math.max(0, moment - a.at)) / (b.at - a.at);
  }
}
