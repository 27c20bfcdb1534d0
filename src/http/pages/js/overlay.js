// The canvas over a tile's picture: as sharp as the screen, of the picture's shape, framed and cut as the picture is.
//
// Its own pixels are those of the screen rather than of the picture, whose width follows the tile in a few steps.

import { draw } from "./skeleton.js";

const PIXELS_ACROSS = 1920;

export class Overlay {
  /** The station's corners as shares of the picture, or null. */
  zone = null;
  #on = true;
  #node;
  #context;
  #shown = null;
  #room = { width: 0, height: 0 };

  constructor(node) {
    this.#node = node;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "skeleton";
    // What it shows is in words in the label of the picture.
    this.canvas.setAttribute("aria-hidden", "true");
    this.#context = this.canvas.getContext("2d");
    new ResizeObserver(([{ contentRect }]) => {
      this.#room = contentRect;
      this.#draw();
    }).observe(node);
  }

  /** Whether anything is drawn. */
  set on(on) {
    if (on === this.#on) return;
    this.#on = on;
    this.#draw();
  }

  /** Shows what was `seen`, as a `state` event has it; null: nobody, and nothing but the zone. */
  show(seen, aspect) {
    this.#shown = { seen, aspect };
    this.#draw();
  }

  /** Takes everything away. */
  clear() {
    if (this.#shown === null) return;
    this.#shown = null;
    this.#draw();
  }

  /** What is drawn now, or null. */
  get seen() {
    return (this.#on && this.#shown?.seen) || null;
  }

  #draw() {
    const { seen, aspect } = this.#shown ?? { seen: null, aspect: 16 / 9 };
    const room = [this.#room.width, this.#room.height];
    const fills = this.#node.classList.contains("fills") && !this.#node.classList.contains("opened");
    const across = (fills ? Math.max : Math.min)(room[0], room[1] * aspect);
    const dot = Math.min(window.devicePixelRatio, PIXELS_ACROSS / Math.max(across, 1));
    const size = [Math.max(16, Math.round(across * dot)), Math.max(9, Math.round((across / aspect) * dot))];
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) [this.canvas.width, this.canvas.height] = size;
    const cut = room.map((length, n) => Math.max(0, (size[n] - length * dot) / 2));
    const drawn = this.#on && this.#shown !== null;
    draw(this.#context, drawn ? seen : null, { zone: drawn ? this.zone : null, dot, cut });
    if (drawn && seen) this.#node.dataset.pose = seen.frame_id;
    else delete this.#node.dataset.pose;
  }
}
