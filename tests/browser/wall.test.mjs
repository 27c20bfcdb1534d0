// The pages as a person sees them: a real box, a real browser.
//
// Every wait is for a condition. What a tile shows is read from the page: its state and frame id from the tile's data,
// its picture from the canvas.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Box, connectionsTo, frame, live, open, openBrowser, slowCamera, state, tile, until } from "./box.mjs";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

const demo = (n) => `demo:squat?size=640x360&fps=15&seed=${n}`;
const visit = (t, box, path, size) => open(t, browser, box, path, { size });

async function boxOf(t, cameras, options) {
  const box = await Box.start(cameras, options);
  t.after(() => box.end());
  return box;
}

/** Enters the right key on the login page and waits for the page `url`. */
async function logIn(page, url) {
  await page.fill("#key", "open-sesame");
  await page.keyboard.press("Enter");
  await page.waitForURL(url);
}

/** What the box counts: `sum` over all lines of a metric, `of` the lines of the requests' count with these labels. */
async function metricsOf(box) {
  const lines = (await (await fetch(`${box.url}metrics`)).text()).split("\n");
  const total = (begin) =>
    lines.filter((line) => line.startsWith(begin)).reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  return { sum: total, of: (labels) => total(`spotter_http_request_seconds_count${labels}`) };
}

/** How much the picture's brightness varies: 0 for a blank or uniform one. */
const variety = (page, name) =>
  tile(page, name).locator("canvas.picture").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let [n, sum, squares] = [0, 0, 0];
    for (let at = 0; at < data.length; at += 4 * 97) {
      const grey = (data[at] + data[at + 1] + data[at + 2]) / 3;
      n += 1;
      sum += grey;
      squares += grey * grey;
    }
    return Math.sqrt(squares / n - (sum / n) ** 2);
  });

test("two cameras are live: frames go on and the pictures show something", async (t) => {
  const box = await boxOf(t, { rack: demo(1), bench: demo(2) });
  const page = await visit(t, box);
  for (const name of ["rack", "bench"]) {
    await live(page, name);
    const first = await frame(page, name);
    await until(`${name} goes on`, async () => (await frame(page, name)) > first + 10);
    assert.ok((await variety(page, name)) > 4, `the picture of ${name} is uniform`);
    assert.match(await tile(page, name).locator(".rate").textContent(), /fps$/);
    assert.match(await tile(page, name).locator(".age").textContent(), / s$/);
  }
  assert.deepEqual(page.errors, []);
});

test("a box that is killed greys its tiles, and they come back without a reload", async (t) => {
  const box = await boxOf(t, { rack: demo(1) });
  const page = await visit(t, box);
  await live(page, "rack");
  await page.evaluate(() => (window.loadedOnce = true));
  const before = await variety(page, "rack");

  await box.kill();
  await until("the tile says so", async () => (await state(page, "rack")) === "gone");
  assert.equal(await tile(page, "rack").locator(".why").textContent(), "The box does not answer.");
  assert.match(await tile(page, "rack").locator(".when").textContent(), /^since \d\d:\d\d, for \d+ s$/);
  assert.match(await tile(page, "rack").locator(".old").textContent(), /^picture \d+ s old$/);
  assert.match(await page.locator("#box").textContent(), /does not answer/);
  assert.ok((await variety(page, "rack")) > before / 2, "the last picture is gone");
  const filter = await tile(page, "rack").locator("canvas.picture").evaluate((canvas) => getComputedStyle(canvas).filter);
  assert.match(filter, /grayscale/);

  await box.up();
  await live(page, "rack");
  await until("the bar is quiet again", async () => (await page.locator("#box").textContent()) === "");
  assert.equal(await page.evaluate(() => window.loadedOnce), true, "the page was loaded anew");
  assert.deepEqual(page.errors, []);
});

test("a wall that is logged in comes back from a restart of the box without a reload and without a login", async (t) => {
  const box = await boxOf(t, { rack: demo(1), bench: demo(2) }, { key: "open-sesame" });
  const page = await visit(t, box);
  await logIn(page, box.url);
  await live(page, "rack");
  await page.evaluate(() => (window.loadedOnce = true));
  await box.kill();
  for (const name of ["rack", "bench"]) await until(`${name} is gone`, async () => (await state(page, name)) === "gone");
  await box.up();
  for (const name of ["rack", "bench"]) {
    await live(page, name);
    const first = await frame(page, name);
    await until(`${name} goes on`, async () => (await frame(page, name)) > first + 5);
  }
  assert.equal(page.url(), box.url, "it was sent to the login");
  assert.equal(await page.evaluate(() => window.loadedOnce), true, "the page was loaded anew");
  assert.deepEqual(page.errors, []);
});

