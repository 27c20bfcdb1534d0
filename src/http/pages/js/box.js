// The line to the box: asks for the cameras every 2 s, hears events in between, and knows when the box does not answer.
//
// Events: `rows` (all cameras' status), `note` (one camera was lost or came back), `state` (who is seen in one frame of a
// camera, and what he does), `rep`, `set_ended`, `missed` (events were lost on the way), `gone`, `back`.
// A browser opens six connections to a host. Four are for pictures; one is for the events, and one for everything here:
// the questions of this file are asked one after the other. A hidden page asks nothing and hears nothing.

import { Clock } from "./clock.js";
import { jittered, limit, pause, seen } from "./pause.js";

const EVERY_MS = 2000;
const ANSWER_MS = 4000;
const DEAF_MS = 5000;
/** The box's events, and what they are called here. */
const HEARD = [["camera", "note"], ["state", "state"], ["rep", "rep"], ["set_ended", "set_ended"]];
const BACKOFF_MS = [500, 1000, 2000];

export class Box extends EventTarget {
  clock = new Clock();
  /** When it stopped answering; null while it answers. */
  goneSince = null;
  #rows;
  #hears;
  #edition = null;
  #greeted = false;
  #events = null;
  #listenFrom = 0;
  #hurry = new AbortController();

  /** `rows`: the address to ask; `events`: whether to hear events as well. */
  constructor(rows, { events = false } = {}) {
    super();
    this.#rows = rows;
    this.#hears = events;
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.#deafen();
      else this.hurry();
    });
  }

  /** Asks again now rather than at the next turn. */
  hurry() {
    this.#hurry.abort();
  }

  /** Asks the box. A wrong or missing key leads to the login page; every other answer is the caller's. */
  async ask(path, { timeout = ANSWER_MS, signal, ...options } = {}) {
    const asked = Date.now();
    const answer = await fetch(path, {
      ...options,
      cache: "no-store",
      headers: { "X-Requested-With": "fetch", ...options.headers },
      signal: timeout ? limit(timeout, signal) : signal,
    });
    this.clock.learn(answer.headers.get("Date"), asked, Date.now());
    if (answer.status === 401) {
      const next = encodeURIComponent(location.pathname + location.hash);
      location.replace(`/login?next=${next}`);
      // The page goes away; nobody must take this for a fault of the box.
      await new Promise(() => {});
    }
    return answer;
  }

  /** Asks for ever. */
  async run() {
    for (let tries = 0; ; ) {
      await seen();
      this.#hurry = new AbortController();
      try {
        if (!this.#greeted) await this.#greet();
        const answer = await this.ask(this.#rows);
        if (!answer.ok) throw new Error(`the box answers with an error (${answer.status})`);
        const rows = await answer.json();
        this.#answered();
        this.#tell("rows", rows);
        tries = 0;
        await pause(EVERY_MS, this.#hurry.signal);
      } catch {
        if (document.visibilityState === "hidden") continue;
        this.#silent();
        await pause(jittered(BACKOFF_MS[Math.min(tries, BACKOFF_MS.length - 1)]), this.#hurry.signal);
        tries += 1;
      }
      // However often it is hurried, it does not ask more than a few times a second.
      await pause(250);
    }
  }

  /** Any answer will do: `/healthz` fails for stale cameras too. Then: are these pages still the box's own? */
  async #greet() {
    await this.ask("/healthz");
    const page = await this.ask(location.pathname, { method: "HEAD" });
    const edition = page.headers.get("ETag");
    if (this.#edition !== null && edition !== null && edition !== this.#edition) location.reload();
    this.#edition = edition;
    this.#greeted = true;
  }

  #answered() {
    const wasGone = this.goneSince !== null;
    this.goneSince = null;
    if (wasGone) this.#tell("back");
    this.#listen();
  }

  #silent() {
    this.#deafen();
    this.#greeted = false;
    if (this.goneSince !== null) return;
    this.goneSince = Date.now();
    this.#tell("gone");
  }

  // The browser's own reconnecting is not used: it knows no key, and would open the browser's password dialog.
  #listen() {
    if (!this.#hears || this.#events || document.visibilityState === "hidden") return;
    if (Date.now() < this.#listenFrom) return;
    const events = new EventSource("/api/v1/events");
    for (const [name, ours] of HEARD) events.addEventListener(name, ({ data }) => this.#tell(ours, JSON.parse(data)));
    events.addEventListener("lagged", () => {
      this.#tell("missed");
      this.hurry();
    });
    events.addEventListener("error", () => {
      if (this.#events !== events) return;
      // Ended: perhaps it is another box soon. Refused, because too many listen: the questions do, for a while.
      this.#deafen();
      this.#greeted = false;
      this.#listenFrom = Date.now() + DEAF_MS;
      this.hurry();
    });
    this.#events = events;
  }

  #deafen() {
    this.#events?.close();
    this.#events = null;
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
