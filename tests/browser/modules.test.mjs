// The scripts of the pages that need no page: reading a stream, arranging tiles, telling times. Read from the source
// tree, so they need neither a box nor a browser.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const SCRIPTS = new URL("../../src/http/pages/js/", import.meta.url);
/** The module as a browser sees it, whatever Node.js takes a `.js` without a package for. It must import nothing. */
const module = async (name) =>
  import(`data:text/javascript,${encodeURIComponent(await readFile(new URL(name, SCRIPTS), "utf8"))}`);

const { parts, timestamp } = await module("multipart.js");
const { arrange, fills } = await module("layout.js");
const { Example } = await module("example.js");
const { Clock } = await module("clock.js");
const { Pairs, HOLD_MS, NEAR_MS, QUIET_MS } = await module("pairs.js");
const { Rest } = await module("rest.js");
const sets = await module("sets.js");
const { SPAN_MS, Trace } = await module("trace.js");
const words = await module("words.js");

/** A body that arrives in these pieces; `ended.why` is set when the reader lets go of it. */
function body(pieces, ended = {}) {
  let at = 0;
  return new ReadableStream({
    pull(control) {
      if (at < pieces.length) control.enqueue(pieces[at++]);
      else control.close();
    },
    cancel() {
      ended.why = "cancelled";
    },
  });
}

const bytes = (text) => new Uint8Array(Buffer.from(text, "latin1"));
const cut = (whole, size) =>
  Array.from({ length: Math.ceil(whole.length / size) }, (_, n) => whole.slice(n * size, (n + 1) * size));
const part = (id, payload, { length = `Content-Length: ${payload.length}\r\n` } = {}) =>
  Buffer.concat([
    Buffer.from(`--frame\r\nContent-Type: image/jpeg\r\n${length}X-Frame-Id: ${id}\r\n\r\n`),
    payload,
    Buffer.from("\r\n"),
  ]);
async function read(stream) {
  const got = [];
  for await (const one of parts(stream)) got.push([Number(one.fields.get("x-frame-id")), [...one.bytes]]);
  return got;
}

// A picture may hold anything: also the boundary, and the end of a head.
const TRICKY = Buffer.from("\xff\xd8--frame\r\nContent-Length: 3\r\n\r\n\x00\xff\xd9", "latin1");
const PLAIN = Buffer.from([0xff, 0xd8, 13, 10, 13, 10, 0xff, 0xd9]);
const STREAM = new Uint8Array(Buffer.concat([part(1, TRICKY), part(2, PLAIN), part(3, Buffer.alloc(0)), part(4, TRICKY)]));
const WHOLE = [[1, [...TRICKY]], [2, [...PLAIN]], [3, []], [4, [...TRICKY]]];

test("a stream is read the same however it is cut, byte by byte too", async () => {
  for (let size = 1; size <= STREAM.length; size += 1) assert.deepEqual(await read(body(cut(STREAM, size))), WHOLE, `${size}`);
});

test("a picture is there with its last byte, before the next boundary", async () => {
  const one = part(1, PLAIN);
  let control;
  const stream = new ReadableStream({ start: (it) => (control = it) });
  control.enqueue(new Uint8Array(one.subarray(0, one.length - 2)));
  const { value, done } = await parts(stream).next();
  assert.equal(done, false);
  assert.deepEqual([...value.bytes], [...PLAIN]);
});

test("pictures larger than the buffer are read whole, many in a row", async () => {
  const large = Buffer.alloc(700_000, 7);
  const stream = new Uint8Array(Buffer.concat(Array.from({ length: 5 }, (_, n) => part(n, large))));
  const got = [];
  for await (const one of parts(body(cut(stream, 65_536)))) got.push([one.fields.get("x-frame-id"), one.bytes.length]);
  assert.deepEqual(got, ["0", "1", "2", "3", "4"].map((id) => [id, large.length]));
});

test("a part without a length, with a bad one or without an end of its head ends the reading", async () => {
  for (const length of ["", "Content-Length: many\r\n", "Content-Length: -1\r\n", "Content-Length: 99999999999\r\n"]) {
    const ended = {};
    const stream = body([new Uint8Array(part(1, PLAIN, { length })), bytes("more")], ended);
    await assert.rejects(read(stream), /no fitting length/, length);
    assert.equal(ended.why, "cancelled");
  }
  await assert.rejects(read(body([bytes("x".repeat(5000)), bytes("more")])), /no end of its head/);
});

