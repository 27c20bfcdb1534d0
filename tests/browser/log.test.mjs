// The log, the thresholds and the trace on the admin page, as a person works them: a real box that counted real sets of its
// demo athlete, a real browser. What a click changes is asked of the box itself.
//
// Every wait is for a condition.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Box, open, openBrowser, slowCamera, STAND_IN, until } from "./box.mjs";

const KEY = "open-sesame";
let browser;
let box;
before(async () => {
  browser = await openBrowser();
  const source = "demo:squat?reps=5&rest=7&fps=12&size=480x270";
  box = await Box.start({ rack: source }, { key: KEY, more: ["[set_boundary]", "quiet_seconds = 3.0"] });
  await until("two sets in the log", async () => (await api("sets")).length >= 2, 180);
});
after(async () => {
  await box.end();
  await browser.close();
});

const api = async (path) => (await fetch(`${box.url}api/v1/${path}`, { headers: { "X-Api-Key": KEY } })).json();
const row = (page, id) => page.locator(`tr[data-set="${id}"]`);
/** The button of a row; its name is the whole of what it says. */
const press = (page, id, name) => row(page, id).getByRole("button", { name, exact: true }).click();

/** The admin page, logged in; the browser's own complaints are kept as well. */
async function admin(t, options) {
  const page = await open(t, browser, box, "admin", options);
  const session = await page.context().newCDPSession(page);
  session.on("Log.entryAdded", ({ entry }) => page.said.push(`${entry.source}: ${entry.text}`));
  session.on("Audits.issueAdded", ({ issue }) => page.said.push(`issue: ${issue.code} ${JSON.stringify(issue.details)}`));
  await session.send("Log.enable");
  await session.send("Audits.enable");
  await page.fill("#key", KEY);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/admin$/);
  await until("the log is there", async () => (await page.locator(".log tbody tr").count()) >= 1);
  return page;
}
const silent = (page) => assert.deepEqual([page.errors, page.said], [[], []]);

test("a set is corrected in its row, confirmed and deleted, and the box has it so", async (t) => {
  const page = await admin(t);
  const [, { id, reps_machine }] = await api("sets");
  const is = async (what) => {
    const set = await api(`sets/${id}`);
    return Object.entries(what).every(([name, value]) => set[name] === value);
  };
  await press(page, id, "Edit");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), `Exercise of set ${id}`);
  await page.getByLabel(`Exercise of set ${id}`).fill("Kettlebell Swing");
  await page.getByLabel(`Repetitions of set ${id}`).fill(String(reps_machine + 2));
  await page.getByLabel(`Weight of set ${id}`).fill("62.5");
  await page.getByLabel(`Note of set ${id}`).fill("<b>heavy</b>");
  await page.keyboard.press("Enter");
  const said = { exercise_human: "Kettlebell Swing", reps_human: reps_machine + 2, weight: 62.5, note: "<b>heavy</b>", reps_machine };
  await until("it is corrected", () => is(said));
  await until("the row says both", async () => (await row(page, id).locator(".reps").innerText()).includes(`counted ${reps_machine}`));
  assert.match(await row(page, id).locator(".exercise").innerText(), /^Kettlebell Swing\s+recognised: /);
  assert.equal(await row(page, id).locator(".note").innerText(), "<b>heavy</b>");
  // An empty field gives the machine's word back, and nothing else is sent.
  await press(page, id, "Edit");
  await page.getByLabel(`Repetitions of set ${id}`).fill("");
  await press(page, id, "Save");
  await until("the count is the machine's again", () => is({ ...said, reps_human: null, reps: reps_machine }));
  await press(page, id, "Edit");
  await page.getByLabel(`Weight of set ${id}`).fill("70");
  await page.keyboard.press("Escape");
  await until("the row is closed", async () => (await row(page, id).locator("input").count()) === 0);
  assert.ok(await is({ weight: 62.5 }), "what was cancelled was sent");
  await press(page, id, "Delete");
  await press(page, id, "Keep");
  assert.ok(await is({ id }));
  await press(page, id, "Delete");
  await press(page, id, "Delete this set");
  await until("the row is gone", async () => (await row(page, id).count()) === 0);
  assert.ok((await api("sets")).every((set) => set.id !== id), "it is still in the log");
  silent(page);
});

