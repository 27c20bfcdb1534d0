// Draws the traces of all cameras on the admin page: the line of the angle, and for each repetition a band as long as it
// took with its number at the turn.

import { el } from "./parts.js";
import { SPAN_MS, Trace } from "./trace.js";
import { repetitions } from "./words.js";

/** A line is broken where no angle came for so long. */
const GAP_MS = 700;
const MARGIN = { top: 26, bottom: 20, side: 40 };

export class Traces {
  #place;
  #all = new Map();
  #asked = false;

  constructor(place) {
    this.#place = place;
  }

  /** The cameras that are looked at. */
  take(names) {
    for (const [name, { figure }] of this.#all) {
      if (names.includes(name)) continue;
      figure.remove();
      this.#all.delete(name);
    }
    for (const name of names) if (!this.#all.has(name)) this.#all.set(name, this.#make(name));
  }

  rep(note) {
    this.#all.get(note.camera)?.trace.rep(note);
  }

  state(seen) {
    const one = this.#all.get(seen.camera);
    if (!one) return;
    one.trace.state(seen, Date.now());
    one.seen = seen;
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      for (const each of this.#all.values()) this.#draw(each);
    });
  }

  #make(name) {
    const canvas = el("canvas");
    canvas.setAttribute("role", "img");
    const said = el("figcaption", { text: name });
    const figure = el("figure", { className: "trace", children: [said, canvas] });
    figure.dataset.camera = name;
    this.#place.append(figure);
    return { name, canvas, said, figure, trace: new Trace(), seen: null };
  }

  #draw({ name, canvas, said, figure, trace, seen }) {
    const angle = seen?.angle;
    const now = angle ? `${angle.joint.replace("_", " ")} ${Math.round(angle.deg)}°` : "nobody is followed";
    said.textContent = `${name}: ${now}`;
    canvas.setAttribute("aria-label", `${said.textContent}, ${trace.reps.length} ${repetitions(trace.reps.length)} in the last half minute`);
    figure.dataset.reps = trace.reps.map(({ n }) => n).join(" ");
    const dot = window.devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * dot)) [canvas.width, canvas.height] = [Math.round(width * dot), Math.round(height * dot)];
    const context = canvas.getContext("2d");
    context.setTransform(dot, 0, 0, dot, 0, 0);
    context.clearRect(0, 0, width, height);
    const end = Date.now();
    const [low, high] = trace.range;
    const x = (at) => MARGIN.side + (1 - (end - at) / SPAN_MS) * (width - MARGIN.side - 10);
    const y = (deg) => MARGIN.top + ((high - deg) / (high - low)) * (height - MARGIN.top - MARGIN.bottom);
    const style = getComputedStyle(canvas);
    const colour = (variable) => style.getPropertyValue(variable).trim();
    context.font = `12px ${style.fontFamily}`;
    frame(context, { width, height, x, y, low, high, end, colours: { line: colour("--line"), soft: colour("--soft") } });
    bands(context, trace, { x, y, height, colours: { live: colour("--live"), text: colour("--text") } });
    line(context, trace.points, x, y, colour("--focus"));
  }
}

function frame(context, { width, height, x, y, low, high, end, colours }) {
  const step = high - low > 90 ? 45 : high - low > 40 ? 20 : 10;
  [context.strokeStyle, context.fillStyle, context.lineWidth] = [colours.line, colours.soft, 1];
  context.textAlign = "right";
  for (let deg = Math.ceil(low / step) * step; deg <= high; deg += step) {
    context.beginPath();
    context.moveTo(MARGIN.side, y(deg));
    context.lineTo(width - 10, y(deg));
    context.stroke();
    context.fillText(`${deg}°`, MARGIN.side - 6, y(deg) + 4);
  }
  context.textAlign = "center";
  for (const s of [25, 20, 15, 10, 5]) context.fillText(`-${s} s`, x(end - 1000 * s), height - 4);
}

function bands(context, trace, { x, y, height, colours }) {
  for (const { n, start, turn, end } of trace.reps) {
    const left = Math.max(x(start), MARGIN.side);
    if (x(end) <= left) continue;
    context.fillStyle = colours.live;
    context.globalAlpha = 0.16;
    context.fillRect(left, MARGIN.top, x(end) - left, height - MARGIN.top - MARGIN.bottom);
    context.globalAlpha = 1;
    const deg = trace.at(turn);
    if (deg === null || x(turn) < MARGIN.side) continue;
    context.beginPath();
    context.arc(x(turn), y(deg), 5, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = colours.text;
    context.textAlign = "center";
    context.fillText(String(n), x(turn), MARGIN.top - 8);
  }
}

function line(context, points, x, y, colour) {
  [context.strokeStyle, context.lineWidth, context.lineJoin] = [colour, 2, "round"];
  context.beginPath();
  points.forEach(({ at, deg, joint }, n) => {
    const before = points[n - 1];
    const broken = !before || before.joint !== joint || at - before.at > GAP_MS;
    if (broken) context.moveTo(x(at), y(deg));
    else context.lineTo(x(at), y(deg));
  });
  context.stroke();
}