test("a hidden page asks and hears nothing, and goes on when it is seen again", async (t) => {
  const box = await boxOf(t, { rack: demo(1), bench: demo(2) });
  const page = await visit(t, box);
  await live(page, "rack");
  await live(page, "bench");
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  // A browser without a window never hides its pages, so the page is told.
  const turn = (to) =>
    page.evaluate((state) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
      document.dispatchEvent(new Event("visibilitychange"));
    }, to);
  await turn("hidden");
  const open = ["spotter_stream_viewers", "spotter_event_listeners"];
  const requests = (metrics) => metrics.sum("spotter_http_request_seconds_count") - metrics.of('{route="Probe"}');
  let last = null;
  const rest = await until("streams and events end, and what was asked before is answered", async () => {
    const [before, metrics] = [last, await metricsOf(box)];
    last = metrics;
    return before && requests(before) === requests(metrics) && open.every((name) => metrics.sum(name) === 0) && metrics;
  });
  asked.length = 0;
  // The demo cameras go on at 15 frames a second: six seconds, in which a page that is seen asks three times.
  const later = await until("the cameras go on", async () => {
    const metrics = await metricsOf(box);
    const frames = (these) => these.sum("spotter_frames_captured_total");
    return frames(metrics) > frames(rest) + 2 * 15 * 6 && metrics;
  }, 60);
  assert.equal(requests(later), requests(rest), "the box was asked");
  assert.deepEqual(asked, []);
  await turn("visible");
  await live(page, "rack");
  await live(page, "bench");
  assert.deepEqual(page.errors, []);
});

test("no page has anything to complain of in the console", async (t) => {
  const box = await boxOf(t, { rack: demo(1), bench: "v4l2:/dev/none" }, { key: "open-sesame" });
  const page = await visit(t, box);
  const session = await page.context().newCDPSession(page);
  session.on("Log.entryAdded", ({ entry }) => page.said.push(`${entry.source}: ${entry.text}`));
  session.on("Audits.issueAdded", ({ issue }) => page.said.push(`issue: ${issue.code}`));
  await session.send("Log.enable");
  await session.send("Audits.enable");
  await logIn(page, box.url);
  await live(page, "rack");
  await page.locator("#theme").click();
  await tile(page, "rack").locator(".opener").click();
  await until("it is open", async () => (await page.locator(".opened").count()) === 1);
  await page.goto(`${box.url}admin`);
  await until("the threads", async () => (await page.locator("#threads tbody tr").count()) >= 3);
  await page.goto(`${box.url}login`);
  await page.locator("#key").waitFor();
  assert.deepEqual(page.said, []);
  assert.deepEqual(page.errors, []);
});

test("a wrong key gets a sentence, the right key the wall", async (t) => {
  const box = await boxOf(t, { rack: demo(1) }, { key: "open-sesame" });
  const page = await visit(t, box);
  assert.equal(new URL(page.url()).pathname, "/login");
  await page.fill("#key", "wrong");
  await page.keyboard.press("Enter");
  await until("the sentence", async () => (await page.locator("#said").textContent()) === "This is not the key of this box.");
  await logIn(page, box.url);
  await live(page, "rack");
});

test("the login leads to no other host", async (t) => {
  const box = await boxOf(t, { rack: demo(1) }, { key: "open-sesame" });
  for (const next of ["//example.org/", "https://example.org/", "/\\example.org/", "javascript:alert(1)"]) {
    const page = await visit(t, box, `login?next=${encodeURIComponent(next)}`);
    await logIn(page, box.url);
  }
});

test("six cameras are stills, unchanged ones are not sent again, and six connections are enough", async (t) => {
  const model = await boxOf(t, { model: demo(1) });
  const picture = await until("a picture", async () => {
    const answer = await fetch(`${model.url}api/v1/cameras/model/snapshot`);
    return answer.ok && Buffer.from(await answer.arrayBuffer());
  });
  const slow = await slowCamera(picture);
  t.after(slow.end);
  const names = ["a", "b", "c", "d", "e", "f"];
  const cameras = Object.fromEntries(names.map((name, n) => [name, demo(n + 1)]));
  const box = await boxOf(t, { ...cameras, f: slow.url });
  const statuses = [];
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  t.after(() => context.close());
  const page = await context.newPage();
  page.on("response", (answer) => {
    const path = new URL(answer.url()).pathname;
    if (path.endsWith("/snapshot")) statuses.push(answer.status());
    assert.ok(!path.endsWith("/stream"), "six visible tiles must not stream");
  });
  await page.goto(box.url);
  for (const name of names) await live(page, name);
  let most = 0;
  await until("a picture that has not changed is answered 304", async () => {
    most = Math.max(most, await connectionsTo(box.port));
    return statuses.includes(304) && statuses.filter((status) => status === 200).length >= 12;
  });
  assert.ok(most >= 1 && most <= 6, `${most} connections`);
});

