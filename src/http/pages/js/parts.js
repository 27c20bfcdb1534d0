// Small pieces of the admin page: a list of facts, a table. Text only, never HTML: what a camera or a config is called
// can do nothing here. A piece is built anew only when what it shows has changed, so a selection or a focus stays.

const shown = new WeakMap();

/** Builds `node`'s children with `build` when `data` differs from the last time. */
export function when(node, data, build) {
  const text = JSON.stringify(data);
  if (shown.get(node) === text) return;
  shown.set(node, text);
  node.replaceChildren(...[build(data)].flat());
}

/** An element with text or children. */
export function el(tag, { className = "", text = "", children = [] } = {}) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== "") node.textContent = text;
  node.append(...children);
  return node;
}

/** A button that does `act`. */
export function button(text, act, className = "") {
  const node = el("button", { text, className });
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

/** `[[what, value]…]` as terms; what has no value is left out. */
export function facts(pairs) {
  const told = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return told.map(([what, value]) =>
    el("div", { children: [el("dt", { text: what }), el("dd", { text: String(value) })] }),
  );
}

/** A table. `columns`: `[title, row => value, {text, className} or the cell itself, isNumber]`. */
export function table(columns, rows) {
  const cells = (row) =>
    columns.map(([, value, isNumber]) => {
      const cell = value(row) ?? "";
      if (cell instanceof Node) return cell;
      const { text, className = "" } = typeof cell === "object" ? cell : { text: String(cell) };
      return el("td", { text, className: [className, isNumber ? "number" : ""].join(" ").trim() });
    });
  const head = columns.map(([title, , isNumber]) => {
    const th = el("th", { text: title, className: isNumber ? "number" : "" });
    th.scope = "col";
    return th;
  });
  return el("table", {
    children: [
      el("thead", { children: [el("tr", { children: head })] }),
      el("tbody", { children: rows.map((row) => el("tr", { children: cells(row) })) }),
    ],
  });
}
