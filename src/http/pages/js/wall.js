// The wall: a tile for every camera, and which of them get a stream.
//
// While at most four tiles can be seen each is a stream; beyond that all are stills. An opened tile is always a stream,
// and the tiles behind it rest. A hidden page shows, asks and hears nothing.

import { Box } from "./box.js";
import { fitting } from "./feed.js";
import { arrange, fills, STACK_BELOW_PX } from "./layout.js";
import { Exercises } from "./picker.js";
import { Switch } from "./switch.js";
import { Tile } from "./tile.js";
import { Today } from "./today.js";
import { repetitions, since, timeOfDay } from "./words.js";

const STREAMS = 4;
const main = document.getElementById("tiles");
const said = document.getElementById("box");
const news = document.getElementById("news");
const clock = document.getElementById("clock");
const box = new Box("/api/v1/cameras", { events: true });
const tiles = new Map();
const exercises = new Exercises(box);
const today = new Today(box, () => {
  for (const tile of tiles.values()) tile.board.take(today.of(tile.name), Date.now());
});
const skeletons = new Switch(document.getElementById("skeletons"), "skeletons", (on) => {
  for (const tile of tiles.values()) tile.skeletons(on);
});
let opened = null;

const seenTiles = new IntersectionObserver(
  (entries) => {
    for (const { target, intersectionRatio } of entries) {
      tiles.get(target.dataset.camera).visible = intersectionRatio >= 0.1;
    }
    feedAll();
  },
  { threshold: [0, 0.1] },
);

function feedAll() {
  const hidden = document.visibilityState === "hidden";
  const shown = [...tiles.values()].filter((tile) => !hidden && (opened ? tile === opened : tile.visible));
  const mode = shown.filter((tile) => !tile.row.privacy).length <= STREAMS ? "stream" : "stills";
  for (const tile of tiles.values()) {
    const asks = shown.includes(tile) && !tile.row.privacy;
    tile.feed.set(asks ? mode : "off", asks ? fitting(tile.pixels, tile.row.width) : null);
  }
}

function place() {
  const all = [...tiles.values()];
  const style = getComputedStyle(main);
  const width = main.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const height = main.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const aspect = Math.max(4 / 3, Math.min(16 / 9, ...all.map((tile) => tile.aspect)));
  const stack = window.innerWidth < STACK_BELOW_PX;
  const room = { count: all.length, aspect, width, height, gap: parseFloat(style.columnGap) };
  const tile = stack ? { width, height: Math.round(width / aspect) } : arrange(room);
  main.style.setProperty("--tile-width", `${tile.width}px`);
  main.style.setProperty("--tile-height", `${tile.height}px`);
  for (const one of all) one.node.classList.toggle("fills", fills(one.aspect, tile.width / tile.height));
  feedAll();
}

function take(rows) {
  for (const [name, tile] of tiles) {
    if (rows.some((row) => row.name === name)) continue;
    tile.feed.set("off");
    tile.node.remove();
    tiles.delete(name);
  }
  for (const row of rows) {
    if (tiles.has(row.name)) tiles.get(row.name).row = row;
    else add(row);
    tiles.get(row.name).skeletons(skeletons.on);
  }
  document.getElementById("empty").hidden = rows.length > 0;
  skeletons.hidden = !rows.some((row) => row.pose && !row.privacy);
  place();
  follow();
  tell();
  if (rows.some((row) => row.pose)) today.refresh(Date.now());
}

function add(row) {
  const tile = new Tile(box, row, {
    open: () => (location.hash = `camera=${encodeURIComponent(row.name)}`),
    close: shut,
    exercises,
  });
  tiles.set(row.name, tile);
  main.append(tile.node);
  seenTiles.observe(tile.node);
}

/** The address says which tile is open, so a link can and the back button closes it. */
function follow() {
  const name = new URLSearchParams(location.hash.slice(1)).get("camera");
  const wanted = tiles.get(name) ?? null;
  if (wanted === opened) return;
  const before = opened;
  opened = wanted;
  before?.node.classList.remove("opened");
  wanted?.node.classList.add("opened");
  document.body.classList.toggle("has-opened", wanted !== null);
  document.querySelector(".bar").inert = wanted !== null;
  for (const tile of tiles.values()) tile.node.inert = wanted !== null && tile !== wanted;
  (wanted ? wanted.closer : before?.opener)?.focus();
  feedAll();
}

function shut() {
  history.pushState(null, "", location.pathname + location.search);
  follow();
}

function tell() {
  const now = Date.now();
  const told = [...tiles.values()].map((tile) => tile.tell(now)).filter(Boolean);
  if (told.length > 0) news.textContent = told.join(" ");
  clock.textContent = timeOfDay(now);
  clock.dateTime = clock.textContent;
  said.textContent = box.goneSince === null ? "" : `The box does not answer, ${since(box.goneSince, now)}`;
}

box.addEventListener("rows", (event) => take(event.detail));
box.addEventListener("note", ({ detail }) => {
  const tile = tiles.get(detail.camera);
  if (!tile) return;
  Object.assign(tile.row, { connected: detail.connected, has_frame: detail.connected, fault: detail.fault });
  tell();
});
box.addEventListener("state", ({ detail }) => {
  const tile = tiles.get(detail.camera);
  if (tile && (opened ? tile === opened : tile.visible)) tile.heard(detail);
});
box.addEventListener("set_ended", ({ detail }) => {
  const { camera, exercise, reps } = detail;
  today.ended(detail);
  news.textContent = `${camera}: ${exercise ?? "a set"}, ${reps} ${repetitions(reps)}`;
});
box.addEventListener("missed", () => today.refresh(Date.now(), { missed: true }));
box.addEventListener("gone", tell);
box.addEventListener("back", () => {
  exercises.stale();
  today.refresh(Date.now(), { missed: true });
  tell();
});
window.addEventListener("hashchange", follow);
window.addEventListener("popstate", follow);
window.addEventListener("resize", place);
document.addEventListener("visibilitychange", feedAll);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && opened) shut();
});
setInterval(tell, 1000);
tell();
box.run();