test("four cameras stream over no more than six connections", async (t) => {
  const names = ["a", "b", "c", "d"];
  const box = await boxOf(t, Object.fromEntries(names.map((name, n) => [name, demo(n + 1)])));
  const page = await visit(t, box);
  let most = 0;
  for (const name of names) {
    await live(page, name);
    const first = await frame(page, name);
    await until(`${name} goes on`, async () => {
      most = Math.max(most, await connectionsTo(box.port));
      return (await frame(page, name)) > first + 10;
    });
  }
  assert.ok(most >= 5 && most <= 6, `${most} connections`);
});

test("a camera that is not there says why and since when", async (t) => {
  const box = await boxOf(t, { rack: demo(1), bench: "v4l2:/dev/none" });
  const page = await visit(t, box);
  await until("the fault", async () => (await state(page, "bench")) === "fault");
  assert.match(await tile(page, "bench").locator(".why").textContent(), /\/dev\/none/);
  assert.match(await tile(page, "bench").locator(".when").textContent(), /^since \d\d:\d\d, for /);
  await live(page, "rack");
});

test("a tile opens by key and by link, and Escape closes it", async (t) => {
  const box = await boxOf(t, { rack: demo(1), bench: demo(2) });
  const page = await visit(t, box);
  await live(page, "rack");
  await tile(page, "rack").locator(".opener").focus();
  await page.keyboard.press("Enter");
  await until("it is open", () => tile(page, "rack").evaluate((node) => node.classList.contains("opened")));
  const first = await frame(page, "rack");
  await until("it streams", async () => (await frame(page, "rack")) > first + 5);
  await page.keyboard.press("Escape");
  await until("it is closed", async () => (await page.locator(".opened").count()) === 0);
  const linked = await visit(t, box, "#camera=bench");
  await until("the link opens it", () => linked.locator('.opened[data-camera="bench"]').isVisible());
  await live(linked, "bench");
});

test("a wall fits a TV without scrolling and a phone without overflow", async (t) => {
  const cameras = Object.fromEntries(["a", "b", "c", "d"].map((name, n) => [name, demo(n + 1)]));
  const box = await boxOf(t, cameras);
  const tv = await visit(t, box, "", { width: 1920, height: 1080 });
  await live(tv, "d");
  assert.ok(await tv.evaluate(() => document.documentElement.scrollHeight <= innerHeight), "the TV scrolls");
  const phone = await visit(t, box, "", { width: 360, height: 640 });
  await live(phone, "a");
  assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the phone overflows");
});

test("the admin page shows the threads, the cameras and the config without secrets", async (t) => {
  const box = await boxOf(t, { rack: demo(1) }, { key: "open-sesame" });
  const page = await visit(t, box, "admin");
  await logIn(page, /\/admin$/);
  const rows = page.locator("#threads tbody tr");
  await until("the threads", async () => (await rows.count()) >= 3);
  const text = await page.locator("main").innerText();
  assert.match(text, /rack/);
  assert.ok(!text.includes("open-sesame"), "the key is shown");
  assert.deepEqual(page.errors, []);
});

test("a camera that shows no pictures from now on loses its last one at once", async (t) => {
  const box = await boxOf(t, { rack: { source: demo(1), pose: false } });
  const page = await visit(t, box);
  await live(page, "rack");
  await until("a picture is there", async () => (await variety(page, "rack")) > 5);
  await page.route("**/api/v1/cameras", async (route) => {
    const answer = await route.fetch();
    const rows = (await answer.json()).map((row) => ({ ...row, privacy: true }));
    await route.fulfill({ response: answer, json: rows });
  });
  const plain = (kind) =>
    tile(page, "rack").locator(`canvas.${kind}`).evaluate((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.every((value, at) => value === data[at % 4]);
    });
  await until("it is gone", () => plain("picture"));
  assert.ok(await plain("backdrop"), "nor is it behind");
});
