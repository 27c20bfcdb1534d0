// What is counted as a person sees it: a real box with its demo athlete, who squats five times and rests. Its model sees
// him, its workout counts, its log keeps the set; the wall and the admin page show it, in a real browser.
//
// Every wait is for a condition.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Box, live, open, openBrowser, tile, until } from "./box.mjs";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

const athlete = (more = "") => `demo:squat?reps=5&rest=7&fps=12&size=480x270${more}`;
const SOON = ["[set_boundary]", "quiet_seconds = 3.0"];
/** A set takes some twenty seconds, and the first may be cut by the start of the box. */
const A_SET_S = 180;

async function gym(t, cameras, options) {
  const box = await Box.start(cameras, { more: SOON, ...options });
  t.after(() => box.end());
  return box;
}

const part = (page, name, what) => tile(page, name).locator(what);
const text = (page, name, what) => part(page, name, what).textContent();
const api = async (box, path, options) => (await fetch(`${box.url}api/v1/${path}`, options)).json();

/** The list of a camera's exercises, in focus and filled. */
async function filled(page, name) {
  const list = page.getByLabel(`Exercise of ${name}`);
  await list.focus();
  await until("the list is there", async () => (await list.locator("option").count()) > 10);
  return list;
}

/** Every text that the node `what` of a tile has shown from now on; ask for it with the function that is returned. */
async function notes(page, name, what) {
  const key = `notes of ${name} ${what}`;
  await part(page, name, what).evaluate((node, key) => {
    const all = (window[key] = [node.textContent]);
    new MutationObserver(() => all.push(node.textContent)).observe(node, { childList: true, characterData: true, subtree: true });
  }, key);
  return () => page.evaluate((key) => window[key], key);
}

test("the wall counts as the box does; then the set stands in the list with the last number, and the rest runs", async (t) => {
  const box = await gym(t, { rack: athlete() });
  const page = await open(t, browser, box);
  await live(page, "rack");
  const numbers = await notes(page, "rack", ".number");
  const tempos = await notes(page, "rack", ".tempo");
  // A set that is over: its last number, then nothing.
  const seen = await until("a set", async () => /(\d+) {2}$/.exec(`${(await numbers()).join(" ")} `), A_SET_S);
  for (const [, before, after] of seen.input.matchAll(/(?=\b(\d+) (\d+)\b)/g)) {
    assert.ok(Number(after) > Number(before), `the count goes back: ${seen.input}`);
  }
  const last = Number(seen[1]);
  for (const tempo of await tempos()) assert.match(tempo, /^(\d+-\d+-\d+-\d+)?$/);
  assert.ok((await tempos()).some((tempo) => tempo !== ""), "no tempo was shown");
  const row = await until("the set is in the log", async () => (await api(box, "sets")).find((set) => set.reps === last));
  const line = part(page, "rack", ".set").filter({ hasText: `${last} repetitions` }).first();
  await until("it is in the list", async () => (await line.count()) > 0);
  assert.equal(await line.locator(".what").textContent(), row.exercise ?? "Unknown");
  await until("the rest runs", async () => /^Rest 0:0[4-9]$/.test(await text(page, "rack", ".rest")), A_SET_S);
  assert.deepEqual([page.errors, page.said], [[], []]);
});

test("the digits are a fifth of the tile high and more, and a page that comes late shows the same", async (t) => {
  const box = await gym(t, { rack: athlete() });
  const [early, late] = [await open(t, browser, box), await open(t, browser, box, "", { size: { width: 360, height: 640 } })];
  for (const page of [early, late]) {
    await live(page, "rack");
    // All at one moment, for the set may be over at the next. Digits have no part below the line.
    const { digits, number, whole } = await until("it counts", () => tile(page, "rack").evaluate((node) => {
      const number = node.querySelector(".number");
      if (number.textContent === "") return null;
      const context = document.createElement("canvas").getContext("2d");
      const style = getComputedStyle(number);
      context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
      const digits = context.measureText(number.textContent).actualBoundingBoxAscent;
      return { digits, number: number.getBoundingClientRect().toJSON(), whole: node.getBoundingClientRect().toJSON() };
    }), A_SET_S);
    assert.ok(digits >= whole.height / 5, `${digits} of ${whole.height}`);
    assert.ok(number.x + number.width < whole.x + whole.width / 2, "the count lies over the middle");
  }
});

