// The skeletons as a person sees them: a real box, a real browser, and a stand-in for a model that sees the same two people
// in every picture, so that it is known to the pixel where each bone must lie. What the stand-in cannot do, an angle and
// poses that stop, comes from a scripted feed in place of the page's events. At last the demo's own model looks, or the one that SPOTTER_MODEL names.
//
// What is drawn is read from the canvas over the picture, and which frames from the tile's data.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Box, frame, live, open, openBrowser, STAND_IN, state, tile, until } from "./box.mjs";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

const demo = (more = "") => `demo:squat?size=640x360&fps=10${more}`;
const YELLOW = [255, 214, 10];
const WHITE = [242, 246, 248];
const CYAN = [53, 224, 255];

async function seeing(t, cameras, options) {
  const box = await Box.start(cameras, { model: STAND_IN, ...options });
  t.after(() => box.end());
  return box;
}

const pose = async (page, name) => Number((await tile(page, name).getAttribute("data-pose")) ?? 0);
const drawn = (page, name) => until(`${name} has a skeleton`, () => pose(page, name));

/** The colour that is drawn over the picture's pixel (x, y), of a picture of 640 by 360: red, green, blue, opacity. */
const over = (page, name, points) =>
  tile(page, name).locator("canvas.skeleton").evaluate((canvas, points) => {
    // Of a copy: reading the page's own canvas would make the browser complain of the page.
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    return points.map(([x, y]) => {
      const at = [Math.round((x / 640) * canvas.width), Math.round((y / 360) * canvas.height)];
      return [...context.getImageData(at[0], at[1], 1, 1).data];
    });
  }, points);
const is = (colour) => (found) => colour.every((value, n) => Math.abs(value - found[n]) <= 3) && found[3] > 250;
/** The stand-in's point, in a picture of 640 by 360. */
const place = (x, y) => [10 * x, 10 * (y - 14)];
const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];

/** Where in the window the picture's pixel (x, y) is shown by canvas `which`. */
const shownAt = (page, name, which, [x, y]) =>
  tile(page, name).locator(`canvas.${which}`).evaluate((canvas, [x, y]) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const cover = getComputedStyle(canvas).objectFit === "cover";
    const scale = (cover ? Math.max : Math.min)(width / canvas.width, height / canvas.height);
    const [across, down] = [canvas.width * scale, canvas.height * scale];
    return [left + (width - across) / 2 + (x / 640) * across, top + (height - down) / 2 + (y / 360) * down];
  }, [x, y]);

test("skeletons lie where the people are, on the picture of the same frame", async (t) => {
  const box = await seeing(t, { rack: demo() });
  const page = await open(t, browser, box);
  await live(page, "rack");
  await drawn(page, "rack");
  const shoulders = [place(36, 25), place(28, 25)];
  await until("one is followed", async () => is(YELLOW)((await over(page, "rack", shoulders))[0]));
  const [elbow, knee, ankle] = [place(40, 29), place(36, 41), place(36, 47)];
  const athlete = [...shoulders, middle(...shoulders), elbow, middle(shoulders[0], elbow), middle(knee, ankle), ankle];
  for (const found of await over(page, "rack", athlete)) assert.ok(is(YELLOW)(found), `${found}`);
  // The other one: his right arm is seen, his left is not.
  const guest = ([x, y]) => place(x / 2 - 6, (y - 20) / 2 + 24);
  const right = middle(guest([28, 25]), guest([24, 29]));
  const left = middle(guest([36, 25]), guest([40, 29]));
  const [seen, unseen] = await over(page, "rack", [right, left]);
  assert.ok(is(WHITE)(seen), `${seen}`);
  assert.equal(unseen[3], 0, "a bone is drawn to a point that is not seen");
  // Beside every bright line is a dark one: from a bone outwards comes black before nothing.
  const outwards = Array.from({ length: 30 }, (_, n) => [middle(...shoulders)[0], shoulders[0][1] + n * 0.5]);
  const across = await over(page, "rack", outwards);
  const dark = across.filter(([red, green, blue, opacity]) => red + green + blue < 30 && opacity > 150);
  assert.ok(is(YELLOW)(across[0]) && dark.length >= 2 && across.at(-1)[3] === 0, JSON.stringify(across));
  // Each picture has the pose of its own frame: camera, engine and stream all do ten a second here, or fewer.
  const pairs = await tile(page, "rack").evaluate(
    (node) =>
      new Promise((resolve) => {
        const pairs = [];
        const watch = new MutationObserver(() => {
          pairs.push([node.dataset.frame, node.dataset.pose]);
          if (pairs.length >= 20) resolve(pairs);
        });
        watch.observe(node, { attributeFilter: ["data-frame"] });
      }),
  );
  const own = pairs.filter(([frame, pose]) => frame === pose).length;
  const far = pairs.filter(([frame, pose]) => pose !== undefined && Math.abs(frame - pose) > 1);
  assert.ok(own >= 15, `of 20 pictures ${own} have their own pose: ${pairs.join(" ")}`);
  assert.deepEqual(far, []);
  assert.match(await tile(page, "rack").locator("canvas.picture").getAttribute("aria-label"), /^rack: live, 2 people/);
  assert.deepEqual([page.errors, page.said], [[], []]);
});

