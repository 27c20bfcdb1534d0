// One camera on the wall: its picture, its name, how fresh it is, and on a fault why and since when.
//
// The picture is drawn on a canvas, which keeps the last one when nothing more comes; it is then greyed, with its age.
// A tile says one of: live, late (pictures stay away and nobody knows why), waiting (none yet), fault, gone (the box
// does not answer).

import { Feed } from "./feed.js";
import { lasting, rate, roughly, sentence, since } from "./words.js";

const LATE_MS = 3000;
/** What surrounds a framed picture: the picture itself, this small and drawn this often, so it costs next to nothing. */
const BACKDROP = { width: 16, height: 9, everyMs: 500 };

const make = (tag, className, text = "") => {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
};
/** Text is written only when it differs: a wall runs for months. */
const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

export class Tile {
  row;
  visible = false;
  #takenMs = null;
  #backdropAt = 0;
  #state = "";

  constructor(box, row, { open, close }) {
    this.box = box;
    this.row = row;
    this.name = row.name;
    this.node = make("article", "tile");
    this.node.dataset.camera = row.name;
    this.canvas = make("canvas", "picture");
    this.canvas.setAttribute("role", "img");
    this.context = this.canvas.getContext("2d", { alpha: false });
    const behind = make("canvas", "backdrop");
    [behind.width, behind.height] = [BACKDROP.width, BACKDROP.height];
    behind.setAttribute("aria-hidden", "true");
    this.backdrop = behind.getContext("2d", { alpha: false });
    this.why = make("p", "why");
    this.when = make("p", "when");
    this.old = make("p", "old");
    const veil = make("div", "veil");
    veil.append(this.why, this.when, this.old);
    this.rate = make("span", "rate");
    this.age = make("span", "age");
    const facts = make("p", "facts");
    facts.append(this.rate, this.age);
    const caption = make("div", "caption");
    this.dot = make("span", "dot");
    caption.append(this.dot, make("h2", "name", row.name), facts);
    this.opener = make("button", "opener");
    this.opener.type = "button";
    this.opener.addEventListener("click", open);
    this.closer = make("button", "closer", "Close");
    this.closer.type = "button";
    this.closer.setAttribute("aria-label", `Close ${row.name}`);
    this.closer.addEventListener("click", close);
    this.node.append(behind, this.canvas, veil, caption, this.opener, this.closer);
    this.feed = new Feed(box, row.name, {
      ready: () => box.goneSince === null && this.row.has_frame,
      period: () => this.period,
      show: (picture) => this.#show(picture),
    });
  }

  /** The picture's shape, across by down. */
  get aspect() {
    const { width, height } = this.row;
    return width > 0 && height > 0 ? width / height : 16 / 9;
  }

  /** Milliseconds from one picture of the camera to the next; 0: not known. */
  get period() {
    return this.row.fps > 0 ? 1000 / this.row.fps : 0;
  }

  /** Device pixels across that the picture takes. */
  get pixels() {
    const { width, height } = this.node.getBoundingClientRect();
    return Math.min(width, height * this.aspect) * window.devicePixelRatio;
  }

  #show({ bitmap, frameId, takenMs }) {
    if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) {
      [this.canvas.width, this.canvas.height] = [bitmap.width, bitmap.height];
    }
    this.context.drawImage(bitmap, 0, 0);
    const now = performance.now();
    if (now - this.#backdropAt > BACKDROP.everyMs) {
      this.backdrop.imageSmoothingQuality = "medium";
      this.backdrop.drawImage(bitmap, 0, 0, BACKDROP.width, BACKDROP.height);
      this.#backdropAt = now;
    }
    bitmap.close();
    this.#takenMs = Number.isFinite(takenMs) ? takenMs : Date.now();
    this.node.dataset.frame = frameId;
    if (this.#state !== "live") this.tell(Date.now());
  }

  #stateAt(now) {
    const fresh = this.#takenMs !== null && now - this.#takenMs < Math.max(LATE_MS, 3 * this.period);
    if (this.box.goneSince !== null && !fresh) return "gone";
    if (this.row.fault && !this.row.connected) return "fault";
    if (fresh) return "live";
    return this.#takenMs === null ? "waiting" : "late";
  }

  /** Brings the words up to `now`. Returns a sentence for those who cannot see when the state has changed. */
  tell(now) {
    const state = this.#stateAt(now);
    const age = this.#takenMs === null ? null : now - this.#takenMs;
    const { fault } = this.row;
    const words = {
      live: ["", ""],
      late: ["The picture stands still.", ""],
      waiting: ["Waiting for the first picture.", ""],
      fault: [sentence(fault?.sentence), fault ? since(fault.since_ms - this.box.clock.ahead, now) : ""],
      gone: ["The box does not answer.", since(this.box.goneSince ?? now, now)],
    }[state];
    write(this.why, words[0]);
    write(this.when, words[1]);
    write(this.old, state === "live" || age === null ? "" : `picture ${roughly(age)} old`);
    write(this.rate, state === "live" ? rate(this.row.fps) : "");
    write(this.age, state === "live" ? lasting(age) : "");
    if (state === this.#state) return "";
    this.#state = state;
    this.node.dataset.state = state;
    const label = state === "live" ? "live" : words.filter(Boolean).join(", ");
    this.canvas.setAttribute("aria-label", `${this.name}: ${label}`);
    this.opener.setAttribute("aria-label", `Open ${this.name}, ${label}`);
    this.dot.title = label;
    return `${this.name}: ${label}`;
  }
}