test("a stream that ends within a part gives the parts before it", async () => {
  const whole = STREAM.length - part(4, TRICKY).length;
  for (let end = whole; end < STREAM.length - 2; end += 1) {
    assert.deepEqual(await read(body([STREAM.slice(0, end)])), WHOLE.slice(0, 3), `cut at ${end}`);
  }
});

test("a timestamp is seconds or RFC 3339", () => {
  assert.equal(timestamp("1700000000.25"), 1700000000250);
  assert.equal(timestamp("2023-11-14T22:13:20.250Z"), 1700000000250);
  assert.ok(Number.isNaN(timestamp("now")) && Number.isNaN(timestamp(undefined)));
});

test("1 to 16 tiles fit their room, on a TV, on a tablet and upright", () => {
  for (const [width, height] of [[1896, 1016], [1000, 700], [1056, 1856], [700, 300]]) {
    for (let count = 1; count <= 16; count += 1) {
      const gap = 12;
      const aspect = 16 / 9;
      const tile = arrange({ count, aspect, width, height, gap });
      const rows = Math.ceil(count / tile.columns);
      const label = `${count} in ${width} x ${height}: ${JSON.stringify(tile)}`;
      assert.ok(tile.columns * tile.width + (tile.columns - 1) * gap <= width, label);
      assert.ok(rows * tile.height + (rows - 1) * gap <= height, label);
      assert.ok(tile.width > 0 && tile.height > 0, label);
      for (let columns = 1; columns <= count; columns += 1) {
        const down = (height - gap * (Math.ceil(count / columns) - 1)) / Math.ceil(count / columns);
        const across = (width - gap * (columns - 1)) / columns;
        assert.ok(Math.min(across, down * aspect) < tile.picture + 3, `${columns} columns are better: ${label}`);
      }
    }
  }
  const on = (count) => arrange({ count, aspect: 16 / 9, width: 1896, height: 1016, gap: 12 }).columns;
  assert.deepEqual([1, 2, 3, 4, 6, 9, 16].map(on), [1, 2, 2, 2, 3, 3, 4]);
});

test("no tile and no room are no error", () => {
  assert.equal(arrange({ count: 0, aspect: 1.5, width: 100, height: 100, gap: 12 }).columns, 1);
  assert.equal(arrange({ count: 3, aspect: 1.5, width: 0, height: 0, gap: 12 }).columns, 1);
});

test("a picture fills a tile of nearly its shape and is framed in any other", () => {
  assert.ok(fills(16 / 9, 942 / 502) && fills(16 / 9, 1896 / 1016));
  assert.ok(!fills(16 / 9, 942 / 1016) && !fills(4 / 3, 16 / 9) && !fills(9 / 16, 16 / 9));
});

test("ages are short, and never negative", () => {
  const told = [-50, 0, 149, 9940, 9960, 59_999, 60_000, 3_600_000, 172_800_000].map(words.lasting);
  assert.deepEqual(told, ["0.0 s", "0.0 s", "0.1 s", "9.9 s", "9 s", "59 s", "1 min", "1 h", "2 d"]);
  assert.deepEqual([0, 1400, 9940, 12_000].map(words.roughly), ["1 s", "1 s", "10 s", "12 s"]);
});

test("a moment of another day is told with its day", () => {
  const at = new Date(2026, 2, 5, 14, 3).getTime();
  assert.equal(words.since(at, at + 180_000), "since 14:03, for 3 min");
  assert.equal(words.since(at, at + 86_400_000), "since Mar 5, 14:03, for 24 h");
});

test("a rate, a size and a sentence read well", () => {
  assert.deepEqual([0, 0.5, 9.96, 29.97, NaN, undefined].map(words.rate), ["", "0.5 fps", "10 fps", "30 fps", "", ""]);
  assert.deepEqual([12, 1500, 37_100_000, NaN].map(words.bytes), ["12 B", "1.5 kB", "37.1 MB", ""]);
  assert.equal(words.sentence("there is no /dev/none"), "There is no /dev/none.");
  assert.equal(words.sentence("/dev/video0 is busy."), "/dev/video0 is busy.");
  assert.equal(words.sentence(undefined), "");
});

