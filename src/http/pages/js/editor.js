// A row of the log while it is being corrected: a field for each thing that the athlete knows better. Only what was changed is
// sent; an empty field gives the machine's word back.

import { button, el } from "./parts.js";

const LIST = "exercises";
const FIELDS = [
  { name: "exercise", label: "Exercise", type: "text", maxLength: 64 },
  { name: "reps", label: "Repetitions", type: "number", min: 0, max: 1000, step: 1 },
  { name: "weight", label: "Weight", type: "number", min: 0, max: 2000, step: "any" },
  { name: "note", label: "Note", type: "text", maxLength: 500 },
];

/** What a field's text means: null for nothing. */
const meant = ({ type }, text) => (text.trim() === "" ? null : type === "number" ? Number(text) : text.trim());

/** The input for a field of a set. */
export function field(id, { name, label, ...rest }, value) {
  const input = el("input");
  Object.assign(input, rest, { name, value, autocomplete: "off" });
  input.setAttribute("aria-label", `${label} of set ${id}`);
  return input;
}

/** Lets an input choose from the exercises that `names()` promises. */
export async function offer(input, names) {
  const list = document.getElementById(LIST);
  input.setAttribute("list", LIST);
  const all = await names().catch(() => []);
  list.replaceChildren(...all.map((name) => new Option("", name)));
}

export class Editor {
  /** `names()` promises the exercises to choose from; `save(changes)`; `cancel()`. */
  constructor(row, set, { names, save, cancel }) {
    const inputs = FIELDS.map((one) => {
      const input = field(set.id, one, set[one.name] ?? "");
      row.querySelector(`.${one.name}`).replaceChildren(input);
      return { field: one, input, before: input.value };
    });
    offer(inputs[0].input, names);
    const send = () => {
      const wrong = inputs.find(({ input }) => !input.checkValidity());
      if (wrong) return wrong.input.reportValidity();
      const changed = inputs.filter(({ input, before }) => input.value !== before);
      if (changed.length === 0) return cancel();
      return save(Object.fromEntries(changed.map(({ field, input }) => [field.name, meant(field, input.value)])));
    };
    row.querySelector(".actions").replaceChildren(button("Save", send, "main"), button("Cancel", cancel));
    for (const { input } of inputs) {
      input.addEventListener("keydown", (event) => {
        if (event.key === "Enter") send();
        if (event.key === "Escape") cancel();
      });
    }
    inputs[0].input.focus();
  }
}
