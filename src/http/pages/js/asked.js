// One question to the box and its answer as JSON; a refusal is an error with the box's own sentence.

import { sentence } from "./words.js";

/** What the box answers to `method path`, with `body` if there is one: a blob as it is, all else as JSON. */
export async function asked(box, path, { method = "GET", body, ...more } = {}) {
  const json = () => ({ body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  const told = body === undefined ? {} : body instanceof Blob ? { body } : json();
  const answer = await box.ask(path, { method, ...told, ...more }).catch(() => {
    throw new Error("The box does not answer.");
  });
  const value = await answer.json().catch(() => null);
  if (answer.ok) return value;
  throw new Error(sentence(value?.detail) || `The box answers with an error (${answer.status}).`);
}