test("the skeleton lies on the picture in every shape of tile: alone, beside others, on a phone, opened", async (t) => {
  const box = await seeing(t, { rack: demo(), bench: demo("&seed=2"), tall: "demo:squat?size=240x320&fps=10" });
  for (const size of [{ width: 1280, height: 720 }, { width: 1000, height: 1400 }, { width: 360, height: 740 }]) {
    for (const path of ["", "#camera=rack"]) {
      const page = await open(t, browser, box, path, { size });
      await live(page, "rack");
      await drawn(page, "rack");
      for (const point of [[0, 0], [320, 180], [640, 360], place(36, 25)]) {
        const [picture, skeleton] = [await shownAt(page, "rack", "picture", point), await shownAt(page, "rack", "skeleton", point)];
        const apart = Math.hypot(picture[0] - skeleton[0], picture[1] - skeleton[1]);
        assert.ok(apart <= 1, `${apart} pixels apart in ${JSON.stringify(size)} ${path}: ${picture}, ${skeleton}`);
      }
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page overflows");
      assert.deepEqual(page.errors, []);
      await page.close();
    }
  }
});

test("skeletons are switched off and on by key, and the choice is remembered", async (t) => {
  const box = await seeing(t, { rack: demo() });
  const page = await open(t, browser, box);
  await live(page, "rack");
  await drawn(page, "rack");
  const button = page.getByRole("button", { name: "Skeletons" });
  assert.equal(await button.getAttribute("aria-pressed"), "true");
  await button.focus();
  await page.keyboard.press("Enter");
  assert.equal(await button.getAttribute("aria-pressed"), "false");
  assert.equal(await pose(page, "rack"), 0, "it is gone at once");
  const before = await frame(page, "rack");
  await until("pictures go on", async () => (await frame(page, "rack")) > before + 5);
  assert.equal(await pose(page, "rack"), 0);
  assert.ok((await over(page, "rack", [place(36, 25)])).every((found) => found[3] === 0));
  await page.reload();
  await live(page, "rack");
  assert.equal(await button.getAttribute("aria-pressed"), "false");
  assert.equal(await pose(page, "rack"), 0);
  await button.click();
  await drawn(page, "rack");
  assert.deepEqual([page.errors, page.said], [[], []]);
});

test("a box on which nobody looks has no switch and no skeleton", async (t) => {
  const box = await Box.start({ rack: { source: demo(), pose: false } });
  t.after(() => box.end());
  const page = await open(t, browser, box);
  await live(page, "rack");
  assert.ok(await page.locator("#skeletons").isHidden());
  assert.equal(await pose(page, "rack"), 0);
});