test("the box's clock is found to some milliseconds from dates in whole seconds", () => {
  const AHEAD = 3_600_123;
  const clock = new Clock();
  for (let n = 0; n < 60; n += 1) {
    const asked = 1_700_000_000_000 + n * 2037;
    clock.learn(new Date(Math.floor((asked + 4 + AHEAD) / 1000) * 1000).toUTCString(), asked, asked + 8);
  }
  assert.ok(Math.abs(clock.ahead - AHEAD) < 40, `${clock.ahead}`);
  clock.learn("no date", 0, 0);
  clock.learn(null, 0, 0);
  assert.ok(Math.abs(clock.ahead - AHEAD) < 40);
});

test("a clock that is set is found anew", () => {
  const clock = new Clock();
  const now = Date.now();
  clock.learn(new Date(now).toUTCString(), now, now + 5);
  clock.learn(new Date(now + 86_400_000).toUTCString(), now + 10, now + 15);
  assert.ok(Math.abs(clock.ahead - 86_400_000) < 1100);
  assert.ok(clock.here(now + 2 * 86_400_000) <= Date.now(), "never in the future");
});

/** Pictures and poses of a camera of 30 frames a second, with what is shown of them as `picture:pose`. */
function pairing(periodMs = 1000 / 30) {
  const shown = [];
  const dropped = [];
  const name = (pose) => (pose ? pose.frame_id : "none");
  const pairs = new Pairs({
    show: ({ frameId }, pose) => shown.push(`${frameId}:${name(pose)}`),
    restate: (pose) => shown.push(`again:${name(pose)}`),
    drop: ({ frameId }) => dropped.push(frameId),
  });
  pairs.periodMs = periodMs;
  const picture = (frameId, now) => (pairs.picture({ frameId }, now), pairs.turn(now));
  const pose = (frame_id, now) => (pairs.pose({ frame_id }, now), pairs.turn(now));
  const turn = (now) => pairs.turn(now);
  return { pairs, shown, dropped, picture, pose, turn };
}

test("a picture is shown with the pose of its own frame, however late within the hold", () => {
  for (const lag of [0, 40, HOLD_MS - 1]) {
    const { shown, dropped, picture, pose } = pairing();
    // Three before, so that it is known that poses come, and how late.
    let now = 10_000;
    for (let id = 2; id <= 20; id += 2) {
      picture(id, now);
      pose(id, now + lag);
      now += 500;
    }
    const own = shown.filter((line) => !line.startsWith("again"));
    // The first is shown bare at once and completed when its pose comes: nobody knew that there would be one.
    assert.deepEqual(shown.slice(0, 2), ["2:none", "again:2"]);
    assert.deepEqual(own.slice(1), [4, 6, 8, 10, 12, 14, 16, 18, 20].map((id) => `${id}:${id}`), `${lag}`);
    assert.deepEqual(dropped, []);
  }
});

test("a picture whose own pose does not come waits as long as poses take, then has the nearest, before or after", () => {
  const { shown, picture, pose, turn } = pairing();
  picture(1, 0);
  pose(1, 100);
  picture(3, 120);
  pose(3, 220);
  shown.length = 0;
  // Poses take 100 ms: frame 5 is waited for so long and a little more, while 6 is what the engine looked at.
  const wait = picture(5, 300);
  assert.ok(wait >= 100 && wait <= HOLD_MS, `${wait}`);
  pose(6, 395);
  assert.deepEqual(shown, []);
  turn(300 + wait);
  assert.deepEqual(shown, ["5:6"]);
});

test("no skeleton is drawn over a picture that is more than a little older or newer", () => {
  const most = Math.floor(NEAR_MS / (1000 / 30));
  for (const apart of [0, 1, most, most + 1, most + 5]) {
    for (const side of [-1, 1]) {
      const { shown, picture, pose } = pairing();
      pose(100, 0);
      // So much later that nothing is waited for any more.
      picture(100 + side * apart, QUIET_MS + 1);
      assert.deepEqual(shown, [`${100 + side * apart}:${apart <= most ? 100 : "none"}`]);
    }
  }
  const { shown, picture, pose } = pairing(0);
  pose(7, 0);
  picture(8, QUIET_MS + 1);
  assert.deepEqual(shown, ["8:none"], "where the camera's rate is not known only a frame's own pose will do");
});

