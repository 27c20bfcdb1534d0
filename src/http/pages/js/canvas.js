// What a tile is painted on: the picture, a small copy of it that surrounds it, and plain ground where none is shown.

import { make } from "./nodes.js";

/** What surrounds a framed picture: the picture itself, this small and drawn this often, so it costs next to nothing. */
const BACKDROP = { width: 16, height: 9, everyMs: 500 };
/** What stands in for the picture of a camera that shows none. */
const GROUND = { across: 320, colour: "#1c242b" };

export class Canvas {
  #backdropAt = 0;

  constructor() {
    this.node = make("canvas", "picture");
    this.node.setAttribute("role", "img");
    this.context = this.node.getContext("2d", { alpha: false });
    this.behind = make("canvas", "backdrop");
    [this.behind.width, this.behind.height] = [BACKDROP.width, BACKDROP.height];
    this.behind.setAttribute("aria-hidden", "true");
    this.backdrop = this.behind.getContext("2d", { alpha: false });
  }

  #size(width, height) {
    if (this.node.width === width && this.node.height === height) return;
    [this.node.width, this.node.height] = [width, height];
  }

  /** A picture. */
  show(bitmap, now) {
    this.#size(bitmap.width, bitmap.height);
    this.context.drawImage(bitmap, 0, 0);
    if (now - this.#backdropAt <= BACKDROP.everyMs) return;
    this.backdrop.imageSmoothingQuality = "medium";
    this.backdrop.drawImage(bitmap, 0, 0, BACKDROP.width, BACKDROP.height);
    this.#backdropAt = now;
  }

  /** Plain ground of the shape of `width` by `height`; the picture that was there is gone, also behind. */
  ground(width, height) {
    this.#size(GROUND.across, Math.round((GROUND.across * height) / width));
    for (const context of [this.context, this.backdrop]) {
      context.fillStyle = GROUND.colour;
      context.fillRect(0, 0, context.canvas.width, context.canvas.height);
    }
  }
}
