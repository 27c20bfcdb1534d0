// Recording an example from a camera, on the admin page: a form, and a window that counts down in figures which are read
// from where one trains. What the box's own engine saw goes back to the box as a poses file; no picture is taken, so it
// works before a private camera too.

import { asked } from "./asked.js";
import { offer } from "./editor.js";
import { Example } from "./example.js";
import { write } from "./nodes.js";
import { when } from "./parts.js";
import { repetitions } from "./words.js";

const PATH = "/api/v1/reference";
const TURN_MS = 100;
/** The box counts what it is sent before it answers. */
const LEARN_MS = 60_000;

export class Recorder {
  #box;
  #form;
  #learnt;
  #window;
  #parts = {};
  #done;
  #example = null;
  #exercise = "";
  #timer = 0;

  /** `names()` promises the exercises to choose from; `done()` is called when one was learnt. */
  constructor(box, section, window, { names, done }) {
    [this.#box, this.#window, this.#done] = [box, window, done];
    const part = (name) => section.querySelector(`[data-part="${name}"]`);
    [this.#form, this.#learnt] = [part("record"), part("learnt")];
    for (const node of window.querySelectorAll("[data-part]")) this.#parts[node.dataset.part] = node;
    const { exercise } = this.#form.elements;
    exercise.addEventListener("focus", () => offer(exercise, names));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    this.#parts.stop.addEventListener("click", () => this.#example?.stop(performance.now()));
    this.#parts.cancel.addEventListener("click", () => window.close());
    window.addEventListener("close", () => this.#end());
    box.addEventListener("state", ({ detail }) => this.#example?.state(detail, performance.now()));
    box.addEventListener("note", ({ detail }) => this.#example?.note(detail, performance.now()));
    box.addEventListener("gone", () => this.#fail("The box does not answer."));
    document.addEventListener("visibilitychange", () => {
      // A hidden page hears nothing.
      if (document.visibilityState === "hidden") this.#fail("The page was hidden; keep it in view until the example is learnt.");
    });
  }

  /** The names of the cameras in which people are looked for. */
  take(cameras) {
    const { camera } = this.#form.elements;
    this.#form.hidden = cameras.length === 0;
    const chosen = camera.value;
    when(camera, cameras, (names) => names.map((name) => new Option(name)));
    if (cameras.includes(chosen)) camera.value = chosen;
  }

  #begin() {
    const { camera, exercise, seconds } = this.#form.elements;
    const countdownMs = 1000 * Number(this.#form.dataset.countdown);
    this.#exercise = exercise.value.trim();
    this.#example = new Example({ camera: camera.value, countdownMs, seconds: Number(seconds.value) }, performance.now());
    this.#say("");
    this.#turn();
    this.#window.showModal();
    this.#timer = setInterval(() => this.#turn(), TURN_MS);
  }

  #turn() {
    const { phase, leftMs } = this.#example.at(performance.now());
    const { count, told, looks, stop } = this.#parts;
    const taking = phase === "taking";
    stop.hidden = !taking;
    write(count, phase === "over" ? "" : String(Math.ceil(leftMs / 1000)));
    write(looks, taking ? `Looks: ${this.#example.looks}` : "");
    if (phase === "over") this.#learn();
    else write(told, taking ? "Do at least three repetitions" : "Starts in");
  }

  #fail(sentence) {
    this.#example?.fail(sentence, performance.now());
  }

  /** The window was closed, by whomever: nothing is collected any more. */
  #end() {
    clearInterval(this.#timer);
    this.#example = null;
  }

  #say(sentence, className = "bad") {
    this.#learnt.className = className;
    this.#learnt.textContent = sentence;
  }

  async #learn() {
    clearInterval(this.#timer);
    const { broken, text } = this.#example;
    this.#example = null;
    write(this.#parts.told, "The box learns it");
    try {
      if (broken) throw new Error(broken);
      if (!text) throw new Error("The box did not look at this camera in that time.");
      const query = new URLSearchParams({ exercise_name: this.#exercise });
      const body = new Blob([text], { type: "application/jsonl" });
      const { exercise, reps } = await asked(this.#box, `${PATH}?${query}`, { method: "POST", body, timeout: LEARN_MS });
      this.#say(`Example of ${exercise} with ${reps} ${repetitions(reps)} is learnt.`, "good");
      this.#done();
    } catch (error) {
      this.#say(error.message);
    }
    this.#window.close();
  }
}
