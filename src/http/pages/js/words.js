// Numbers as people say them. Pure functions, no page.

/** How long ago, in a form short enough for a tile: "0.2 s", "12 s", "3 min", "2 h", "4 d". */
export function lasting(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

/** Like `lasting`, without tenths: for what is told rather than measured. */
export function roughly(ms) {
  return ms < 9950 ? `${Math.max(1, Math.round(ms / 1000))} s` : lasting(ms);
}

const two = (n) => String(n).padStart(2, "0");

/** The time of day, "14:03". */
export function timeOfDay(ms) {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** "since 14:03, for 3 min"; with the day when it was not today. */
export const since = (ms, now) => `since ${moment(ms, now)}, for ${roughly(now - ms)}`;

/** "14:03"; with the day when it is not today. */
export function moment(ms, now) {
  const from = new Date(ms);
  const today = from.toDateString() === new Date(now).toDateString();
  const day = today ? "" : `${from.toLocaleDateString("en", { day: "numeric", month: "short" })}, `;
  return `${day}${timeOfDay(ms)}`;
}

/** "15 fps", "0.5 fps"; nothing while it is not known. */
export function rate(fps) {
  if (!Number.isFinite(fps) || fps <= 0) return "";
  return `${fps >= 9.95 ? Math.round(fps) : fps.toFixed(1)} fps`;
}

/** A sentence of the box as a sentence of a page: a capital first, a full stop last. */
export function sentence(text) {
  const told = String(text ?? "").trim();
  if (!told) return "";
  // A path or a name at the head keeps its spelling.
  const first = told.split(/\s/)[0];
  const begun = /^[a-z]+$/.test(first) ? told[0].toUpperCase() + told.slice(1) : told;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** "1.2 MB". */
export function bytes(n) {
  if (!Number.isFinite(n)) return "";
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? n : n.toFixed(1)} ${units[unit]}`;
}

/** What a `state` event has seen, in words, for those who do not see it; nothing when nothing is drawn. */
export function inWords(seen) {
  if (!seen) return [];
  const { poses, athlete, angle } = seen;
  const told = [poses.length === 1 ? "1 person" : `${poses.length} people`];
  if (athlete) told.push(`athlete ${athlete.id} is followed`);
  if (athlete && angle) told.push(`${angle.joint.replace("_", " ")} ${Math.round(angle.deg)} degrees`);
  return told;
}

/** "0:07", "12:30". */
export function minutes(ms) {
  const s = Math.floor(Math.max(0, ms) / 1000);
  return `${Math.floor(s / 60)}:${two(s % 60)}`;
}

/** The word after a number of them. */
export const repetitions = (n) => (n === 1 ? "repetition" : "repetitions");

/** The tempo of a repetition as lifters write it, in whole seconds in the order of its phases, and in words. */
export function tempo({ go_s, hold_s, back_s, pause_s }) {
  const all = [go_s, hold_s, back_s, pause_s].map((s) => Math.max(0, Math.round(s)));
  const [go, hold, back, pause] = all;
  return { short: all.join("-"), long: `Tempo: ${go} s there, ${hold} s held, ${back} s back, ${pause} s pause` };
}
