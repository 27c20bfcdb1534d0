#!/usr/bin/env python3
"""Changes the sources one place at a time and looks whether a test minds: `run.py FILE...`, each in a slice.

A file is not changed where it stands, but in a slice: a crate of its room and what that imports, with the rooms' own tests,
made below target/mutants. So a mutant costs the build of a few files and not of the whole box. Dependencies are the box's, by
its Cargo.toml and Cargo.lock, and what `cargo test` has built of them is used again.

A mutant meets the tests of its file first and then, if they let it through, those of its room. What no test minded is printed
as it is found, and figures by file in the end. An endless test is a caught mutant.
"""

import collections
import json
import os
import re
import shutil
import subprocess
import sys

OUT = "target/mutants"
# So long a file's own tests and a room's may take.
OWN_S = 25
ROOM_S = int(os.environ.get("ROOM_SECONDS", "150"))
UNTRIED = "Untried"
# Of long files only every Nth mutant, from the Kth on: K/N.
SHARD = os.environ.get("SHARD", "")

Slice = collections.namedtuple("Slice", "files rooms sources tests")
SLICES = {
    # The interleavings of the mailbox are tests of it like its own.
    "mailbox": Slice("src/mailbox/(slot|sync)", "pub mod mailbox;", ["src/mailbox"], ["--tests"]),
    "head": Slice(
        "src/http/(head|query)",
        "pub mod http { pub mod head; pub mod query; }",
        ["src/http/head.rs", "src/http/query.rs"],
        ["--lib"],
    ),
    "shots": Slice(
        "src/jpeg/(shots|queue)",
        "pub mod events; pub mod frame; pub mod time; pub mod jpeg { pub mod shots; mod queue; pub use shots::Variant; }",
        ["src/events.rs", "src/frame", "src/time.rs", "src/jpeg/shots.rs", "src/jpeg/queue.rs"],
        ["--lib", "--", "jpeg::"],
    ),
    "sink": Slice(
        "src/sink/(answer|backoff|client|lane|message|mod)",
        "pub mod error; pub mod metrics; pub mod sink; pub mod skeleton; pub mod store; pub mod threads; pub mod time; pub mod workout;",
        ["src/error.rs", "src/metrics", "src/sink", "src/skeleton.rs", "src/store", "src/threads", "src/time.rs", "src/workout"],
        ["--lib", "--", "sink::"],
    ),
    "workout": Slice(
        "src/workout/(?!.*tests)[a-z]+",
        "pub mod skeleton; pub mod time; pub mod workout;",
        ["src/skeleton.rs", "src/time.rs", "src/workout"],
        ["--lib", "--", "workout::"],
    ),
}


def make_slice(name):
    """Writes the crate of a slice, and says where."""
    folder = f"{OUT}/{name}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(f"{folder}/src")
    for source in SLICES[name].sources:
        os.makedirs(os.path.dirname(f"{folder}/{source}"), exist_ok=True)
        (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, f"{folder}/{source}")
    shutil.copytree("tests/receiver", f"{folder}/tests/receiver")
    if name == "mailbox":
        shutil.copy("tests/mailbox_loom.rs", f"{folder}/tests/")
    with open(f"{folder}/src/lib.rs", "w", encoding="utf-8") as lib:
        lib.write(f"//! A slice of the box, for mutants.\n#![allow(missing_docs, dead_code)]\n{SLICES[name].rooms}\n")
    # Under a name of its own, since all are built into one target folder.
    named = (r'(?m)^name = "spotter"$', f'name = "spotter-{name}"')
    with open("Cargo.lock", encoding="utf-8") as lock, open(f"{folder}/Cargo.lock", "w", encoding="utf-8") as out:
        out.write(re.sub(*named, lock.read()))
    with open("Cargo.toml", encoding="utf-8") as manifest, open(f"{folder}/Cargo.toml", "w", encoding="utf-8") as out:
        # Everything but targets and what is only for packing.
        parts = re.split(r"(?m)^(?=\[)", manifest.read())
        kept = "".join(part for part in parts if not part.startswith(("[[", "[package.metadata")))
        kept = re.sub(r"(?m)^default-run.*\n", "", re.sub(*named, kept)).replace('debug = "line-tables-only"', "debug = false")
        out.write(f'{kept}\n[lib]\nname = "spotter"\n\n[workspace]\n')
    return folder


