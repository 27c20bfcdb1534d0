// One stream of one camera, read until it ends.
//
// Two loops with one slot between them, like the box's own mailbox: the reader takes every part off the wire at once,
// the shower decodes the newest and skips what it had no time for. So a slow device shows fewer pictures, never old ones.

import { limit } from "./pause.js";
import { parts, timestamp } from "./multipart.js";

/** The box could not give this stream; `status` says why. */
export class Refused extends Error {
  constructor(status) {
    super(`the box refuses the stream (${status})`);
    this.status = status;
  }
}

/**
 * Shows the stream at `url` through `show({bitmap, frameId, takenMs})` until it ends, `signal` is raised or nothing
 * has come for `stallMs`. Throws `Refused`, or what the network says.
 */
export async function watch(box, url, { show, signal, stallMs }) {
  const control = new AbortController();
  const stop = () => control.abort();
  signal.addEventListener("abort", stop);
  let alarm = setTimeout(stop, stallMs);
  try {
    const answer = await box.ask(url, { timeout: 0, signal: control.signal });
    if (!answer.ok || !answer.body) throw new Refused(answer.status);
    const slot = newestOf(async (part) => {
      const bitmap = await createImageBitmap(new Blob([part.bytes], { type: "image/jpeg" }));
      if (control.signal.aborted) return bitmap.close();
      const takenMs = box.clock.here(timestamp(part.fields.get("x-timestamp")));
      show({ bitmap, frameId: Number(part.fields.get("x-frame-id")), takenMs });
    });
    for await (const part of parts(answer.body)) {
      clearTimeout(alarm);
      alarm = setTimeout(stop, stallMs);
      slot(part);
    }
  } finally {
    clearTimeout(alarm);
    signal.removeEventListener("abort", stop);
    stop();
  }
}

/** A still: `show` as above when there is a new one. Returns its tag, for the next question. */
export async function still(box, url, { show, signal, tag }) {
  const headers = tag ? { "If-None-Match": tag } : {};
  const answer = await box.ask(url, { headers, signal: limit(8000, signal) });
  if (answer.status === 304) return tag;
  if (!answer.ok) throw new Refused(answer.status);
  const frameId = Number(answer.headers.get("X-Frame-Id"));
  const takenMs = Date.now() - Number(answer.headers.get("X-Frame-Age-Ms") ?? 0);
  const bitmap = await createImageBitmap(await answer.blob());
  if (signal.aborted) bitmap.close();
  else show({ bitmap, frameId, takenMs });
  return answer.headers.get("ETag");
}

/** Hands `work` the newest of what it is given, one at a time. What cannot be shown is skipped: the next is near. */
function newestOf(work) {
  let newest = null;
  let busy = false;
  return async (thing) => {
    newest = thing;
    if (busy) return;
    busy = true;
    while (newest) {
      const next = newest;
      newest = null;
      await work(next).catch(() => {});
    }
    busy = false;
  };
}
