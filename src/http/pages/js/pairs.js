// Which skeleton belongs over which picture of one camera. Time is an argument, and nothing here draws.
//
// A picture comes as soon as it is encoded, its pose only when the engine has looked at the same frame. The rule:
//
// 1. A picture waits for the pose of its own frame (`frameId` = `frame_id`); with it, both are shown at once.
// 2. It waits as long as poses have lately taken, never more than HOLD_MS, and not at all when none has come for
//    QUIET_MS: who looks at a wall sees 250 ms no more than 50, but sees a skeleton beside its body at once.
// 3. The engine does not look at every frame. A picture whose own pose does not come gets the one of the nearest frame,
//    before or after it, at most NEAR_MS of frames away: a hand in a fast lift moves its own width in that time. Farther
//    away there is none. So the skeleton is gone with the first picture that no pose is near to.
// 4. What is drawn was seen: no pose is made of two others.

export const HOLD_MS = 250;
export const NEAR_MS = 70;
export const QUIET_MS = 1000;
/** More than the lately longest wait, so that a pose that comes a little later still finds its picture. */
const SLACK_MS = 30;
const PICTURES = 8;
const POSES = 16;
const ARRIVALS = 32;

/** (The browsers of many TVs know no `at` and no `findLast`.) */
const last = (list) => list[list.length - 1];

export class Pairs {
  /** From one frame of the camera to the next; 0: not known, then only a frame's own pose will do. */
  periodMs = 0;
  /** Whether pictures wait for poses at all. */
  waits = true;
  #held = [];
  #poses = [];
  #arrivals = [];
  #lagMs = 0;
  #heardAt = -Infinity;
  #shown = { frameId: 0, pose: null };
  #show;
  #restate;
  #drop;

  /**
   * `show(picture, pose)`: the next picture with its pose or null; `restate(pose)`: another pose for the picture shown
   * last; `drop(picture)`: it will never be shown.
   */
  constructor({ show, restate, drop }) {
    [this.#show, this.#restate, this.#drop] = [show, restate, drop];
  }

  /** A picture came; it has a `frameId`. */
  picture(picture, now) {
    // Ids only grow while a box runs: it is another one now.
    if (picture.frameId < (last(this.#arrivals)?.frameId ?? 0)) this.clear();
    this.#arrivals = [...this.#arrivals.slice(1 - ARRIVALS), { frameId: picture.frameId, at: now }];
    this.#held.push({ picture, at: now });
    if (this.#held.length > PICTURES) this.#drop(this.#held.shift().picture);
  }

  /** A pose came: the data of a `state` event. */
  pose(state, now) {
    if (state.frame_id < (last(this.#poses)?.frame_id ?? 0)) this.#poses = [];
    this.#poses = [...this.#poses.slice(1 - POSES), state];
    this.#heardAt = now;
    const own = last(this.#arrivals.filter(({ frameId }) => frameId <= state.frame_id));
    if (!own) return;
    const lag = now - own.at;
    // A longer wait counts at once, a shorter one little by little.
    this.#lagMs = lag > this.#lagMs ? lag : this.#lagMs + (lag - this.#lagMs) * 0.1;
  }

  /** Shows what is due. Returns how many ms later to call again; Infinity: not before something comes. */
  turn(now) {
    const due = this.#held.map((held) => this.#dueAt(held) <= now).lastIndexOf(true);
    if (due >= 0) {
      const settled = this.#held.splice(0, due + 1);
      const { picture } = settled.pop();
      for (const passed of settled) this.#drop(passed.picture);
      this.#shown = { frameId: picture.frameId, pose: this.#nearest(picture.frameId) };
      this.#show(picture, this.#shown.pose);
    } else if (this.#shown.frameId > 0) {
      const pose = this.#nearest(this.#shown.frameId);
      if (pose !== null && pose !== this.#shown.pose) this.#restate((this.#shown.pose = pose));
    }
    return this.#held.length > 0 ? Math.max(0, this.#dueAt(this.#held[0]) - now) : Infinity;
  }

  /** Forgets everything: what was held is not shown any more. */
  clear() {
    for (const { picture } of this.#held) this.#drop(picture);
    [this.#held, this.#poses, this.#arrivals] = [[], [], []];
    [this.#lagMs, this.#heardAt, this.#shown] = [0, -Infinity, { frameId: 0, pose: null }];
  }

  #dueAt({ picture, at }) {
    const own = this.#poses.some((pose) => pose.frame_id === picture.frameId);
    if (own || !this.waits || at - this.#heardAt > QUIET_MS) return at;
    return at + Math.min(HOLD_MS, this.#lagMs + SLACK_MS);
  }

  #nearest(frameId) {
    const apart = (pose) => Math.abs(pose.frame_id - frameId);
    const best = this.#poses.reduce((best, pose) => (best && apart(best) <= apart(pose) ? best : pose), null);
    const near = best && (apart(best) === 0 || (this.periodMs > 0 && apart(best) * this.periodMs <= NEAR_MS));
    return near ? best : null;
  }
}
