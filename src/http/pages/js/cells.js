// What a row of the log says of a set: what counts, and below it in small what the machine saw where that is something else.

import { button, el } from "./parts.js";
import { moment } from "./words.js";

/** `ahead`: how many ms the box's clock is ahead; `show(set)` opens its picture. */
export function cells(set, ahead, show) {
  const cell = (name, children) => el("td", { className: name, children: [children].flat() });
  const machine = (text) => (text ? el("span", { className: "machine", text }) : "");
  const counted = [set.reps_human !== null ? `counted ${set.reps_machine}` : "", set.recount !== set.reps_machine ? `recount ${set.recount}` : ""];
  const recognised = set.exercise_human !== null ? `${set.chosen ? "chosen" : "recognised"}: ${set.exercise_machine ?? "nothing"}` : "";
  const state = set.pending ? "to be confirmed" : set.confirmed_ms !== null ? "confirmed" : "";
  const when = { good: "", unsure: "clock not set yet", lost: "time lost" }[set.clock];
  return [
    cell("thumb", set.picture ? thumb(set, show) : ""),
    cell("when", [moment(set.started_ms - ahead, Date.now()), machine(when)]),
    cell("camera", set.camera),
    cell("exercise", [set.exercise ?? "Unknown", machine(recognised)]),
    cell("reps number", [String(set.reps), machine(counted.filter(Boolean).join(", "))]),
    cell("weight number", set.weight === null ? "" : String(set.weight)),
    cell("note", set.note ?? ""),
    cell("sure number", `${Math.round(set.confidence * 100)} %`),
    cell(`state ${set.pending ? "warn" : "good"}`, state),
  ];
}

function thumb(set, show) {
  const open = button("", () => show(set), "picture");
  open.setAttribute("aria-label", `Picture of set ${set.id}`);
  const image = el("img");
  [image.alt, image.loading, image.src] = ["", "lazy", `/api/v1/snapshots/${set.picture}`];
  image.addEventListener("error", () => open.remove());
  open.append(image);
  return open;
}
