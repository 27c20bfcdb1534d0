// The inside of the box, every 2 s while the page can be seen; and what one may change in it: the log, the thresholds, the
// recorded exercises.
//
// The report grows with the box: what is missing in it is left out here.

import { Box } from "./box.js";
import { Log } from "./log.js";
import { el, facts, table, when } from "./parts.js";
import { Exercises } from "./picker.js";
import { Recorded } from "./recorded.js";
import { Recorder } from "./recorder.js";
import { Sinks } from "./sinks.js";
import { Traces } from "./traces.js";
import { Tune } from "./tune.js";
import { bytes, lasting, moment, rate, sentence, since } from "./words.js";

const LOG_EVERY_MS = 30_000;
const box = new Box("/api/v1/admin", { events: true });
const section = (name) => document.querySelector(`[data-section="${name}"]`);
const exercises = new Exercises(box);
const picture = document.getElementById("picture");
const recorded = new Recorded(box, section("recorded"));
const recorder = new Recorder(box, section("recorded"), document.getElementById("recording"), { names: () => exercises.names(), done: remembered });
const log = new Log(box, section("log"), { names: () => exercises.names(), show, remembered });
const tune = new Tune(box, section("thresholds"));
const sinks = new Sinks(box, section("sinks"));
const traces = new Traces(document.getElementById("traces"));
let written = { sets: null, at: -Infinity };
const said = document.getElementById("box");
const put = (id, data, build) => when(document.getElementById(id), data, build);
const cores = (list) => (Array.isArray(list) ? (list.length > 0 ? list.join(", ") : "any") : (list ?? ""));
/** "NoBuffer" as "no buffer". */
const plain = (name) => name.replace(/([a-z])([A-Z])/g, "$1 $2").replaceAll("_", " ").toLowerCase();

/** Which engine looks, and why it is not a faster one. */
function engine(row) {
  if (row.engine === "off") return "off: nobody is looked for";
  return row.engine_why ? `${row.engine}: ${row.engine_why}` : row.engine;
}

function camera(row, model) {
  const lost = !row.connected;
  const size = row.width > 0 ? `${row.width} x ${row.height}` : null;
  const faults = [row.fault && faultText(row.fault), row.pose_fault && sentence(row.pose_fault)].filter(Boolean);
  const fault = faults.map((text) => el("p", { className: "fault", text }));
  const looks = row.engine && row.engine !== "off";
  return el("article", {
    className: lost ? "card lost" : "card",
    children: [
      el("h3", { text: row.name }),
      el("p", { className: "source", text: row.source }),
      ...fault,
      el("dl", {
        className: "facts",
        children: facts([
          ["picture", size],
          ["rate", rate(row.fps)],
          ["newest frame", row.has_frame ? row.frame_id : "none"],
          ["its age", row.frame_age_ms === null ? null : lasting(row.frame_age_ms)],
          ["decoder", row.decoder],
          ["encoder", row.encoder_why ? `${row.encoder}: ${row.encoder_why}` : row.encoder],
          ["pose engine", engine(row)],
          ["model", looks ? model?.split("/").pop() : null],
          ["poses", looks ? rate(row.pose_fps) : null],
          ["one look", Number.isFinite(row.infer_ms) ? `${row.infer_ms.toFixed(1)} ms` : null],
          ["shows", row.privacy ? "skeletons only" : null],
          ["encoded", row.encodes],
          ["from the cache", row.cache_hits],
          ["viewers", row.viewers],
          ["captured", row.captured],
          ["opened", row.opens],
          ["lost", row.losses],
        ]),
      }),
    ],
  });
}

const faultText = (fault) => `${sentence(fault.sentence)} (${since(fault.since_ms - box.clock.ahead, Date.now())})`;

function health(thread) {
  const well = thread.health === "well" || thread.health === "starting";
  return { text: String(thread.health), className: well ? "good" : "bad" };
}

function drops(report) {
  const rows = report.cameras ?? [];
  const of = (row) => row.drops ?? report.drops?.[row.name] ?? {};
  const kinds = [...new Set(rows.flatMap((row) => Object.keys(of(row))))];
  const columns = [["camera", (row) => row.name], ...kinds.map((kind) => [plain(kind), (row) => of(row)[kind], true])];
  return kinds.length > 0 ? table(columns, rows) : el("p", { className: "hint", text: "No camera, no drops." });
}

