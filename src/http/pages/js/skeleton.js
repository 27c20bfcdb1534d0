// Draws people as skeletons on a canvas: bones, the followed athlete with his number, the angle of his joint that works,
// the station's zone. It draws what a `state` event says and nothing else.
//
// Every line is bright over a wider dark one, so that it shows on a white wall and on a black mat; the athlete differs by
// width and number as well as by colour.

/** The lines between points; the order of the points is COCO's. */
export const BONES = [
  [15, 13], [13, 11], [16, 14], [14, 12], [11, 12], [5, 11], [6, 12], [5, 6],
  [5, 7], [7, 9], [6, 8], [8, 10], [0, 1], [0, 2], [1, 3], [2, 4],
];
/** Points the model is less sure of than this are not drawn, nor the bones that end there. */
export const SURE = 0.3;
export const COLOURS = { athlete: "#ffd60a", other: "#f2f6f8", angle: "#35e0ff", casing: "rgb(0 0 0 / 80%)", zone: "#ffffff" };
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
const FACE = 5;

/**
 * Draws on the whole of `context`'s canvas. `seen`: `{width, height, poses, athlete, angle}` or null; `zone`: corners as
 * shares, or null; `dot`: device pixels of a CSS pixel; `cut`: pixels `[across, down]` of each edge that cannot be seen.
 */
export function draw(context, seen, { zone, dot, cut }) {
  const { width, height } = context.canvas;
  context.clearRect(0, 0, width, height);
  context.lineCap = context.lineJoin = "round";
  if (zone) outline(context, zone.map(([x, y]) => [x * width, y * height]), dot);
  if (!seen || !(seen.width > 0 && seen.height > 0)) return;
  const [across, down] = [width / seen.width, height / seen.height];
  const people = seen.poses.map(({ bbox, keypoints }) => ({
    top: [((bbox[0] + bbox[2]) / 2) * across, bbox[1] * down],
    size: (bbox[3] - bbox[1]) * down,
    points: keypoints.map(([x, y, sure]) => (sure >= SURE ? [x * across, y * down] : null)),
  }));
  const athlete = people[seen.athlete?.pose ?? -1] ?? null;
  for (const person of people) if (person !== athlete) bones(context, person, COLOURS.other, thickness(context, person, dot));
  if (!athlete) return;
  const thick = 1.4 * thickness(context, athlete, dot);
  const text = { size: textSize(context, athlete, dot), cut };
  bones(context, athlete, COLOURS.athlete, thick);
  if (seen.angle) arc(context, athlete, seen.angle, thick, text);
  write(context, `#${seen.athlete.id}`, athlete.top, text, COLOURS.athlete);
}

/** Thin for those far away, and never thinner than can be seen. */
function thickness({ canvas }, { size }, dot) {
  return Math.max(2 * dot, Math.min(size / 90, canvas.height / 110));
}

function textSize({ canvas }, { size }, dot) {
  return Math.max(15 * dot, Math.min(size / 11, canvas.height / 15));
}

/** Strokes `path` dark and wide, then bright. */
function cased(context, path, colour, width, casing = width + Math.max(3, width * 0.9)) {
  for (const [stroke, line] of [[COLOURS.casing, casing], [colour, width]]) {
    [context.strokeStyle, context.lineWidth] = [stroke, line];
    context.beginPath();
    path();
    context.stroke();
  }
}

function bones(context, { points }, colour, width) {
  const drawn = BONES.map(([a, b]) => [points[a], points[b], a < FACE && b < FACE]).filter(([a, b]) => a && b);
  // All bones of a kind in one path, so that no casing lies over a bone that was drawn before.
  for (const face of [true, false]) {
    const path = () => {
      for (const [a, b] of drawn.filter((bone) => bone[2] === face)) {
        context.moveTo(...a);
        context.lineTo(...b);
      }
    };
    cased(context, path, colour, face ? width * 0.6 : width);
  }
  for (const [x, y] of points.slice(FACE).filter(Boolean)) {
    disc(context, x, y, width * 1.15 + 1.5, COLOURS.casing);
    disc(context, x, y, width * 1.15, colour);
  }
}

function disc(context, x, y, radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

function arc(context, person, angle, width, text) {
  const [end, hinge, other] = angle.points.map((n) => person.points[n]);
  if (!end || !hinge || !other) return;
  const towards = ([x, y]) => Math.atan2(y - hinge[1], x - hinge[0]);
  const length = ([x, y]) => Math.hypot(x - hinge[0], y - hinge[1]);
  const from = towards(end);
  // The inner side: never more than half a turn.
  const turn = Math.atan2(Math.sin(towards(other) - from), Math.cos(towards(other) - from));
  const radius = Math.max(4 * width, 0.45 * Math.min(length(end), length(other)));
  cased(context, () => context.arc(...hinge, radius, from, from + turn, turn < 0), COLOURS.angle, width);
  const middle = from + turn / 2;
  const away = radius + 1.3 * text.size;
  const at = [hinge[0] + Math.cos(middle) * away, hinge[1] + Math.sin(middle) * away + text.size * 0.75];
  write(context, `${Math.round(angle.deg)}°`, at, text, COLOURS.angle);
}

/** Text above the point, pushed back to where it can be seen. */
function write(context, text, [x, y], { size, cut }, colour) {
  const { width, height } = context.canvas;
  context.font = `700 ${size}px ${FONT}`;
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  const half = context.measureText(text).width / 2 + size / 4;
  const inside = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
  const at = [
    inside(x, cut[0] + half, width - cut[0] - half),
    inside(y - size * 0.4, cut[1] + size * 1.1, height - cut[1] - size * 0.3),
  ];
  [context.strokeStyle, context.lineWidth] = [COLOURS.casing, size * 0.28];
  context.strokeText(text, ...at);
  context.fillStyle = colour;
  context.fillText(text, ...at);
}

/** Where the athlete stands: faint, for it is always there. */
function outline(context, corners, dot) {
  const path = () => {
    corners.forEach(([x, y], n) => (n === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    context.closePath();
  };
  context.save();
  context.globalAlpha = 0.1;
  context.fillStyle = COLOURS.zone;
  context.beginPath();
  path();
  context.fill();
  context.globalAlpha = 0.55;
  context.setLineDash([8 * dot, 7 * dot]);
  cased(context, path, COLOURS.zone, 1.5 * dot, 3.5 * dot);
  context.restore();
}
