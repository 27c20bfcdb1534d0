// Recorded exercises on the admin page: which there are, and how they are forgotten.

import { asked } from "./asked.js";
import { button, el, table, when } from "./parts.js";
import { moment } from "./words.js";

const PATH = "/api/v1/prototypes";

/** Prototypes by their exercise: how many, the newest, and what they were made from. */
export function byExercise(rows) {
  const all = new Map();
  for (const row of rows) {
    const known = all.get(row.exercise) ?? { exercise: row.exercise, count: 0, created_ms: 0, sources: [] };
    const sources = [...new Set([...known.sources, row.source])];
    all.set(row.exercise, { ...known, count: known.count + 1, created_ms: Math.max(known.created_ms, row.created_ms), sources });
  }
  return [...all.values()].sort((a, b) => a.exercise.localeCompare(b.exercise));
}

export class Recorded {
  #box;
  #list;
  #said;

  constructor(box, section) {
    this.#box = box;
    const part = (name) => section.querySelector(`[data-part="${name}"]`);
    [this.#list, this.#said] = [part("list"), part("said")];
  }

  async load() {
    try {
      this.#draw(byExercise(await asked(this.#box, PATH)));
      this.#said.textContent = "";
    } catch (error) {
      this.#said.textContent = error.message;
    }
  }

  #draw(rows) {
    when(this.#list, rows, () => {
      if (rows.length === 0) return el("p", { className: "hint", text: "None yet. A set of the log becomes an example of its exercise, or one is recorded here; the next one like it is recognised." });
      const columns = [
        ["exercise", (row) => row.exercise],
        ["examples", (row) => row.count, true],
        ["made from", (row) => row.sources.join(", ")],
        ["newest", (row) => moment(row.created_ms - this.#box.clock.ahead, Date.now())],
        ["", (row) => this.#actions(row.exercise)],
      ];
      return table(columns, rows);
    });
  }

  #actions(exercise) {
    const cell = el("td", { className: "actions" });
    const rest = () => cell.replaceChildren(button("Delete", sure));
    const sure = () => {
      const keep = button("Keep", rest);
      cell.replaceChildren(button(`Delete ${exercise}`, () => this.#forget(exercise), "danger"), keep);
      keep.focus();
    };
    rest();
    return cell;
  }

  async #forget(exercise) {
    try {
      await asked(this.#box, `${PATH}?${new URLSearchParams({ exercise })}`, { method: "DELETE" });
      await this.load();
    } catch (error) {
      this.#said.textContent = error.message;
    }
  }
}
