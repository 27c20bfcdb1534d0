// Where sets go: how each sink does, and what it refused tried once more.

import { asked } from "./asked.js";
import { button, el, table, when } from "./parts.js";
import { lasting, moment, sentence } from "./words.js";

export class Sinks {
  #box;
  #list;
  #said;

  constructor(box, section) {
    this.#box = box;
    const part = (name) => section.querySelector(`[data-part="${name}"]`);
    [this.#list, this.#said] = [part("list"), part("said")];
  }

  take(rows) {
    when(this.#list, rows, () => {
      if (rows.length === 0) return el("p", { className: "hint", text: "The sets stay in this box: no sink is configured." });
      const columns = [
        ["sink", (row) => row.name],
        ["kind", (row) => row.kind],
        ["to", (row) => row.url],
        ["waiting", (row) => row.backlog, true],
        ["oldest", (row) => (row.oldest_age_s === null ? "" : lasting(1000 * row.oldest_age_s)), true],
        ["refused", (row) => row.parked, true],
        ["last taken", (row) => (row.delivered_ms === null ? "never" : moment(row.delivered_ms - this.#box.clock.ahead, Date.now()))],
        ["what is wrong", (row) => ({ text: sentence(row.error), className: "bad" })],
        ["", () => ""],
      ];
      const whole = table(columns, rows);
      [...whole.tBodies[0].rows].forEach((line, n) => {
        if (rows[n].parked > 0) line.lastChild.replaceWith(this.#actions(rows[n].name));
      });
      return whole;
    });
  }

  #actions(name) {
    const again = button("Try again", () => this.#retry(name));
    again.setAttribute("aria-label", `Try again what ${name} refused`);
    return el("td", { className: "actions", children: [again] });
  }

  async #retry(name) {
    try {
      await asked(this.#box, `/api/v1/sinks/${encodeURIComponent(name)}/retry`, { method: "POST" });
      this.#said.textContent = "";
    } catch (error) {
      this.#said.textContent = error.message;
    }
  }
}