test("an exercise is chosen by key, told to the box, shown on every wall, and taken back", async (t) => {
  const box = await gym(t, { "rack_1": athlete() });
  const [page, other] = [await open(t, browser, box), await open(t, browser, box)];
  for (const one of [page, other]) await live(one, "rack_1");
  const list = await filled(page, "rack_1");
  assert.equal(await list.locator("option").first().textContent(), "Automatic");
  await page.keyboard.type("Fro");
  await until("it is told", async () => (await api(box, "cameras/rack_1/exercise")).name === "Front Squat");
  for (const one of [page, other]) {
    await until("it is shown", async () => (await text(one, "rack_1", ".exercise")) === "Front Squat");
    await until("it is chosen there", async () => (await one.getByLabel("Exercise of rack_1").inputValue()) === "Front Squat");
  }
  await list.selectOption({ label: "Automatic" });
  await until("it is taken back", async () => (await api(box, "cameras/rack_1/exercise")).name === null);
  for (const one of [page, other]) {
    await until("automatic again", async () => (await one.getByLabel("Exercise of rack_1").inputValue()) === "");
    assert.deepEqual([one.errors, one.said], [[], []]);
  }
});

test("what is recognised and then chosen is chosen on the other wall, too", async (t) => {
  const box = await gym(t, { rack: athlete() });
  const [page, other] = [await open(t, browser, box), await open(t, browser, box)];
  for (const one of [page, other]) await live(one, "rack");
  const list = await filled(page, "rack");
  const name = await until("it is recognised", async () => {
    const texts = await Promise.all([page, other].map((one) => text(one, "rack", ".exercise")));
    return texts[0] === texts[1] && texts[0] !== "Automatic" && texts[0];
  }, A_SET_S);
  await list.selectOption({ label: name });
  await until("it is chosen there", async () => (await other.getByLabel("Exercise of rack").inputValue()) === name);
});

test("an answer from before the choice does not undo it on the page", async (t) => {
  const box = await gym(t, { rack: athlete() });
  const page = await open(t, browser, box);
  await live(page, "rack");
  const list = await filled(page, "rack");
  await list.blur();
  // What is asked is answered at once by the box, and reaches the page after the choice.
  let pass;
  const chosen = new Promise((resolve) => (pass = resolve));
  let late;
  const arrived = new Promise((resolve) => (late = resolve));
  await page.route("**/api/v1/cameras/rack/exercise", async (route) => {
    if (route.request().method() !== "GET") return route.continue();
    const response = await route.fetch();
    await chosen;
    await route.fulfill({ response });
    late();
  });
  await list.focus();
  await list.selectOption({ label: "Front Squat" });
  await until("it is told", async () => (await api(box, "cameras/rack/exercise")).name === "Front Squat");
  pass();
  await arrived;
  assert.equal(await list.inputValue(), "Front Squat");
  await until("it is shown", async () => (await text(page, "rack", ".exercise")) === "Front Squat");
  assert.equal(await list.inputValue(), "Front Squat");
});

test("a refused choice says why in the box's words, and the list goes back", async (t) => {
  const box = await gym(t, { rack: athlete() });
  const page = await open(t, browser, box);
  await live(page, "rack");
  const list = await filled(page, "rack");
  // The list goes back with the sentence, and not only when the box has been asked again what is so.
  await page.route("**/api/v1/cameras/rack/exercise", (route) =>
    route.request().method() === "GET" ? route.abort() : route.continue());
  // A name that the box refuses: its own sentence comes back over the wire.
  await list.evaluate((node) => node.append(new Option("too long", "x".repeat(65))));
  await list.selectOption({ label: "too long" });
  await until("the sentence", async () => /at most 64 characters/.test(await text(page, "rack", ".refusal")));
  assert.equal(await list.inputValue(), "");
  assert.equal((await api(box, "cameras/rack/exercise")).name, null);
});
