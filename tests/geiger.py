#!/usr/bin/env python3
"""Counts `unsafe` in the box's own code and in what is built into it: `geiger.py`, which prints both, the most first.

cargo-geiger's question, asked of Cargo.lock and the downloaded sources alone. It counts the word in code (blocks, functions,
implementations, `extern`), not what it guards, and in all of a crate's sources, also where a feature or another system
would be wanted; of ours without the tests. What only builds or tests the box is left out.
"""

import collections
import json
import os
import re
import subprocess

TARGET = "x86_64-unknown-linux-gnu"
# Comments (nested ones to their first end), strings, raw strings, characters: their insides are no code.
NO_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|\bb?r(#*)".*?"\1|"(?:\\.|[^"\\])*"|\'(?:\\[^\n]{1,10}?|[^\\\'\n])\'', re.DOTALL
)
UNSAFE = re.compile(r"\bunsafe\b(?!_)")
SHOWN = 25


def count(folder, skip=lambda path: False):
    """`unsafe` by file below `folder`, and the lines that are not empty."""
    found, lines = collections.Counter(), 0
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            if not name.endswith(".rs") or skip(path):
                continue
            with open(path, encoding="utf-8", errors="replace") as source:
                text = source.read()
            at = text.rfind("\n#[cfg(test)]\nmod ")
            code = NO_CODE.sub(" ", text[:at] if at >= 0 else text)
            lines += sum(1 for line in code.splitlines() if line.strip())
            found[path] += len(UNSAFE.findall(code))
    return found, lines


def built_in(metadata):
    """The packages that are linked into the box: reached by normal dependencies, and no macros, which run in the compiler."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    todo, seen = [metadata["resolve"]["root"]], set()
    while todo:
        one = todo.pop()
        if one in seen or any("proc-macro" in target["kind"] for target in packages[one]["targets"]):
            continue
        seen.add(one)
        for dependency in nodes[one]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                todo.append(dependency["pkg"])
    seen.discard(metadata["resolve"]["root"])
    return [packages[one] for one in seen]


def main():
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    own, lines = count("src", lambda path: path.endswith("tests.rs") or "tests/" in path)
    print(f"ours: {sum(own.values())} in {lines} lines of code, {sum(1 for n in own.values() if n)} of {len(own)} files")
    for path, number in own.most_common():
        if number:
            print(f"  {number:6} {path}")
    rows = []
    for package in built_in(metadata):
        found, lines = count(os.path.join(os.path.dirname(package["manifest_path"]), "src"))
        rows.append((sum(found.values()), lines, f"{package['name']} {package['version']}"))
    rows.sort(reverse=True)
    none = sum(1 for row in rows if row[0] == 0)
    print(f"built in: {len(rows)} crates, {sum(row[0] for row in rows)} in {sum(row[1] for row in rows)} lines of code; {none} have none")
    for number, lines, name in rows[:SHOWN]:
        print(f"  {number:6} {name} ({lines} lines)")


main()
