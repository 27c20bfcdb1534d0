// Sets of the log beside those that were told and are not written yet. Pure functions, no page.

/** The log and the event may round the end of a set apart by this, in ms. */
const SAME_MS = 2000;

/** The first moment of the day of `ms`. */
export const dayOf = (ms) => new Date(ms).setHours(0, 0, 0, 0);

/**
 * Those of `told`, data of `set_ended` events, that the log's `rows`, which began at `since` or later, do not have yet. The
 * sets of a camera are written in their order: one that is not there when a later one is was deleted.
 */
export const unwritten = (told, rows, since = 0) =>
  told.filter(
    (set) =>
      set.started_ms >= since &&
      !rows.some((row) => row.camera === set.camera && row.ended_ms >= set.ended_ms - SAME_MS),
  );

/** The sets of one camera, the newest first. */
export const ofCamera = (camera, told, rows) =>
  [...told, ...rows].filter((row) => row.camera === camera).sort((a, b) => b.ended_ms - a.ended_ms);