const THREADS = [
  ["thread", (row) => row.name],
  ["id", (row) => row.tid, true],
  ["cores", (row) => cores(row.cores)],
  ["priority", (row) => row.priority ?? "normal"],
  ["last beat", (row) => `${lasting(row.beat_age_ms)} ago`, true],
  ["health", health],
];
const TASKS = [
  ["thread", (row) => row.name],
  ["id", (row) => row.tid, true],
  ["cores", (row) => cores(row.cores)],
];

function heat({ temperatures = [], coolings = [], over_currents: overs = [] }) {
  const pieces = [];
  const zones = [["zone", (row) => row.zone], ["degrees", (row) => `${row.celsius.toFixed(1)} °C`, true]];
  const brakes = [["cooling", (row) => row.device], ["state", (row) => `${row.state} of ${row.max}`, true]];
  const supply = [
    ["supply too weak", (row) => `${row.sensor} ${row.event}`],
    ["times", (row) => `${row.count}`, true],
  ];
  if (temperatures.length > 0) pieces.push(table(zones, temperatures));
  if (coolings.length > 0) pieces.push(table(brakes, coolings));
  if (overs.length > 0) pieces.push(table(supply, overs));
  return pieces.length > 0 ? pieces : el("p", { className: "hint", text: "This machine tells no temperatures." });
}

/** A set's picture, as large as the window allows; Escape closes it. */
function show(set) {
  const image = picture.querySelector("img");
  image.src = `/api/v1/snapshots/${set.picture}`;
  image.alt = `Set ${set.id}: ${set.exercise ?? "unknown"}, ${set.reps}`;
  picture.showModal();
}
picture.addEventListener("click", () => picture.close());

function remembered() {
  exercises.stale();
  recorded.load();
}

/** The log is asked for when a set was written, and now and then for what others corrected. */
function readLog({ log: status }) {
  const [now, sets] = [Date.now(), status?.written ?? null];
  if (sets === written.sets && now - written.at < LOG_EVERY_MS) return;
  written = { sets, at: now };
  log.load();
  remembered();
}

function take(report) {
  said.textContent = "";
  readLog(report);
  const keeps = report.log ?? { fault: "this box keeps no log", waiting: 0 };
  const waits = keeps.waiting > 0 ? `${keeps.waiting} wait to be written.` : "";
  put("log-fault", [sentence(keeps.fault), waits].filter(Boolean).join(" "), (text) => text);
  sinks.take(report.sinks ?? []);
  tune.take(report.thresholds ?? []);
  const looked = (report.cameras ?? []).filter((row) => row.pose).map((row) => row.name);
  traces.take(looked);
  recorder.take(looked);
  put("facts", [
    ["version", report.version],
    ["machine", [report.os, report.arch].filter(Boolean).join(" ")],
    ["kernel", report.kernel],
    ["up for", lasting(report.uptime_s * 1000)],
    ["this start", report.boot_id],
    ["memory", bytes(report.resident_bytes ?? NaN)],
    ["open descriptors", report.open_descriptors],
    ["connections", report.connections],
    ["refused", report.refused],
    ["listeners", report.listeners],
    ["TLS certificate, SHA-256", report.tls?.sha256],
    ["it holds until", report.tls && new Date(report.tls.ends_ms).toLocaleDateString()],
  ], facts);
  put("cameras", report.cameras ?? [], (rows) => rows.map((row) => camera(row, report.config?.pose?.model)));
  put("drops", report, drops);
  put("threads", report.threads ?? [], (rows) => table(THREADS, rows));
  const libraries = report.library_threads ?? (report.tasks ?? []).filter((task) => !task.own);
  put("tasks", libraries, (rows) => table(TASKS, rows));
  put("heat", { temperatures: report.temperatures, coolings: report.coolings }, heat);
  put("config", report.config ?? null, (config) => el("code", { text: JSON.stringify(config, null, 2) }));
}

box.addEventListener("rows", (event) => take(event.detail));
box.addEventListener("state", ({ detail }) => traces.state(detail));
box.addEventListener("rep", ({ detail }) => traces.rep(detail));
box.addEventListener("gone", () => {
  said.textContent = `The box does not answer, ${since(box.goneSince, Date.now())}`;
});
box.run();