test("when poses stop, the skeleton is gone with the first picture too far from the last, and nothing waits", () => {
  const { shown, picture, pose, turn } = pairing();
  for (let id = 2; id <= 10; id += 2) {
    picture(id, id * 33);
    pose(id, id * 33 + 20);
  }
  shown.length = 0;
  let most = 0;
  for (let id = 12; id <= 60; id += 2) {
    const wait = picture(id, id * 33);
    if (Number.isFinite(wait)) {
      turn(id * 33 + wait);
      most = Math.max(most, wait);
    }
  }
  assert.ok(most > 0 && most <= HOLD_MS, `${most}`);
  assert.deepEqual(shown.slice(0, 3), ["12:10", "14:none", "16:none"]);
  assert.equal(shown.length, 25, "every picture is shown");
  assert.equal(picture(62, 62 * 33), Infinity, "a second after the last pose nothing is held");
});

test("pictures are never shown out of order, and those that were overtaken are let go", () => {
  const { shown, dropped, picture, pose } = pairing();
  picture(1, 0);
  pose(1, 200);
  picture(2, 210);
  picture(3, 243);
  pose(3, 260);
  assert.deepEqual(shown, ["1:none", "again:1", "3:3"]);
  assert.deepEqual(dropped, [2]);
});

test("what is held is bounded, and given back when it is forgotten", () => {
  const { pairs, dropped, picture, pose } = pairing();
  pose(1, 0);
  for (let id = 100; id < 120; id += 1) picture(id, 1);
  assert.equal(dropped.length, 12);
  pairs.clear();
  assert.equal(dropped.length, 20);
});

test("a box that began anew counts from one, and no pose of the old one is drawn", () => {
  const { shown, picture, pose } = pairing();
  picture(5000, 0);
  pose(5000, 10);
  // What was heard before the first new picture goes with the old: it may be of either box.
  pose(2, 500);
  picture(2, 510);
  assert.equal(shown.at(-1), "2:none");
  picture(4, 570);
  pose(4, 600);
  picture(6, 640);
  pose(6, 670);
  assert.deepEqual(shown.slice(-1), ["6:6"]);
  const other = pairing();
  other.picture(5000, 0);
  other.pose(5000, 10);
  other.picture(1, 500);
  assert.deepEqual(other.shown.slice(-1), ["1:none"]);
});

test("with skeletons off no picture waits", () => {
  const { pairs, shown, picture, pose } = pairing();
  picture(1, 0);
  pose(1, 100);
  pairs.waits = false;
  assert.equal(picture(3, 120), Infinity);
  assert.equal(shown.at(-1), "3:1");
});

test("what is seen is told in words", () => {
  const poses = [{}, {}];
  assert.deepEqual(words.inWords(null), []);
  assert.deepEqual(words.inWords({ poses: [{}], athlete: null, angle: null }), ["1 person"]);
  const angle = { joint: "left_knee", deg: 92.4 };
  const told = words.inWords({ poses, athlete: { id: 3, pose: 0 }, angle });
  assert.deepEqual(told, ["2 people", "athlete 3 is followed", "left knee 92 degrees"]);
  assert.deepEqual(words.inWords({ poses: [], athlete: null, angle }), ["0 people"]);
});

test("a tempo is four whole seconds in the order of the movement, and words", () => {
  const told = words.tempo({ go_s: 2.1, hold_s: 0.2, back_s: 1.4, pause_s: 0.6 });
  assert.deepEqual(told, { short: "2-0-1-1", long: "Tempo: 2 s there, 0 s held, 1 s back, 1 s pause" });
  assert.equal(words.tempo({ go_s: -0.4, hold_s: 0, back_s: 12.5, pause_s: 0 }).short, "0-0-13-0");
});

