// The log on the admin page: the newest sets first, older ones by pages. A set is corrected in its row, confirmed, deleted.
//
// What the machine saw and what the athlete says stand beside each other. A row that is being edited is left alone however
// often the list is asked for again.

import { asked } from "./asked.js";
import { cells } from "./cells.js";
import { Editor, field, offer } from "./editor.js";
import { button, el } from "./parts.js";

const PAGE = 50;
const NUMBERS = ["Reps", "Weight", "Sure"];
const HEADS = ["Picture", "When", "Camera", "Exercise", "Reps", "Weight", "Note", "Sure", "State", ""];

export class Log {
  #box;
  #names;
  #show;
  #remembered;
  #sets = [];
  #more = false;
  #lines = new Map();
  #loading = false;

  /**
   * `names()` promises the exercises to choose from; `show(set)` opens its picture; `remembered()`: a set has become an
   * example.
   */
  constructor(box, section, { names, show, remembered }) {
    [this.#box, this.#names, this.#show, this.#remembered] = [box, names, show, remembered];
    const part = (name) => section.querySelector(`[data-part="${name}"]`);
    this.body = el("tbody");
    const heads = HEADS.map((text) => {
      const th = el("th", { text, className: NUMBERS.includes(text) ? "number" : "" });
      th.scope = "col";
      return th;
    });
    const head = el("thead", { children: [el("tr", { children: heads })] });
    part("table").replaceChildren(el("table", { className: "log", children: [head, this.body] }));
    this.said = part("said");
    this.none = part("none");
    this.older = part("older");
    this.older.addEventListener("click", () => this.load({ older: true }));
    this.only = part("only");
    this.only.addEventListener("change", () => this.#draw());
  }

  /** Asks for the newest page, or for the one after what is shown. */
  async load({ older = false } = {}) {
    if (this.#loading) return;
    this.#loading = true;
    try {
      const last = this.#sets.length > 0 ? this.#sets[this.#sets.length - 1].id : 0;
      const before = older && last ? `&before=${last}` : "";
      const page = await asked(this.#box, `/api/v1/sets?limit=${PAGE}${before}`);
      const ends = page.length < PAGE;
      const end = page.length > 0 && !ends ? page[page.length - 1].id : 0;
      const [newer, rest] = older ? [this.#sets, []] : [[], this.#sets.filter((set) => set.id < end)];
      this.#sets = [...newer, ...page, ...rest];
      if (older || rest.length === 0) this.#more = !ends;
      this.#say("");
    } catch (error) {
      this.#say(error.message);
    }
    this.#loading = false;
    this.#draw();
  }

  #say(sentence) {
    this.said.textContent = sentence;
  }

  #draw() {
    const shown = this.#sets.filter((set) => !this.only.checked || set.pending);
    const wanted = new Set(shown.map((set) => set.id));
    for (const [id, { node, editor }] of this.#lines) {
      if (wanted.has(id) || editor) continue;
      node.remove();
      this.#lines.delete(id);
    }
    let after = null;
    for (const set of shown) {
      const node = this.#line(set);
      if (after === null ? this.body.firstChild !== node : after.nextSibling !== node) {
        if (after === null) this.body.prepend(node);
        else after.after(node);
      }
      after = node;
    }
    this.none.hidden = shown.length > 0;
    this.none.textContent = this.only.checked ? "No set waits to be confirmed." : "No set yet.";
    this.older.hidden = !this.#more;
  }

  /** The row of a set, built anew when the set has changed and nobody edits it. */
  #line(set) {
    const text = JSON.stringify(set);
    const known = this.#lines.get(set.id);
    if (known && (known.editor || known.text === text)) return known.node;
    const node = known?.node ?? el("tr");
    node.dataset.set = set.id;
    node.className = set.pending ? "pending" : "";
    node.replaceChildren(...cells(set, this.#box.clock.ahead, this.#show), this.#actions(set));
    this.#lines.set(set.id, { node, text, editor: null });
    return node;
  }

  #actions(set) {
    const actions = el("td", { className: "actions" });
    const rest = () => {
      const all = [button("Edit", () => this.#edit(set)), button("Example", example), button("Delete", sure)];
      if (set.pending) all.unshift(button("Confirm", () => this.#do("POST", set, "/confirm"), "main"));
      actions.replaceChildren(...all);
    };
    const sure = () => {
      const keep = button("Keep", () => {
        rest();
        actions.lastChild.focus();
      });
      actions.replaceChildren(button("Delete this set", () => this.#do("DELETE", set), "danger"), keep);
      keep.focus();
    };
    // Its movement becomes an example, by which the next one like it is recognised.
    const example = () => {
      const name = field(set.id, { name: "name", label: "Example", type: "text", maxLength: 64, required: true }, set.exercise ?? "");
      offer(name, this.#names);
      const remember = () => name.reportValidity() && this.#remember(set, name.value.trim(), rest);
      actions.replaceChildren(name, button("Remember", remember, "main"), button("Cancel", rest));
      name.focus();
    };
    rest();
    return actions;
  }

  #edit(set) {
    const line = this.#lines.get(set.id);
    const done = () => Object.assign(line, { editor: null, text: "" });
    const cancel = () => {
      done();
      this.#draw();
      line.node.querySelector(".actions button").focus();
    };
    line.editor = new Editor(line.node, set, {
      names: this.#names,
      save: (body) => this.#do("PATCH", set, "", body, done),
      cancel,
    });
  }

  async #remember(set, name, done) {
    try {
      await asked(this.#box, `/api/v1/sets/${set.id}/remember`, { method: "POST", body: { name } });
      this.#say("");
      done();
      this.#remembered();
    } catch (error) {
      this.#say(error.message);
    }
  }

  /** Does it, takes what the box answers for the set, and says why when it was refused. */
  async #do(method, set, after = "", body = undefined, done = () => {}) {
    try {
      const told = await asked(this.#box, `/api/v1/sets/${set.id}${after}`, { method, body });
      const others = (one) => (one.id === set.id ? told : one);
      this.#sets = method === "DELETE" ? this.#sets.filter((one) => one.id !== set.id) : this.#sets.map(others);
      this.#say("");
      done();
      this.#draw();
      this.#lines.get(set.id)?.node.querySelector(".actions button").focus();
    } catch (error) {
      this.#say(error.message);
    }
  }
}
