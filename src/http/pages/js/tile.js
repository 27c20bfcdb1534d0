// One camera on the wall: its picture, its name, how fresh it is, and on a fault why and since when.
//
// The picture is drawn on a canvas, which keeps the last one when nothing more comes; it is then greyed, with its age.
// A tile says one of: live, late (pictures stay away and nobody knows why), waiting (none yet), fault, gone (the box
// does not answer). Over a live picture lies the skeleton of the same frame; pairs.js has the rule. A camera that shows
// no pictures, only skeletons, is never asked for one: its skeletons stand on plain ground. board.js has what is counted.

import { Board } from "./board.js";
import { Canvas } from "./canvas.js";
import { Feed } from "./feed.js";
import { make, write } from "./nodes.js";
import { Overlay } from "./overlay.js";
import { Pairs } from "./pairs.js";
import { inWords, lasting, rate, roughly, sentence, since } from "./words.js";

const LATE_MS = 3000;

export class Tile {
  visible = false;
  #row;
  #takenMs = null;
  #state = "";
  #timer = 0;

  constructor(box, row, { open, close, exercises }) {
    this.box = box;
    this.row = row;
    this.name = row.name;
    this.node = make("article", "tile");
    this.node.dataset.camera = row.name;
    this.painted = new Canvas();
    this.canvas = this.painted.node;
    this.why = make("p", "why");
    this.when = make("p", "when");
    this.old = make("p", "old");
    const veil = make("div", "veil");
    veil.append(this.why, this.when, this.old);
    this.rate = make("span", "rate");
    this.age = make("span", "age");
    const facts = make("p", "facts");
    facts.append(make("span", "only", "Skeletons only"), this.rate, this.age);
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
    this.overlay = new Overlay(this.node);
    this.board = new Board(box, row.name, exercises);
    const layers = [veil, caption, this.opener, this.board.node, this.closer];
    this.node.append(this.painted.behind, this.canvas, this.overlay.canvas, ...layers);
    this.pairs = new Pairs({
      show: (picture, pose) => this.#show(picture, pose),
      restate: (pose) => this.overlay.show(pose, this.canvas.width / this.canvas.height),
      drop: ({ bitmap }) => bitmap.close(),
    });
    this.feed = new Feed(box, row.name, {
      ready: () => box.goneSince === null && this.row.has_frame,
      period: () => this.period,
      show: (picture) => {
        this.pairs.picture(picture, performance.now());
        this.#turn();
      },
    });
  }

  get row() {
    return this.#row;
  }

  /** Takes what the box says of the camera. One that shows no pictures from now on loses the last one at once. */
  set row(row) {
    const hides = row.privacy && this.#row && !this.#row.privacy;
    this.#row = row;
    if (hides) this.#blank();
  }

  #blank() {
    this.pairs.clear();
    this.painted.ground(this.aspect, 1);
    this.overlay.clear();
    this.#takenMs = null;
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

  /** Takes a `state` event of this camera. */
  heard(seen) {
    this.board.heard(seen, Date.now());
    if (this.row.privacy) return this.#ground(seen);
    this.pairs.pose(seen, performance.now());
    this.#turn();
  }

  /** Skeletons on or off. A camera that shows nothing else always shows them. */
  skeletons(on) {
    this.overlay.on = this.pairs.waits = on || this.row.privacy;
    this.#turn();
  }

  #turn() {
    clearTimeout(this.#timer);
    this.pairs.periodMs = this.period;
    const wait = this.pairs.turn(performance.now());
    if (Number.isFinite(wait)) this.#timer = setTimeout(() => this.#turn(), Math.ceil(wait));
  }

  /** A skeleton without a picture: plain ground of the camera's shape. */
  #ground(seen) {
    this.painted.ground(seen.width, seen.height);
    this.#takenMs = Date.now() - seen.age_ms;
    this.overlay.show(seen, seen.width / seen.height);
    if (this.#state !== "live") this.tell(Date.now());
  }

  #show({ bitmap, frameId, takenMs }, pose) {
    // It was on its way when the camera was told to show none.
    if (this.row.privacy) return bitmap.close();
    this.painted.show(bitmap, performance.now());
    this.overlay.show(pose, bitmap.width / bitmap.height);
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
      late: [this.row.privacy ? "No skeletons come." : "The picture stands still.", ""],
      waiting: [`Waiting for the first ${this.row.privacy ? "skeletons" : "picture"}.`, ""],
      fault: [sentence(fault?.sentence), fault ? since(fault.since_ms - this.box.clock.ahead, now) : ""],
      gone: ["The box does not answer.", since(this.box.goneSince ?? now, now)],
    }[state];
    write(this.why, words[0]);
    write(this.when, words[1]);
    write(this.old, state === "live" || age === null ? "" : `${this.row.privacy ? "skeletons" : "picture"} ${roughly(age)} old`);
    write(this.rate, state === "live" ? rate(this.row.fps) : "");
    write(this.age, state === "live" ? lasting(age) : "");
    this.overlay.zone = this.row.zone ?? null;
    this.board.hidden = !this.row.pose;
    this.board.tell(now);
    this.node.classList.toggle("private", Boolean(this.row.privacy));
    if (state !== "live") this.overlay.clear();
    if (state === "fault" || state === "gone") this.pairs.clear();
    const told = state === "live" ? ["live", ...inWords(this.overlay.seen)] : words;
    const picture = `${this.name}: ${told.filter(Boolean).join(", ")}`;
    if (this.canvas.getAttribute("aria-label") !== picture) this.canvas.setAttribute("aria-label", picture);
    if (state === this.#state) return "";
    this.#state = state;
    this.node.dataset.state = state;
    const label = state === "live" ? "live" : words.filter(Boolean).join(", ");
    this.opener.setAttribute("aria-label", `Open ${this.name}, ${label}`);
    this.dot.title = label;
    return `${this.name}: ${label}`;
  }
}