test("a rest is told in minutes and seconds", () => {
  assert.deepEqual([-5, 0, 7999, 60_000, 754_000].map(words.minutes), ["0:00", "0:00", "0:07", "1:00", "12:34"]);
  assert.deepEqual([0, 1, 2].map(words.repetitions), ["repetitions", "repetition", "repetitions"]);
});

test("a rest begins with the last repetition, goes on after the set, and ends when nobody is there any more", () => {
  const rest = new Rest();
  assert.equal(rest.at(1000), null);
  rest.heard({ resting_s: 2, age_ms: 100 }, 10_000);
  assert.equal(rest.at(10_000), null, "between two repetitions nobody rests");
  assert.equal(rest.at(14_000), 6100);
  rest.heard({ resting_s: null, age_ms: 100 }, 14_000);
  assert.equal(rest.at(14_500), 6600, "the set is over, the rest is not");
  // The log says the same end a little differently; an earlier set changes nothing.
  rest.ended(7000);
  assert.equal(rest.at(14_500), 6600);
  assert.equal(rest.at(7900 + 30 * 60_000), 30 * 60_000);
  assert.equal(rest.at(7901 + 30 * 60_000), null);
  rest.heard({ resting_s: 0.5, age_ms: 0 }, 5_000_000);
  assert.equal(rest.at(5_000_000), null, "the next set begins");
});

test("a page that comes after the set rests since the log's newest", () => {
  const rest = new Rest();
  rest.ended(50_000);
  rest.heard({ resting_s: null, age_ms: 80 }, 53_000);
  assert.equal(rest.at(53_000), 3000);
  rest.ended(52_000);
  assert.equal(rest.at(53_000), 1000);
});

test("a set that was told stands in until the log has it", () => {
  const told = [{ camera: "rack", started_ms: 8000, ended_ms: 9000 }, { camera: "bench", started_ms: 4000, ended_ms: 5000 }];
  const rows = [{ camera: "bench", ended_ms: 5003, id: 2 }, { camera: "rack", ended_ms: 1000, id: 1 }];
  const left = sets.unwritten(told, rows);
  assert.deepEqual(left, [told[0]]);
  assert.deepEqual(sets.ofCamera("rack", left, rows), [told[0], rows[1]]);
  assert.deepEqual(sets.ofCamera("bench", left, rows), [rows[0]]);
  assert.deepEqual(sets.unwritten(told, []), told);
  // Begun yesterday, it is not among the sets of today that are asked for, and would stand there until midnight.
  assert.deepEqual(sets.unwritten(told, rows, 8001), []);
  // Deleted elsewhere before it was seen, it stands there until the next one.
  assert.deepEqual(sets.unwritten(told, [{ camera: "rack", ended_ms: 20_000, id: 4 }]), [told[1]]);
  const at = new Date(2026, 2, 5, 14, 3).getTime();
  assert.equal(sets.dayOf(at), new Date(2026, 2, 5).getTime());
});

test("repetitions that were told together stand one after the other on the trace, the last where it ended", () => {
  const trace = new Trace();
  const phases = (pause_s) => ({ go_s: 1, hold_s: 0.5, back_s: 1, pause_s });
  const angle = (deg) => ({ joint: "left_knee", deg });
  trace.state({ age_ms: 0, angle: angle(170), resting_s: null, reps: 0 }, 10_000);
  for (const [n, pause_s] of [[1, 0.5], [2, 0]]) trace.rep({ n, duration_s: 2.5, phases: phases(pause_s) });
  trace.state({ age_ms: 100, angle: angle(90), resting_s: 1, reps: 2 }, 20_100);
  assert.deepEqual(trace.reps, [
    { n: 1, start: 13_500, turn: 14_750, end: 16_000 },
    { n: 2, start: 16_500, turn: 17_750, end: 19_000 },
  ]);
  trace.rep({ n: 3, duration_s: 2, phases: phases(0) });
  trace.state({ age_ms: 0, angle: null, resting_s: 0.5, reps: 3 }, 22_000);
  assert.deepEqual(trace.reps[2], { n: 3, start: 19_500, turn: 20_750, end: 21_500 });
  assert.equal(trace.at(15_000), 130, "half way between two points");
  assert.equal(trace.at(30_000), null);
  trace.state({ age_ms: 0, angle: null, resting_s: null, reps: 0 }, 17_000 + SPAN_MS);
  assert.deepEqual(trace.reps.map(({ n }) => n), [2, 3], "what is too old is forgotten");
  assert.equal(trace.points.length, 1);
});

