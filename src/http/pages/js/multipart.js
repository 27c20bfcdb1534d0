// Reads multipart/x-mixed-replace from a fetch body: each part's headers and bytes, as soon as its length is in.
//
// An <img> would show the stream as well, but it tells neither which frame it shows nor how old it is nor that the
// stream has ended. Every part of the box has a Content-Length, so nothing is searched in the picture's bytes. A part
// without one, or longer than any picture, ends the reading with an error.

const HEAD_BYTES = 4096;
const PART_BYTES = 32 * 1024 * 1024;
const END_OF_HEAD = [13, 10, 13, 10];

/** Bytes as they come, with the part that is not read yet kept in one growing buffer. */
class Intake {
  #buffer = new Uint8Array(256 * 1024);
  #start = 0;
  #end = 0;

  get length() {
    return this.#end - this.#start;
  }

  add(chunk) {
    if (this.#end + chunk.length > this.#buffer.length) {
      const held = this.#buffer.subarray(this.#start, this.#end);
      const wanted = held.length + chunk.length;
      const room = wanted * 2 > this.#buffer.length ? new Uint8Array(wanted * 2) : this.#buffer;
      if (room === this.#buffer) room.copyWithin(0, this.#start, this.#end);
      else room.set(held);
      [this.#buffer, this.#start, this.#end] = [room, 0, held.length];
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Where the head that begins here ends; -1: not in yet. */
  endOfHead() {
    const bytes = this.#buffer;
    const last = Math.min(this.#end, this.#start + HEAD_BYTES) - END_OF_HEAD.length;
    for (let at = this.#start; at <= last; at += 1) {
      if (END_OF_HEAD.every((byte, i) => bytes[at + i] === byte)) return at - this.#start + END_OF_HEAD.length;
    }
    return -1;
  }

  /** A copy of the next `n` bytes, which are then gone from here. */
  take(n) {
    const taken = this.#buffer.slice(this.#start, this.#start + n);
    this.#start += n;
    return taken;
  }
}

function fieldsOf(head) {
  const fields = new Map();
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return fields;
}

/** Seconds since 1970 with a fraction, or RFC 3339; in ms, NaN when it is neither. */
export function timestamp(text) {
  if (/^\d+(\.\d+)?$/.test(text ?? "")) return Number(text) * 1000;
  return Date.parse(text ?? "");
}

/** Yields `{fields, bytes}` for every part until the stream ends. */
export async function* parts(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder("latin1");
  const intake = new Intake();
  const more = async () => {
    const { value, done } = await reader.read();
    if (!done) intake.add(value);
    return !done;
  };
  try {
    for (;;) {
      let head = intake.endOfHead();
      while (head < 0) {
        if (intake.length >= HEAD_BYTES) throw new Error("a part of the stream has no end of its head");
        if (!(await more())) return;
        head = intake.endOfHead();
      }
      const fields = fieldsOf(decoder.decode(intake.take(head)));
      const length = Number(fields.get("content-length") ?? NaN);
      if (!(length >= 0 && length <= PART_BYTES)) throw new Error("a part of the stream has no fitting length");
      while (intake.length < length) if (!(await more())) return;
      yield { fields, bytes: intake.take(length) };
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
