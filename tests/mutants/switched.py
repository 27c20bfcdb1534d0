#!/usr/bin/env python3
"""Tries many changes of `run.py`'s slice `workout` with one build: `switched.py FILE...`.

`run.py` builds a slice anew for every change. Here all changes stand in one slice, each behind a number (`changes.py`), and
the number that is on is in the environment; what is left for a change is a run of tests. A first run of each test notes
which changes it comes by. A change meets those tests alone, first those that caught its neighbours, the quicker before the
slower, up to the first that fails.

A test may take some times the processor's seconds that it takes without a change, so that no load of the machine passes for
an endless test. What stands in a constant is built alone. Not tried are the constants of some files (TABLES): they are
tables of numbers, measured or a textbook's, and the count of labelled sets judges them.

SHARD=K/N takes every Nth of a file's changes, from the Kth on, as cargo-mutants does. They are tried in the order of a hash of
their names, so that what was tried when it is ended early is a fair part of them. RESULTS names a file of JSON lines to
which what was found is added; what stands there is not tried again. AGAIN names one whose missed ones are tried instead.
"""

import collections
import concurrent.futures
import glob
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import changes
import run

SLICE = "workout"
# Files whose constants are tables of numbers that are not tried.
TABLES = ("src/workout/ends.rs", "src/workout/exercise.rs", "src/workout/textbook.rs")
OPTIMISED = {"CARGO_PROFILE_DEV_OPT_LEVEL": "1", "CARGO_PROFILE_TEST_OPT_LEVEL": "1"}
# So many times what it takes otherwise, and so many seconds more, a test may take of a processor.
PATIENCE, GRACE_S = 8, 4
MEMORY = 4 << 30
LANES = int(os.environ.get("LANES", "2"))
EVERY = 0xFFFF_FFFF

SWITCH = """//! Which change is on.
#![allow(unsafe_code)]
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

const COUNT: usize = @COUNT@;
static ON: AtomicU32 = AtomicU32::new(0);
static MET: [AtomicU8; COUNT + 1] = [const { AtomicU8::new(0) }; COUNT + 1];

unsafe extern "C" {
    fn atexit(end: extern "C" fn()) -> i32;
}

extern "C" fn begin() {
    let Some(number) = std::env::var("MUTANT").ok().and_then(|text| text.parse().ok()) else { return };
    ON.store(number, Relaxed);
    if number == u32::MAX {
        unsafe { atexit(end) };
    }
}

extern "C" fn end() {
    let met = (0..=COUNT).filter(|n| MET[*n].load(Relaxed) != 0).map(|n| n.to_string());
    let _ = std::fs::write(std::env::var("MET").unwrap_or_default(), met.collect::<Vec<_>>().join(" "));
}

#[used]
#[unsafe(link_section = ".init_array")]
static BEGIN: extern "C" fn() = begin;

/// The change that is on, if it is one of these; or else 0.
#[inline(always)]
pub fn one_of(first: u32, last: u32) -> u32 {
    let on = ON.load(Relaxed);
    if on == 0 { 0 } else { found(on, first, last) }
}

#[cold]
#[inline(never)]
fn found(on: u32, first: u32, last: u32) -> u32 {
    if on == u32::MAX {
        (first..=last).for_each(|n| MET[n as usize].store(1, Relaxed));
        return 0;
    }
    if (first..=last).contains(&on) { on } else { 0 }
}
"""


def make(folder, sources):
    """Writes the slice with every change in it, and says how each source looks now."""
    texts = {}
    for source in sources:
        texts[source.path] = source.rewritten()
        with open(f"{folder}/{source.path}", "w", encoding="utf-8") as out:
            out.write(texts[source.path])
    return texts


def compiled(folder):
    """Builds the slice's tests: where they are, or nothing, and what the compiler said."""
    target = os.environ.get("CARGO_TARGET_DIR", os.path.abspath("target"))
    command = ["cargo", "test", "--no-run", "--lib", "--message-format", "json", "--manifest-path", f"{folder}/Cargo.toml"]
    environment = {**os.environ, **OPTIMISED, "CARGO_TARGET_DIR": target}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found = [message["executable"] for message in messages if message.get("executable")]
    errors = [message["message"] for message in messages if message.get("reason") == "compiler-message"]
    errors = [error for error in errors if error["level"] == "error"]
    if done.returncode != 0 and not errors:
        sys.exit(done.stderr[-3000:])
    return (found[-1] if done.returncode == 0 else None), errors