test("a private camera shows its skeletons, says so, and is never asked for a picture", async (t) => {
  const box = await seeing(t, { door: { source: demo(), privacy: true }, rack: demo("&seed=2") });
  for (const kind of ["snapshot", "stream"]) {
    const answer = await fetch(`${box.url}api/v1/cameras/door/${kind}`);
    assert.equal(answer.status, 403);
    assert.deepEqual(await answer.json(), { detail: "camera door shows no pictures, only skeletons" });
  }
  const asked = [];
  const page = await open(t, browser, box, "", {
    before: (context) => context.on("request", (request) => asked.push(new URL(request.url()).pathname)),
  });
  await live(page, "door");
  await live(page, "rack");
  await drawn(page, "door");
  const first = await pose(page, "door");
  await until("its skeletons go on", async () => (await pose(page, "door")) > first + 5);
  await until("one is followed", async () => is(YELLOW)((await over(page, "door", [place(36, 25)]))[0]));
  assert.ok(await tile(page, "door").getByText("Skeletons only").isVisible());
  assert.ok(await tile(page, "rack").getByText("Skeletons only").isHidden());
  const ground = await tile(page, "door").locator("canvas.picture").evaluate((canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    return { aspect: canvas.width / canvas.height, plain: data.every((value, at) => value === data[at % 4]) };
  });
  assert.deepEqual(ground, { aspect: 640 / 360, plain: true });
  assert.ok(is(YELLOW)((await over(page, "door", [middle(place(36, 25), place(28, 25))]))[0]));
  // Off is for skeletons over pictures; here there is nothing else.
  await page.getByRole("button", { name: "Skeletons" }).click();
  const later = await pose(page, "door");
  await until("they go on all the same", async () => (await pose(page, "door")) > later + 5);
  assert.equal(await pose(page, "rack"), 0);
  await tile(page, "door").locator(".opener").click();
  const before = await pose(page, "door");
  await until("opened, too", async () => (await pose(page, "door")) > before + 5);
  const pictures = asked.filter((path) => /^\/api\/v1\/cameras\/door\/(snapshot|stream)/.test(path));
  assert.deepEqual(pictures, []);
  assert.ok(asked.some((path) => path.startsWith("/api/v1/cameras/rack/")), "the other one is asked for pictures");
  const metrics = await (await fetch(`${box.url}metrics`)).text();
  assert.match(metrics, /spotter_encodes_total\{camera="door"\} 0\n/);
  assert.deepEqual([page.errors, page.said], [[], []]);
});

test("a lost camera has no skeleton", async (t) => {
  const box = await seeing(t, { rack: demo(), bench: "v4l2:/dev/none" });
  const page = await open(t, browser, box);
  await drawn(page, "rack");
  await until("the fault", async () => (await state(page, "bench")) === "fault");
  assert.equal(await pose(page, "bench"), 0);
  await box.kill();
  await until("the box is gone", async () => (await state(page, "rack")) === "gone");
  assert.equal(await pose(page, "rack"), 0, "a skeleton stays over a dead picture");
  await box.up();
  await live(page, "rack");
  await drawn(page, "rack");
  assert.deepEqual(page.errors, []);
});

/** Puts a script's feed in the place of the page's events: `window.tell(name, data)` is heard as the box's own. */
const scripted = (context) =>
  context.addInitScript(() => {
    const feeds = new Set();
    window.EventSource = class extends EventTarget {
      constructor() {
        super();
        feeds.add(this);
      }
      close() {
        feeds.delete(this);
      }
    };
    window.tell = (name, data) => {
      for (const feed of feeds) feed.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
      return feeds.size;
    };
  });

/** A person whose left arm is bent by 90 degrees: shoulder, elbow, wrist at (300, 100), (300, 200), (400, 200). */
const bent = (frame_id, confidence = 0.9) => {
  const keypoints = Array.from({ length: 17 }, () => [0, 0, 0]);
  [[300, 100], [300, 200], [400, 200]].forEach(([x, y], n) => (keypoints[5 + 2 * n] = [x, y, confidence]));
  const one = { score: 0.9, bbox: [250, 60, 450, 320], keypoints };
  const angle = { joint: "left_elbow", deg: 90.2, points: [5, 7, 9] };
  const seen = { poses: [one], athlete: { id: 12, pose: 0 }, angle };
  return { camera: "rack", frame_id, age_ms: 50, width: 640, height: 360, engine: "cpu", pose_fps: 10, ...seen };
};

