// Small pieces of the wall. Text only, never HTML.

/** An element of this class with this text. */
export const make = (tag, className, text = "") => {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
};

/** Text is written only when it differs: a wall runs for months. */
export const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/** The same for an attribute; nothing takes it away. */
export const label = (node, name, value) => {
  if (!value) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
};