test("a set that waits to be confirmed is marked, found by the filter, and confirmed", async (t) => {
  const [{ id }] = await api("sets");
  const page = await admin(t, {
    before: (context) =>
      // Most of the demo athlete's sets are sure. One of the real ones is said to wait, until the box confirms it.
      context.route("**/api/v1/sets?*", async (route) => {
        const answer = await route.fetch();
        const sets = (await answer.json()).map((set) => (set.id === id && !set.confirmed_ms ? { ...set, pending: true } : set));
        await route.fulfill({ response: answer, json: sets });
      }),
  });
  await until("it is marked", async () => (await row(page, id).locator(".state").textContent()) === "to be confirmed");
  await page.getByLabel("Only sets to be confirmed").check();
  await until("only such", async () => (await page.locator(".log tbody tr:not(.pending)").count()) === 0);
  assert.equal(await row(page, id).count(), 1);
  await press(page, id, "Confirm");
  await until("it is confirmed", async () => (await api(`sets/${id}`)).confirmed_ms !== null);
  await until("it left the list", async () => (await row(page, id).count()) === 0);
  await page.getByLabel("Only sets to be confirmed").uncheck();
  await until("it says so", async () => (await row(page, id).locator(".state").textContent()) === "confirmed");
  silent(page);
});

test("a threshold is changed at once, refused in the box's words out of its range, and reset", async (t) => {
  const page = await admin(t);
  const name = "rep.min_amplitude_deg";
  const { [name]: configured } = await api("thresholds");
  const knob = page.getByLabel(name);
  await until("it is shown", async () => Number(await knob.inputValue()) === configured);
  await knob.fill("33");
  await page.keyboard.press("Enter");
  await until("it is in force", async () => (await api("thresholds"))[name] === 33);
  await until("it is said", async () => (await page.getByText(`${name} is 33.`).count()) === 1);
  await knob.fill("1");
  await page.keyboard.press("Enter");
  assert.equal(await knob.evaluate((node) => node.checkValidity()), false);
  assert.equal((await api("thresholds"))[name], 33);
  // Past the browser's own check the box says it.
  await knob.evaluate((node) => node.removeAttribute("min"));
  await knob.fill("2");
  await page.keyboard.press("Enter");
  await until("the box's sentence", async () => (await page.getByText(/must be a number from 5 to 120/).count()) === 1);
  await page.getByRole("button", { name: "As in the config" }).click();
  await until("it is reset", async () => (await api("thresholds"))[name] === configured);
  await until("it is shown", async () => Number(await knob.inputValue()) === configured);
  // The browser itself writes of the 422 that was wanted here, and of nothing else.
  assert.deepEqual(page.said.filter((line) => !line.includes("422")), []);
  assert.deepEqual(page.errors, []);
});

test("a picture opens large and closes, the files are there, the trace has the repetitions", async (t) => {
  const page = await admin(t);
  const picture = page.locator(".log button.picture").first();
  await until("a set has a picture", async () => (await api("sets")).some((set) => set.picture), 120);
  await until("it is there", async () => (await picture.count()) > 0);
  await until("it is loaded", () => picture.locator("img").evaluate((image) => image.complete && image.naturalWidth > 0));
  await picture.click();
  const large = page.locator("dialog#picture img");
  await until("it is open", () => large.evaluate((image) => image.closest("dialog").open && image.naturalWidth > 0));
  assert.ok((await large.boundingBox()).width > 3 * (await picture.boundingBox()).width);
  await page.keyboard.press("Escape");
  await until("it is closed", async () => (await page.locator("dialog[open]").count()) === 0);
  for (const name of ["CSV", "JSON"]) {
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name, exact: true }).click()]);
    assert.equal(file.suggestedFilename(), `sets.${name.toLowerCase()}`);
  }
  const trace = page.locator('.trace[data-camera="rack"]');
  await until("repetitions are on the trace", async () => /\d/.test((await trace.getAttribute("data-reps")) ?? ""), 120);
  assert.match(await trace.locator("canvas").getAttribute("aria-label"), /^rack: .*, [1-9]\d* repetitions? in the last half minute$/);
  // The line is drawn: pixels of its colour are there.
  const drawn = await trace.locator("canvas").evaluate((canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    let pixels = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (Math.abs(data[at] - 124) < 8 && Math.abs(data[at + 1] - 196) < 8 && data[at + 2] > 245) pixels += 1;
    }
    return pixels;
  });
  assert.ok(drawn > 100, `${drawn} pixels of the line`);
  silent(page);
});