def build(folder, sources):
    """Builds with all changes, less those that do not build beside the others."""
    while True:
        texts = make(folder, sources)
        binary, errors = compiled(folder)
        if binary is not None:
            # Another build writes to the same place.
            return shutil.copy(binary, f"{folder}/tests-of-all")
        faults = blamed(errors, texts)
        if not faults:
            sys.exit("".join(error["rendered"] for error in errors[:5]))
        by_number = {change.number: change for source in sources for change in source.changes}
        for number, why in faults.items():
            by_number[number].alone = why
        # The next time it need not be tried again.
        remember(f"{run.OUT}/alone.json", {by_number[number].name: why for number, why in faults.items()})
        print(f"{len(faults)} do not build beside the others", flush=True)


def remember(path, more):
    """Adds to what was found to be alone, and says all of it."""
    known = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            known = json.load(file)
    known |= more
    with open(path, "w", encoding="utf-8") as file:
        json.dump(known, file)
    return known


def blamed(errors, texts):
    """The changes in which errors lie, with what is wrong."""
    faults = {}
    for error in errors:
        for span in error["spans"]:
            text = texts.get(span["file_name"], "").encode()
            before, inside = text[: span["byte_start"] + 1], []
            # A switch where none may stand.
            if match := re.match(rb"crate::switch::one_of\((\d+), (\d+)\)", text[span["byte_start"] :]):
                faults.update((number, error["message"]) for number in range(int(match[1]), int(match[2]) + 1))
            for mark in re.finditer(rb"/\*([<>])(\d+)\*/", before):
                if mark[1] == b"<":
                    inside.append(int(mark[2]))
                else:
                    inside.pop()
            if inside:
                faults.setdefault(inside[-1], error["message"])
    return faults


class Bench:
    """The tests of a slice, and what each comes by and takes."""

    def __init__(self, binary, folder):
        self.folder, self.binary = folder, os.path.abspath(binary)
        listing = subprocess.run([self.binary, "--list", f"{SLICE}::"], check=True, capture_output=True, text=True).stdout
        self.names = [line[: -len(": test")] for line in listing.splitlines() if line.endswith(": test")]
        self.taken_s, self.met = {}, {}
        self.lock, self.caught_by = threading.Lock(), collections.defaultdict(collections.Counter)

    def run(self, name, number=0, met="", most_s=600, binary=None):
        """Runs a test with one change on: how it ended, and what processor's seconds it took."""

        def limit():
            resource.setrlimit(resource.RLIMIT_CPU, (int(most_s) + 1, int(most_s) + 2))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        command = [binary or self.binary, "--exact", name, "--test-threads", "1", "--quiet"]
        environment = {**os.environ, "MUTANT": str(number), "MET": met, "RUST_BACKTRACE": "0"}
        nothing = subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=self.folder, env=environment, preexec_fn=limit, stdout=nothing, stderr=nothing)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode, usage.ru_utime + usage.ru_stime

    def record(self, pool):
        """Notes which changes each test comes by, and how long it takes."""

        def one(name):
            met = os.path.abspath(f"{self.folder}/met-{name.replace(':', '-')}")
            first, _ = self.run(name, EVERY, met)
            code, taken_s = self.run(name)
            if first != 0 or code != 0:
                return name, taken_s, None
            with open(met, encoding="utf-8") as numbers:
                return name, taken_s, {int(number) for number in numbers.read().split()}

        for name, taken_s, met in pool.map(one, self.names):
            self.taken_s[name], self.met[name] = taken_s, met
        if failed := [name for name in self.names if self.met[name] is None]:
            told = f"without any change these fail: {', '.join(failed)}"
            sys.exit(f"{told}; what a build left that was ended may be in target/debug/incremental")

    def judge(self, change, path, binary=None):
        """How a change ended, and by which test; one with a binary of its own meets all tests."""
        where = (path, change.function)
        with self.lock:
            before = dict(self.caught_by[where])
        names = [name for name in self.names if binary or change.number in self.met[name]]
        names.sort(key=lambda name: (self.taken_s[name] + 0.01) / (1 + 3 * before.get(name, 0)))
        for name in names:
            code, _ = self.run(name, 0 if binary else change.number, most_s=PATIENCE * self.taken_s[name] + GRACE_S, binary=binary)
            if code != 0:
                with self.lock:
                    self.caught_by[where][name] += 1
                return ("endless" if code in (-signal.SIGXCPU, -signal.SIGKILL) else "caught"), name
        return ("missed" if names else "not met"), f"{len(names)} tests"


def alone(folder, source, change, bench):
    """Builds the slice with this change alone, and judges it."""
    with open(f"{folder}/{source.path}", "w", encoding="utf-8") as out:
        out.write(source.alone(change))
    binary, errors = compiled(folder)
    if binary is None:
        return "not buildable", errors[0]["message"]
    return bench.judge(change, source.path, os.path.abspath(shutil.copy(binary, f"{folder}/tests-of-one")))


