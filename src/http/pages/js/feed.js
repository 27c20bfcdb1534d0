// What brings one tile its pictures: a stream, stills once a second, or nothing. It repairs itself for as long as it runs.
//
// The page gives at most four feeds the mode `stream`; stills of all tiles share four places. With the events and the
// questions of box.js that makes the six connections that a browser opens to one host.

import { gate, jittered, pause, seen } from "./pause.js";
import { Refused, still, watch } from "./stream.js";

const STILLS_EVERY_MS = 1000;
const STREAM_FPS = 15;
const STALL_MS = 6000;
const FULL_HOUSE_MS = 10000;
/** With the camera's full size these are four variants, as many as the box keeps of one camera. */
const WIDTHS = [320, 640, 1280];

const oneOfFour = gate(4);

/** The width to ask for so that `px` device pixels look sharp; null: the camera's own. */
export function fitting(px, cameraWidth) {
  return WIDTHS.find((width) => width >= px * 0.9 && width < cameraWidth) ?? null;
}

export class Feed {
  /** `off`, `stream` or `stills`. */
  mode = "off";
  #width = null;
  #running = new AbortController();

  /** `ready()`: whether the camera has a picture to give; `period()`: ms from one to the next; `show(picture)`: takes it. */
  constructor(box, name, { ready, period, show }) {
    this.box = box;
    this.base = `/api/v1/cameras/${encodeURIComponent(name)}`;
    this.ready = ready;
    this.period = period;
    this.show = show;
  }

  /** Goes over to this mode and width; the same as before changes nothing. */
  set(mode, width = null) {
    if (mode === this.mode && width === this.#width) return;
    [this.mode, this.#width] = [mode, width];
    this.#running.abort();
    this.#running = new AbortController();
    if (mode === "stream") this.#stream(this.#running.signal);
    if (mode === "stills") this.#stills(this.#running.signal);
  }

  #url(kind, query = {}) {
    if (this.#width) query.w = this.#width;
    const text = new URLSearchParams(query).toString();
    return `${this.base}/${kind}${text ? `?${text}` : ""}`;
  }

  async #stream(signal) {
    for (let failures = 0; !signal.aborted; failures += 1) {
      await this.#untilReady(signal);
      if (signal.aborted) return;
      const show = (picture) => {
        failures = 0;
        this.show(picture);
      };
      const stallMs = Math.max(STALL_MS, 4 * this.period());
      const url = this.#url("stream", { fps: STREAM_FPS });
      const why = await watch(this.box, url, { show, signal, stallMs }).catch((error) => error);
      if (signal.aborted) return;
      // As many watch as the box allows: stills will do until a place is free.
      if (why instanceof Refused && why.status === 503) await this.#stills(signal, Date.now() + FULL_HOUSE_MS);
      else this.box.hurry();
      await pause(jittered(Math.min(250 * 2 ** failures, 5000)), signal);
    }
  }

  async #stills(signal, until = Infinity) {
    let tag = null;
    // Not all tiles at once, from the first second on.
    await pause(Math.random() * 300, signal);
    while (!signal.aborted && Date.now() < until) {
      await this.#untilReady(signal);
      const began = Date.now();
      await oneOfFour(async () => {
        if (signal.aborted) return;
        tag = await still(this.box, this.#url("snapshot"), { show: this.show, signal, tag });
      }).catch(() => {
        if (!signal.aborted) this.box.hurry();
      });
      await pause(jittered(STILLS_EVERY_MS * 1.1) - (Date.now() - began), signal);
    }
  }

  async #untilReady(signal) {
    while (!signal.aborted && !this.ready()) await pause(200, signal);
    await seen();
  }
}