def mutate(folder, file, out, seconds, only, tests, shard):
    """One pass over `file` by these tests; of each kind of end the mutants' names."""
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    command = ["cargo", "mutants", "--in-place", "--dir", folder, "--output", out, "--file", file]
    command += ["--timeout", str(seconds), "--no-shuffle", "--colors", "never", "--no-times", "--caught", "--unviable"]
    for name in only:
        command += ["--re", f"^{re.escape(name)}$"]
    if shard:
        command += ["--shard", shard, "--sharding", "round-robin"]
    target = {**os.environ, "CARGO_TARGET_DIR": os.environ.get("CARGO_TARGET_DIR", os.path.abspath("target"))}
    with open(f"{out}/log", "w", encoding="utf-8") as log:
        # It answers 2 if some were missed and 3 if some took too long.
        if subprocess.run([*command, "--", *tests], env=target, stdout=log, stderr=log).returncode not in (0, 2, 3):
            sys.exit(f"cargo mutants failed: {out}/log")
    with open(f"{out}/mutants.out/outcomes.json", encoding="utf-8") as outcomes:
        ends = collections.defaultdict(list)
        for outcome in json.load(outcomes)["outcomes"]:
            # First it runs the tests on what was not changed, and ends if one fails or they take too long.
            if outcome["scenario"] == "Baseline":
                continue
            name, end = outcome["scenario"]["Mutant"]["name"], outcome["summary"]
            # Without a test that began it was no endless test that took the time, but the build.
            if end == "Timeout" and not has_begun(f"{out}/mutants.out/{outcome['log_path']}"):
                end = UNTRIED
            # Left out fields of a struct it tries whatever it is asked for.
            if not only or name in only:
                ends[end].append(name)
    return ends


def has_begun(log):
    """Whether a test was begun, by the log of one mutant."""
    with open(log, encoding="utf-8", errors="replace") as lines:
        return any(re.match(r"running \d+ tests?$", line) for line in lines)


def judge(file):
    """How many of a file's mutants were caught, took for ever, could not be built, were missed, and met no test in time."""
    [(name, piece)] = [(name, piece) for name, piece in SLICES.items() if re.fullmatch(piece.files + r"\.rs", file)]
    folder = make_slice(name)
    out = f"{OUT}/out/{file[4:-3].replace('/', '-')}"
    with open(file, encoding="utf-8") as source:
        has_own = "\n#[cfg(test)]\nmod tests {" in source.read()
    ends, missed, untried = collections.Counter(), [], []
    passes = [(ROOM_S, piece.tests)]
    if has_own and "--" in piece.tests:
        # Of a file of the same name as its room's tests these are the room's.
        path = "::".join(part for part in file[4:-3].split("/") if part != "mod")
        passes.insert(0, (OWN_S, ["--lib", "--", f"{path}::tests::"]))
    for at, (seconds, tests) in enumerate(passes):
        found = mutate(folder, file, f"{out}-{at}", seconds, missed + untried, tests, SHARD if at == 0 else "")
        # What the first tests had no time for meets those of the room all the same.
        missed, untried = found.pop("MissedMutant", []), found.pop(UNTRIED, [])
        ends.update({end: len(names) for end, names in found.items()})
        if not missed + untried:
            break
    for end, mutants in (("missed", missed), ("not tried", untried)):
        for mutant in mutants:
            print(f"{end}: {mutant}", flush=True)
    return ends["CaughtMutant"], ends["Timeout"], ends["Unviable"], len(missed), len(untried)


def main():
    files = sys.argv[1:]
    for file in files:
        if not any(re.fullmatch(piece.files + r"\.rs", file) for piece in SLICES.values()):
            sys.exit(f"{file} is in no slice of {sys.argv[0]}")
    if shutil.which("cargo-mutants") is None:
        sys.exit("cargo-mutants is not here: cargo install --locked cargo-mutants")
    figures = []
    for file in files:
        figures.append((file, *judge(file)))
        print("{}: {} caught, {} without end, {} not buildable, {} missed, {} not tried".format(*figures[-1]), flush=True)
    if SHARD:
        print(f"these are the part {SHARD} of each file's mutants")
    print(f"{'file':28} {'caught':>7} {'endless':>8} {'missed':>7} {'%':>6} {'not buildable':>14} {'not tried':>10}")
    total = [sum(column) for column in zip(*(row[1:] for row in figures))]
    for name, caught, endless, unviable, missed, untried in [*figures, ("all", *total)]:
        share = 100 * (caught + endless) / max(caught + endless + missed, 1)
        print(f"{name:28} {caught:7} {endless:8} {missed:7} {share:6.1f} {unviable:14} {untried:10}")


if __name__ == "__main__":
    main()
