// Waiting that can be cut short. Everything that repeats on these pages waits here, so that a hidden page does nothing.

/** Resolves after `ms`, or at once when `signal` is raised. */
export function pause(ms, signal) {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}

/** A signal that is raised after `ms`, or with `signal`. (The browsers of many TVs know no `AbortSignal.any`.) */
export function limit(ms, signal) {
  const control = new AbortController();
  const raise = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", raise);
    control.abort();
  };
  const timer = setTimeout(raise, ms);
  signal?.addEventListener("abort", raise);
  if (signal?.aborted) raise();
  return control.signal;
}

/** `ms`, a tenth more or less: many walls that began together must not ask together. */
export const jittered = (ms) => ms * (0.9 + 0.2 * Math.random());

/** Resolves while the page can be seen. */
export async function seen() {
  while (document.visibilityState === "hidden") {
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
}

/** Lets at most `places` through at a time, the others in the order of their coming. */
export function gate(places) {
  const waiting = [];
  return async (work) => {
    if (places > 0) places -= 1;
    else await new Promise((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else places += 1;
    }
  };
}
