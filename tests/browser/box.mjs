// The real parts of the browser tests: the box as a process, and Debian's Chromium.
//
// SPOTTER_BIN names the program, CHROMIUM the browser (default /usr/bin/chromium), SPOTTER_MODEL a trained model for the
// tests that want one. A box gets a config and a data directory of its own, and a free port that it keeps over a restart.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const BROWSER_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What looks for people where no trained model is wanted: it sees the same two in every picture. See standin.py. */
export const STAND_IN = fileURLToPath(new URL("standin.onnx", import.meta.url));

/** The browser; close it when done. */
export const openBrowser = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: BROWSER_FLAGS });

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Asks `look` again until what it gives is true, and returns that; throws with `what` after `seconds`. */
export async function until(what, look, seconds = 20) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** One box: `cameras` as `{name: source}`, or `{name: {source, and other keys of the config}}`; `more`: lines of the config. */
export class Box {
  static async start(cameras, { key = "", model = "", more = [] } = {}) {
    const box = new Box();
    box.folder = await mkdtemp(join(tmpdir(), "spotter-browser-"));
    box.port = await freePort();
    const lines = ["[http]", `listen = "127.0.0.1:${box.port}"`];
    if (key) lines.push(`api_key = "${key}"`);
    if (model) lines.push("[pose]", `model = ${JSON.stringify(model)}`);
    lines.push(...more);
    for (const [name, camera] of Object.entries(cameras)) {
      const keys = { name, ...(typeof camera === "string" ? { source: camera } : camera) };
      // What these tests write has one form in JSON and in TOML.
      lines.push("[[camera]]", ...Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`));
    }
    await writeFile(join(box.folder, "spotter.toml"), `${lines.join("\n")}\n`);
    await box.up();
    return box;
  }

  /** Starts the program and waits for the line with its address. */
  async up() {
    const program = process.env.SPOTTER_BIN;
    if (!program) throw new Error("SPOTTER_BIN must name the program to test");
    const options = ["run", "--config", join(this.folder, "spotter.toml"), "--data-dir", this.folder];
    this.process = spawn(program, options, { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: this.process.stdout });
    const first = await Promise.race([once(lines, "line"), once(this.process, "exit")]);
    const found = /spotter: (http:\/\/\S+)/.exec(String(first[0]));
    if (!found) throw new Error(`the box did not start: ${first[0]}`);
    this.url = found[1];
  }

  /** Kills it as a power cut would. */
  async kill() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await gone;
  }

  async end() {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The tile of a camera, its state, the frame its picture shows, and when it is live. */
export const tile = (page, name) => page.locator(`.tile[data-camera="${name}"]`);
export const state = (page, name) => tile(page, name).getAttribute("data-state");
export const frame = async (page, name) => Number((await tile(page, name).getAttribute("data-frame")) ?? 0);
export const live = (page, name) => until(`${name} is live`, async () => (await state(page, name)) === "live");

/** A page of `box` that ends with the test `t`; what it says in the console and throws is kept. `before(context)` comes first. */
export async function open(t, browser, box, path = "", { size = { width: 1280, height: 720 }, before } = {}) {
  const context = await browser.newContext({ viewport: size });
  t.after(() => context.close());
  await before?.(context);
  const page = await context.newPage();
  page.errors = [];
  page.on("pageerror", (error) => page.errors.push(error.message));
  page.said = [];
  page.on("console", (message) => page.said.push(`${message.type()}: ${message.text()}`));
  await page.goto(box.url + path);
  return page;
}

/** A network camera that gives `jpeg` every three seconds, which most stills of a wall find unchanged. */
export async function slowCamera(jpeg) {
  const head = `Content-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`;
  const server = createHttpServer((request, response) => {
    response.writeHead(200, { "Content-Type": "multipart/x-mixed-replace; boundary=frame" });
    const part = Buffer.concat([Buffer.from(`--frame\r\n${head}`), jpeg, Buffer.from("\r\n")]);
    response.write(part);
    const timer = setInterval(() => response.write(part), 3000);
    response.on("close", () => clearInterval(timer));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const end = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}/slow.mjpg`, end };
}

/** The connections that this machine has open to the box's port, from the kernel's table. */
export async function connectionsTo(port) {
  const table = await readFile("/proc/net/tcp", "utf8");
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const ESTABLISHED = "01";
  return table.split("\n").filter((line) => {
    const [, , to, state] = line.trim().split(/\s+/);
    return to === remote && state === ESTABLISHED;
  }).length;
}