test("the trace shows what was seen, and never so little that noise fills it", () => {
  const trace = new Trace();
  assert.deepEqual(trace.range, [0, 180]);
  for (const [n, deg] of [100, 102].entries()) trace.state({ age_ms: 0, angle: { joint: "a", deg }, resting_s: null, reps: 0 }, n);
  assert.deepEqual(trace.range, [81, 121]);
  trace.state({ age_ms: 0, angle: { joint: "a", deg: 20 }, resting_s: null, reps: 0 }, 3);
  assert.deepEqual(trace.range, [15, 107]);
});

/** An example of `rack` with a countdown of 5 s and 20 s to collect in, begun at 1000. */
const example = () => new Example({ camera: "rack", countdownMs: 5000, seconds: 20 }, 1000);
const seen = (t, more = {}) => ({ camera: "rack", t, width: 640, height: 480, poses: [{ score: 0.9 }], age_ms: 30, ...more });

test("an example counts down, collects the looks of its camera, and is a poses file", () => {
  const one = example();
  assert.deepEqual([1000, 5999].map((now) => one.at(now)), [{ phase: "waiting", leftMs: 5000 }, { phase: "waiting", leftMs: 1 }]);
  one.state(seen(3.9), 5999);
  one.state(seen(4), 6000);
  one.state(seen(4.1, { camera: "bench" }), 6050);
  // After events that were missed the time goes on; a recording that begins anew would take it back.
  one.state(seen(9.5), 11_500);
  one.state(seen(9.5), 11_510);
  one.state(seen(2), 11_520);
  assert.deepEqual(one.at(25_999), { phase: "taking", leftMs: 1 });
  assert.equal(one.looks, 2);
  one.state(seen(24), 26_000);
  assert.deepEqual([one.at(26_000).phase, one.broken], ["over", ""]);
  const lines = one.text.split("\n");
  assert.deepEqual(lines.slice(0, -1).map(JSON.parse), [
    { size: [640, 480] },
    { t: 4, poses: [{ score: 0.9 }] },
    { t: 9.5, poses: [{ score: 0.9 }] },
  ]);
  assert.equal(lines.at(-1), "");
});

test("an example is stopped before its time with what it has; with nothing it is empty", () => {
  const one = example();
  one.state(seen(4), 7000);
  one.stop(8000);
  one.state(seen(5), 8001);
  assert.deepEqual([one.at(8000).phase, one.looks, one.broken], ["over", 1, ""]);
  one.stop(9000);
  assert.equal(one.at(8500).phase, "over", "it does not go on");
  const none = example();
  none.stop(2000);
  assert.deepEqual([none.at(2000).phase, none.text], ["over", ""]);
});

test("a lost camera, another size and a box that is gone end an example, each with its sentence", () => {
  const why = (happens) => {
    const one = example();
    one.state(seen(4), 7000);
    happens(one);
    assert.equal(one.at(8000).phase, one.broken ? "over" : "taking");
    return one.broken;
  };
  const fault = { sentence: "no picture for 5 s" };
  assert.equal(why((one) => one.note({ camera: "rack", connected: false, fault }, 7100)), "The camera rack was lost: no picture for 5 s.");
  assert.equal(why((one) => one.note({ camera: "rack", connected: false, fault: null }, 7100)), "The camera rack was lost.");
  assert.equal(why((one) => one.note({ camera: "bench", connected: false, fault }, 7100)), "");
  assert.equal(why((one) => one.note({ camera: "rack", connected: true, fault: null }, 7100)), "");
  assert.equal(why((one) => one.state(seen(5, { width: 1280, height: 720 }), 7100)), "The picture of rack has another size now.");
  assert.equal(why((one) => one.fail("The box does not answer.", 7100)), "The box does not answer.");
  const over = example();
  over.state(seen(4), 7000);
  over.stop(8000);
  over.note({ camera: "rack", connected: false, fault }, 8000);
  assert.equal(over.broken, "", "what is over can not be lost any more");
});
