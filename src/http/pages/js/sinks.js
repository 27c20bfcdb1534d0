// Where sets go: how each sink does, and what it did not take tried again at a press.

import { asked } from "./asked.js";
import { button, el, table, when } from "./parts.js";
import { lasting, moment, sentence } from "./words.js";

export class Sinks {
  #box;
  #list;
  #said;
  /** The button of each sink: the table is built anew while something waits, and a press or a focus must outlive that. */
  #buttons = new Map();

  constructor(box, section) {
    this.#box = box;
    const part = (name) => section.querySelector(`[data-part="${name}"]`);
    [this.#list, this.#said] = [part("list"), part("said")];
  }

  take(rows) {
    const focused = document.activeElement;
    when(this.#list, rows, () => (rows.length > 0 ? this.#table(rows) : el("p", { className: "hint", text: "The sets stay in this box: no sink is configured." })));
    if (focused !== document.activeElement && this.#list.contains(focused)) focused.focus();
  }

  #table(rows) {
    const columns = [
      ["sink", (row) => row.name],
      ["kind", (row) => row.kind],
      ["to", (row) => row.url],
      ["waiting", (row) => row.backlog, true],
      ["oldest", (row) => (row.oldest_age_s === null ? "" : lasting(1000 * row.oldest_age_s)), true],
      ["refused", (row) => row.parked, true],
      ["last taken", (row) => (row.delivered_ms === null ? "never" : moment(row.delivered_ms - this.#box.clock.ahead, Date.now()))],
      ["what is wrong", (row) => ({ text: sentence(row.error), className: "bad" })],
      ["", ({ name, parked, backlog, error }) => (parked > 0 || (backlog > 0 && error) ? this.#again(name) : "")],
    ];
    return table(columns, rows);
  }

  #again(name) {
    if (!this.#buttons.has(name)) {
      const again = button("Try again", () => this.#retry(name));
      again.setAttribute("aria-label", `Try again what ${name} did not take`);
      this.#buttons.set(name, again);
    }
    return el("td", { className: "actions", children: [this.#buttons.get(name)] });
  }

  async #retry(name) {
    try {
      const { retried } = await asked(this.#box, `/api/v1/sinks/${encodeURIComponent(name)}/retry`, { method: "POST" });
      this.#say(retried > 0 ? `What ${name} refused is tried again: ${retried}.` : `What waits for ${name} is tried now.`, "good");
    } catch (error) {
      this.#say(error.message);
    }
  }

  #say(text, className = "bad") {
    [this.#said.className, this.#said.textContent] = [className, text];
  }
}