def is_of_table(change, path):
    """Whether it is a number of a table."""
    return path in TABLES and change.alone == changes.CONSTANTS


def table(sources, results):
    """Figures by file."""
    ends = ["caught", "endless", "missed", "not met", "not buildable", "table"]
    print(f"{'file':28} " + " ".join(f"{end:>13}" for end in ends) + "      %")
    counts = {source.path: collections.Counter(end["end"] for end in results if end["file"] == source.path) for source in sources}
    counts["all"] = sum(counts.values(), collections.Counter())
    for name, count in counts.items():
        good, bad = count["caught"] + count["endless"], count["missed"] + count["not met"]
        print(f"{name:28} " + " ".join(f"{count[end]:13}" for end in ends) + f" {100 * good / max(good + bad, 1):6.1f}")


def tried(folder, sources, known):
    """Tries those of the shard that are not known yet, one result after the other."""
    k, n = (int(part) for part in os.environ.get("SHARD", "0/1").split("/"))
    wanted = [(source, change) for source in sources for at, change in enumerate(source.changes) if at % n == k]
    if "AGAIN" in os.environ:
        with open(os.environ["AGAIN"], encoding="utf-8") as lines:
            again = {end["name"] for end in map(json.loads, lines) if end["end"] in ("missed", "not met")}
        wanted = [(source, change) for source in sources for change in source.changes if change.name in again]
    wanted = [(source, change) for source, change in wanted if change.name not in known]

    def result(source, change, end, by):
        return {"name": change.name, "file": source.path, "end": end, "by": by}

    for source, change in wanted:
        if is_of_table(change, source.path):
            yield result(source, change, "table", "")
    wanted = [(source, change) for source, change in wanted if not is_of_table(change, source.path)]
    wanted.sort(key=lambda of: hashlib.sha256(of[1].name.encode()).digest())
    begun = time.monotonic()
    bench = Bench(build(folder, sources), folder)
    print(f"built in {time.monotonic() - begun:.0f} s", flush=True)
    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        bench.record(pool)
        print(f"{len(bench.names)} tests take {sum(bench.taken_s.values()):.1f} s of a processor", flush=True)
        together = [(source, change) for source, change in wanted if change.alone is None]
        judged = [pool.submit(lambda of: (*of, *bench.judge(of[1], of[0].path)), of) for of in together]
        for one in concurrent.futures.as_completed(judged):
            yield result(*one.result())
    for source, change in [(source, change) for source, change in wanted if change.alone is not None]:
        # A value that is not of the type is so alone, too.
        if change.kind == "body" and change.alone not in (changes.CONSTANTS, changes.CALLED):
            yield result(source, change, "not buildable", change.alone)
            continue
        yield result(source, change, *alone(folder, source, change, bench))
        with open(f"{folder}/{source.path}", "wb") as out:
            out.write(source.raw)


def main():
    sources = [changes.Source(path) for path in sys.argv[1:]]
    everything = [change for source in sources for change in source.changes]
    for number, change in enumerate(everything, 1):
        change.number = number
    print(f"{len(everything)} changes in {len(sources)} files", flush=True)
    called = changes.called_by_constants(glob.glob("src/workout/*.rs"))
    for source in sources:
        source.keep_constant(called)
    os.makedirs(run.OUT, exist_ok=True)
    apart = remember(f"{run.OUT}/alone.json", {})
    for change in everything:
        change.alone = change.alone or apart.get(change.name)
    folder = run.make_slice(SLICE)
    with open(f"{folder}/src/switch.rs", "w", encoding="utf-8") as out:
        out.write(SWITCH.replace("@COUNT@", str(len(everything))))
    with open(f"{folder}/src/lib.rs", "r+", encoding="utf-8") as lib:
        text = lib.read().replace("#![allow(", "#![allow(warnings, ")
        lib.seek(0)
        lib.write(text + "pub mod switch;\n")
    results, out = [], os.environ.get("RESULTS", f"{run.OUT}/switched.jsonl")
    if os.path.exists(out):
        with open(out, encoding="utf-8") as lines:
            results = [json.loads(line) for line in lines]
    known = {result["name"] for result in results}
    with open(out, "a", encoding="utf-8") as log:
        for result in tried(folder, sources, known):
            results.append(result)
            log.write(json.dumps(result) + "\n")
            log.flush()
            if result["end"] in ("missed", "not met"):
                print(f"{result['end']}: {result['name']}", flush=True)
    table(sources, results)


if __name__ == "__main__":
    main()
