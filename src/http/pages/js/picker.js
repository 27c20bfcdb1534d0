// What the athlete says he does: the exercise's name on a tile, under which lies a list to choose from. The list is the
// browser's own, so that it is worked by finger, by key and by a TV's remote control.

import { asked } from "./asked.js";
import { label, make, write } from "./nodes.js";

const AUTOMATIC = "Automatic";
/** So long what is heard may be older than the choice: a frame that is being looked at, an event under way. */
const FOLLOWS_MS = 1000;
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
  #names = [];
  #seen = undefined;
  #chosen = null;
  /** The choice as the box last said it: what is refused goes back to it. */
  #known = null;
  /** Counts what was heard or said of the choice: an answer to a question from before is not news. */
  #news = 0;
  /** What was chosen here and is not heard of yet: `{ name, until }`. */
  #awaited = null;
  /** One choice is told after the other, in their order. */
  #told = Promise.resolve();

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
    this.#list.addEventListener("change", () => this.#choose(this.#list.value || null, Date.now()));
    this.node.append(this.#name, this.#list);
  }

  /** What a `state` event, heard `now`, says is done: a name or null, and whether that was chosen, here or elsewhere. */
  heard({ exercise, chosen }, now) {
    const choice = chosen ? exercise : null;
    if (this.#awaited && this.#awaited.name !== choice && now < this.#awaited.until) return;
    this.#awaited = null;
    this.#known = choice;
    if (exercise === this.#seen && choice === this.#chosen) return;
    [this.#seen, this.#chosen] = [exercise, choice];
    this.#news += 1;
    this.#show();
  }

  #show() {
    // One that was told by another program, or that is chosen before the names are known, may stand in no list.
    const others = this.#chosen === null || this.#names.includes(this.#chosen) ? [] : [this.#chosen];
    const wanted = ["", ...this.#names, ...others];
    if (wanted.join("\n") !== [...this.#list.options].map((option) => option.value).join("\n")) {
      this.#list.replaceChildren(...wanted.map((name) => new Option(name || AUTOMATIC, name)));
    }
    this.#list.value = this.#chosen ?? "";
    const name = this.#seen ?? this.#chosen;
    write(this.#name, name ?? AUTOMATIC);
    this.#name.classList.toggle("none", !name);
    const recognised = this.#chosen === null && this.#seen ? `, recognised: ${this.#seen}` : "";
    label(this.#list, "aria-description", recognised && `Automatic${recognised}`);
  }

  /** Brings the list up to date, and what is chosen in it: of a camera without a picture nothing is heard. */
  async #load() {
    const news = this.#news;
    try {
      this.#names = await this.#exercises.names();
      const { name } = await asked(this.#box, this.#path);
      if (news === this.#news) this.#chosen = this.#known = name;
    } catch {
      // Asked again at the next touch; the bar says when the box is gone.
    }
    this.#show();
  }

  #choose(name, now) {
    this.#awaited = { name, until: now + FOLLOWS_MS };
    [this.#seen, this.#chosen] = [name, name];
    this.#news += 1;
    this.#show();
    const news = this.#news;
    this.#told = this.#told.then(() => this.#tell(name, news));
  }

  /** Tells the box what was chosen when the count of news was `news`. */
  async #tell(name, news) {
    try {
      await asked(this.#box, this.#path, { method: "PUT", body: { name } });
      this.#known = name;
      this.#say("");
    } catch (error) {
      const newest = news === this.#news;
      // It is not so, and the list says that as soon as the sentence does; the box may know more, if it can be asked.
      if (newest) {
        this.#awaited = this.#seen = null;
        this.#chosen = this.#known;
        this.#show();
      }
      this.#say(error.message);
      if (newest) await this.#load();
    }
  }
}
