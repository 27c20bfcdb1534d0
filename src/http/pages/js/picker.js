// What the athlete says he does: the exercise's name on a tile, under which lies a list to choose from. The list is the
// browser's own, so that it is worked by finger, by key and by a TV's remote control.

import { asked } from "./asked.js";
import { label, make, write } from "./nodes.js";

const AUTOMATIC = "Automatic";
let number = 0;

/** The names one may choose: those the box knows and those that were recorded. Asked for once, and again when `stale`. */
export class Exercises {
  #box;
  #names = null;

  constructor(box) {
    this.#box = box;
  }

  /** Forgets the answer: something may have been recorded or forgotten. */
  stale() {
    this.#names = null;
  }

  names() {
    this.#names ??= this.#ask().catch((error) => {
      this.#names = null;
      throw error;
    });
    return this.#names;
  }

  async #ask() {
    const known = (await asked(this.#box, "/api/v1/exercises")).map(({ name }) => name);
    // A box that keeps no log has no recorded ones.
    const recorded = await asked(this.#box, "/api/v1/prototypes").catch(() => []);
    return [...new Set([...known, ...recorded.map(({ exercise }) => exercise).sort()])];
  }
}

export class Picker {
  #box;
  #path;
  #exercises;
  #say;
  #list;
  #name;
  #seen = undefined;
  #chosen = null;

  /** `say(sentence)` shows why a choice was refused; nothing: it was taken. */
  constructor(box, camera, exercises, say) {
    [this.#box, this.#exercises, this.#say] = [box, exercises, say];
    this.#path = `/api/v1/cameras/${encodeURIComponent(camera)}/exercise`;
    this.node = make("div", "picker");
    this.#name = make("span", "exercise none", AUTOMATIC);
    this.#name.setAttribute("aria-hidden", "true");
    this.#list = make("select", "choice");
    this.#list.name = `exercise-${(number += 1)}`;
    this.#list.setAttribute("aria-label", `Exercise of ${camera}`);
    this.#list.append(new Option(AUTOMATIC, ""));
    this.#list.addEventListener("focus", () => this.#load());
    this.#list.addEventListener("change", () => this.#choose(this.#list.value || null));
    this.node.append(this.#name, this.#list);
  }

  /** What a `state` event says is done: a name, or null. Another than before: perhaps somebody chose elsewhere. */
  heard(exercise) {
    if (exercise === this.#seen) return;
    this.#seen = exercise;
    this.#show();
    this.#load();
  }

  #show() {
    const name = this.#seen ?? this.#chosen;
    write(this.#name, name ?? AUTOMATIC);
    this.#name.classList.toggle("none", !name);
    const recognised = this.#chosen === null && this.#seen ? `, recognised: ${this.#seen}` : "";
    label(this.#list, "aria-description", recognised && `Automatic${recognised}`);
  }

  /** Brings the list and what is chosen in it up to date. */
  async #load() {
    try {
      const names = await this.#exercises.names();
      const { name } = await asked(this.#box, this.#path);
      this.#take(name, names);
    } catch {
      // Asked again at the next change or touch; the bar says when the box is gone.
    }
  }

  #take(chosen, names) {
    this.#chosen = chosen;
    // One that was told by another program may stand in no list.
    const wanted = ["", ...names, ...(chosen === null || names.includes(chosen) ? [] : [chosen])];
    if (wanted.join("\n") !== [...this.#list.options].map((option) => option.value).join("\n")) {
      this.#list.replaceChildren(...wanted.map((name) => new Option(name || AUTOMATIC, name)));
    }
    this.#list.value = chosen ?? "";
    this.#show();
  }

  async #choose(name) {
    try {
      const told = await asked(this.#box, this.#path, { method: "PUT", body: { name } });
      this.#chosen = told.name;
      // What is seen follows with the next frame.
      this.#seen = told.name;
      this.#say("");
    } catch (error) {
      this.#list.value = this.#chosen ?? "";
      this.#say(error.message);
    }
    this.#show();
  }
}