test("a new set comes into the log by itself, and a row that is being edited is left alone", async (t) => {
  const page = await admin(t, { size: { width: 390, height: 844 } });
  const [{ id }] = await api("sets");
  await press(page, id, "Edit");
  await page.getByLabel(`Note of set ${id}`).fill("half a wor");
  await until("a newer one", async () => Number(await page.locator(".log tbody tr").first().getAttribute("data-set")) > id, 120);
  assert.equal(await page.getByLabel(`Note of set ${id}`).inputValue(), "half a wor");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the phone overflows");
  silent(page);
});

test("a set becomes an example of an exercise of the athlete's own, which is listed and forgotten", async (t) => {
  const page = await admin(t);
  const [{ id }] = await api("sets");
  await press(page, id, "Example");
  await page.getByLabel(`Example of set ${id}`).fill("Zercher Squat");
  await press(page, id, "Remember");
  await until("the box has it", async () => (await api("prototypes")).some(({ exercise }) => exercise === "Zercher Squat"));
  const recorded = page.locator('[data-section="recorded"] tbody tr').filter({ hasText: "Zercher Squat" });
  await until("it is listed", async () => (await recorded.count()) === 1);
  assert.match(await recorded.innerText(), new RegExp(`set ${id}`));
  await recorded.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete Zercher Squat" }).click();
  await until("it is forgotten", async () => (await api("prototypes")).length === 0 && (await recorded.count()) === 0);
  silent(page);
});

/** Says what is to be recorded, with a short countdown, and begins. */
async function record(page, { camera, exercise, seconds }) {
  const form = page.locator("form.record");
  await until("the cameras are there", async () => (await form.locator("option").count()) > 0);
  await form.evaluate((node) => (node.dataset.countdown = "3.5"));
  await form.getByLabel("Camera").selectOption(camera);
  await form.getByLabel("Exercise").fill(exercise);
  await form.getByLabel("Seconds").fill(String(seconds));
  await form.getByRole("button", { name: "Record" }).click();
}
const learnt = (page) => page.locator('[data-part="learnt"]');

test("an example is recorded before the camera after a countdown, is learnt, and its exercise can be chosen", async (t) => {
  const page = await admin(t);
  const dialog = page.locator("dialog#recording");
  await record(page, { camera: "rack", exercise: "Cellar Squat", seconds: 45 });
  // All at one moment, for the countdown may be over at the next.
  const height = await until("it counts down", () => dialog.evaluate((node) => {
    const count = node.querySelector(".count");
    const counts = /^[1-4]$/.test(count.textContent) && node.querySelector(".told").textContent === "Starts in";
    return counts && count.getBoundingClientRect().height;
  }));
  assert.ok(height > 200, "the figures are small");
  await until("it collects", async () => Number((await dialog.locator('[data-part="looks"]').innerText()).slice("Looks: ".length)) > 20);
  assert.equal(await dialog.locator(".told").innerText(), "Do at least three repetitions");
  await until("it is learnt", async () => /^Example of Cellar Squat with \d+ repetitions is learnt\.$/.test(await learnt(page).innerText()), 90);
  assert.equal(await dialog.evaluate((node) => node.open), false);
  const [kept] = (await api("prototypes")).filter(({ exercise }) => exercise === "Cellar Squat");
  assert.ok(kept, "the box does not have it");
  await until("it is listed", async () => (await page.locator('[data-section="recorded"] tbody tr').filter({ hasText: "Cellar Squat" }).count()) === 1);
  assert.ok((await api("exercises")).some(({ name }) => name === "Cellar Squat"));
  silent(page);
});

