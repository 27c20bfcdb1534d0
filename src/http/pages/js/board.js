// What a tile says of the athlete: how many repetitions, of what, at which tempo, how long he rests, and his last sets.
//
// The count is what the newest `state` event says and nothing else, so that an event that was missed leaves no wrong one.
// It stands in the corners: the athlete is in the middle.

import { label, make, write } from "./nodes.js";
import { Picker } from "./picker.js";
import { Rest } from "./rest.js";
import { minutes, repetitions, tempo, timeOfDay } from "./words.js";

const SETS = 4;
const SAID_MS = 10_000;
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

export class Board {
  #box;
  #rest = new Rest();
  #sets = [];
  #reps = 0;
  #saidAt = 0;

  constructor(box, camera, exercises) {
    this.#box = box;
    this.node = make("div", "board");
    this.node.hidden = true;
    this.picker = new Picker(box, camera, exercises, (sentence) => this.#say(sentence));
    this.number = make("span", "number");
    this.unit = make("span", "unseen");
    const count = make("p", "count");
    count.append(this.number, this.unit);
    this.tempo = make("p", "tempo");
    this.rest = make("p", "rest");
    const line = make("div", "pace");
    line.append(this.tempo, this.rest);
    this.refusal = make("p", "refusal");
    this.refusal.setAttribute("role", "alert");
    this.list = make("ol", "sets");
    this.list.setAttribute("aria-label", `Last sets of ${camera}`);
    this.node.append(this.picker.node, count, line, this.refusal, this.list);
  }

  /** Whether anybody looks for people here. */
  set hidden(hidden) {
    if (this.node.hidden !== hidden) this.node.hidden = hidden;
  }

  /** Takes a `state` event. */
  heard(seen, now) {
    this.#rest.heard(seen, now);
    this.picker.heard(seen, now);
    if (seen.reps !== this.#reps) this.#count(seen.reps);
    const { short, long } = seen.tempo && seen.reps > 0 ? tempo(seen.tempo) : { short: "", long: "" };
    write(this.tempo, short);
    label(this.tempo, "role", short && "img");
    label(this.tempo, "aria-label", long);
    this.tell(now);
  }

  /** The camera's sets of today, the newest first. */
  take(sets, now) {
    const shown = sets.slice(0, SETS);
    const text = JSON.stringify(shown.map((set) => [set.started_ms, set.exercise, set.reps, set.pending]));
    if (text !== this.#sets) {
      this.#sets = text;
      this.list.replaceChildren(...shown.map((set) => this.#line(set)));
    }
    const newest = sets.find((set) => set.clock === undefined || set.clock === "good");
    if (newest) this.#rest.ended(newest.ended_ms - this.#box.clock.ahead);
    this.tell(now);
  }

  /** Brings the timer up to `now`. */
  tell(now) {
    const ms = this.#rest.at(now);
    write(this.rest, ms === null ? "" : `Rest ${minutes(ms)}`);
    if (this.#saidAt > 0 && now - this.#saidAt > SAID_MS) this.#say("");
  }

  #count(reps) {
    const more = reps > this.#reps;
    this.#reps = reps;
    write(this.number, reps > 0 ? String(reps) : "");
    write(this.unit, reps > 0 ? ` ${repetitions(reps)}` : "");
    this.node.classList.toggle("counts", reps > 0);
    if (more && !CALM.matches) {
      this.number.animate?.([{ transform: "scale(1.18)" }, { transform: "none" }], { duration: 260, easing: "ease-out" });
    }
  }

  #line(set) {
    const line = make("li", set.pending ? "set pending" : "set");
    line.append(
      make("span", "at", timeOfDay(set.started_ms - this.#box.clock.ahead)),
      make("span", "what", set.exercise ?? "Unknown"),
      make("span", "times", String(set.reps)),
      make("span", "unseen", ` ${repetitions(set.reps)}${set.pending ? ", to be confirmed" : ""}`),
    );
    return line;
  }

  #say(sentence) {
    write(this.refusal, sentence);
    this.#saidAt = sentence ? Date.now() : 0;
  }
}
