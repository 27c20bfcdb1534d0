// The thresholds on the admin page: a number each, within its range, in force as soon as it is entered.
//
// A field in which somebody writes is left alone; the others follow what the box says.

import { asked } from "./asked.js";
import { el, when } from "./parts.js";
import { sentence } from "./words.js";

const PATH = "/api/v1/thresholds";

export class Tune {
  #box;
  #list;
  #said;
  #inputs = new Map();
  #reset;

  constructor(box, section) {
    this.#box = box;
    const part = (name) => section.querySelector(`[data-part="${name}"]`);
    [this.#list, this.#said, this.#reset] = [part("list"), part("said"), part("reset")];
    this.#reset.addEventListener("click", () => this.#tell("DELETE", undefined, "They are as the config has them."));
  }

  /** The thresholds as the report has them. */
  take(rows) {
    const fixed = rows.map(({ name, help, least, most, configured }) => ({ name, help, least, most, configured }));
    when(this.#list, fixed, (all) => all.map((row) => this.#field(row)));
    this.#put(Object.fromEntries(rows.map(({ name, value }) => [name, value])));
    this.#reset.disabled = rows.every(({ value, configured }) => value === configured);
  }

  #field({ name, help, least, most, configured }) {
    const input = el("input");
    Object.assign(input, { type: "number", min: least, max: most, step: "any", id: `threshold-${name}`, required: true });
    input.setAttribute("aria-describedby", `${input.id}-help`);
    input.addEventListener("change", () => {
      if (!input.reportValidity()) return;
      this.#tell("PATCH", { [name]: Number(input.value) }, `${name} is ${input.value}.`);
    });
    this.#inputs.set(name, input);
    const label = el("label", { text: name });
    label.htmlFor = input.id;
    const hint = el("p", { className: "hint", text: `${sentence(help)} ${least} to ${most}; the config says ${configured}.` });
    hint.id = `${input.id}-help`;
    return el("div", { className: "knob", children: [label, input, hint] });
  }

  #put(values) {
    for (const [name, value] of Object.entries(values)) {
      const input = this.#inputs.get(name);
      if (input && input !== document.activeElement) input.value = value;
    }
  }

  async #tell(method, body, done) {
    try {
      const values = await asked(this.#box, PATH, { method, body });
      this.#said.className = "good";
      this.#said.textContent = done;
      for (const [name, value] of Object.entries(values)) if (this.#inputs.has(name)) this.#inputs.get(name).value = value;
      this.#box.hurry();
    } catch (error) {
      this.#said.className = "bad";
      this.#said.textContent = error.message;
    }
  }
}