test("the angle of the working joint is drawn inside it, and all goes when poses stop", async (t) => {
  const box = await Box.start({ rack: demo() });
  t.after(() => box.end());
  const page = await open(t, browser, box, "", { before: scripted });
  await live(page, "rack");
  // For the picture that is shown now, and for each of the next.
  const show = async (make) => {
    await until("the feed is heard", async () => (await page.evaluate((data) => window.tell("state", data), make(await frame(page, "rack")))) > 0);
  };
  const arc = () => over(page, "rack", Array.from({ length: 200 }, (_, n) => [300 + n / 2, 200 - n / 2]));
  await until("the arc inside the elbow", async () => {
    await show(bent);
    return (await arc()).some(is(CYAN));
  });
  const outside = Array.from({ length: 100 }, (_, n) => [300 - n / 2, 200 + n / 2]);
  assert.ok(!(await over(page, "rack", outside)).some(is(CYAN)), "the arc lies on the outer side");
  const label = await tile(page, "rack").locator("canvas.picture");
  await until("it is told in words", async () => {
    await show(bent);
    return (await label.getAttribute("aria-label")) === "rack: live, 1 person, athlete 12 is followed, left elbow 90 degrees";
  });
  // No more poses: pictures go on, the skeleton does not.
  const last = await frame(page, "rack");
  await until("pictures go on", async () => (await frame(page, "rack")) > last + 2);
  assert.equal(await pose(page, "rack"), 0);
  assert.ok((await arc()).every((found) => found[3] === 0));
  // Points that are hardly seen are not drawn, nor angles between them.
  await until("a pose that is hardly seen", async () => {
    await show((frame_id) => bent(frame_id, 0.29));
    return (await pose(page, "rack")) > 0;
  });
  assert.ok(!(await arc()).some(is(CYAN)) && !(await over(page, "rack", [[300, 150]])).some(is(YELLOW)));
  assert.deepEqual([page.errors, page.said], [[], []]);
});

test("a pose of a much later or earlier frame is not drawn", async (t) => {
  const box = await Box.start({ rack: demo() });
  t.after(() => box.end());
  const page = await open(t, browser, box, "", { before: scripted });
  await live(page, "rack");
  for (const apart of [-3, 3, 500]) {
    const wrong = [];
    const from = await frame(page, "rack");
    await until("pictures go on", async () => {
      const now = await frame(page, "rack");
      await page.evaluate((data) => window.tell("state", data), bent(Math.max(1, now + apart)));
      const [shown, drawn] = await tile(page, "rack").evaluate((node) => [node.dataset.frame, node.dataset.pose]);
      if (drawn && Math.abs(shown - drawn) > 1) wrong.push([shown, drawn]);
      return now > from + 10;
    });
    assert.deepEqual(wrong, []);
  }
});

test("the zone of a station is drawn on its picture", async (t) => {
  const zone = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]];
  const box = await seeing(t, { rack: { source: demo(), zone }, bench: demo("&seed=2") });
  const page = await open(t, browser, box);
  await drawn(page, "rack");
  await drawn(page, "bench");
  const along = Array.from({ length: 60 }, (_, n) => [80 + n, 36]);
  const [on, off] = [await over(page, "rack", along), await over(page, "bench", along)];
  assert.ok(on.some(([, , , opacity]) => opacity > 80) && off.every(([, , , opacity]) => opacity === 0));
});

test("a trained model's skeleton lies on the demo athlete", async (t) => {
  const box = await seeing(t, { rack: demo() }, { model: process.env.SPOTTER_MODEL ?? "demo" });
  const page = await open(t, browser, box);
  await live(page, "rack");
  await drawn(page, "rack");
  await until("he is followed", async () => /athlete \d+ is followed/.test(await tile(page, "rack").locator("canvas.picture").getAttribute("aria-label")), 60);
  const { cameras } = await (await fetch(`${box.url}api/v1/state`)).json();
  const { athlete, poses } = cameras[0];
  const [left, , right, bottom] = poses[athlete.pose].bbox;
  // He stands in the middle of the demo's picture, on the floor.
  assert.ok(left < 320 && right > 280 && bottom > 250, JSON.stringify(poses[athlete.pose].bbox));
  assert.deepEqual([page.errors, page.said], [[], []]);
});