test("a recording is cancelled, and one that is stopped too soon is refused in the box's words", async (t) => {
  const page = await admin(t);
  const dialog = page.locator("dialog#recording");
  const before = (await api("prototypes")).length;
  await record(page, { camera: "rack", exercise: "Cellar Squat", seconds: 10 });
  await page.keyboard.press("Escape");
  await until("it is closed", async () => (await dialog.evaluate((node) => node.open)) === false);
  assert.equal(await learnt(page).innerText(), "");
  await record(page, { camera: "rack", exercise: "Cellar Squat", seconds: 10 });
  await dialog.getByRole("button", { name: "Stop" }).click();
  const refused = /^(No repetition was found in this clip|Nobody is seen in this clip|The box did not look at this camera in that time)\.$/;
  await until("it is refused", async () => refused.test(await learnt(page).innerText()));
  assert.equal((await api("prototypes")).length, before);
  assert.deepEqual(page.said.filter((line) => !line.includes("422")), []);
  assert.deepEqual(page.errors, []);
});

test("a camera that is lost while it is recorded ends that with a sentence; it may show skeletons only", async (t) => {
  const picture = await fetch(`${box.url}snapshot`, { headers: { "X-Api-Key": KEY } });
  const camera = await slowCamera(Buffer.from(await picture.arrayBuffer()));
  const other = await Box.start({ door: { source: camera.url, privacy: true } }, { model: STAND_IN });
  t.after(async () => {
    camera.end();
    await other.end();
  });
  const page = await open(t, browser, other, "admin");
  await record(page, { camera: "door", exercise: "Row", seconds: 60 });
  await until("it collects", async () => /^Looks: [1-9]/.test(await page.locator('dialog [data-part="looks"]').innerText()), 60);
  camera.end();
  await until("it says so", async () => /^The camera door was lost: .+\.$/.test(await learnt(page).innerText()), 60);
  assert.equal(await page.locator("dialog#recording").evaluate((node) => node.open), false);
  assert.deepEqual(await (await fetch(`${other.url}api/v1/prototypes`)).json(), []);
  silent(page);
});

test("what a receiver refused is tried again at a press, and is taken", async (t) => {
  const [refused, taken] = [[], []];
  let well = false;
  const hook = createServer((request, response) =>
    request.resume().on("end", () => {
      (well ? taken : refused).push(request.headers["idempotency-key"]);
      response.writeHead(well ? 200 : 422).end();
    }));
  await new Promise((resolve) => hook.listen(0, "127.0.0.1", resolve));
  const sink = ["[[sink]]", 'name = "hook"', 'kind = "webhook"', `url = "http://127.0.0.1:${hook.address().port}/"`];
  const source = "demo:squat?reps=3&rest=7&fps=12&size=480x270&seed=4";
  const other = await Box.start({ rack: source }, { more: ["[set_boundary]", "quiet_seconds = 3.0", ...sink] });
  t.after(async () => {
    await other.end();
    hook.close();
  });
  const page = await open(t, browser, other, "admin");
  const again = page.getByRole("button", { name: "Try again what hook did not take" });
  await until("a set is refused", async () => (await again.count()) === 1, 120);
  well = true;
  await again.focus();
  await page.keyboard.press("Enter");
  const said = page.locator('[data-section="sinks"] [data-part="said"]');
  await until("it is said", async () => /^What hook refused is tried again: [1-9]\d*\.$/.test(await said.textContent()));
  await until("it is taken", () => taken.includes(refused[0]));
  silent(page);
});
