#!/usr/bin/env python3
"""Adds up the lines of an lcov file by room: `rooms.py FILE`. Lines of tests do not count."""

import collections
import os
import re
import sys


def last_line(path):
    """The last line before a file's tests; none of a file that is nothing else."""
    if os.path.basename(path).endswith("tests.rs") or "tests/" in path:
        return 0
    with open(path, encoding="utf-8") as source:
        text = source.read()
    at = text.rfind("\n#[cfg(test)]\nmod ")
    return text.count("\n", 0, at) + 1 if at >= 0 else text.count("\n")


def main():
    lines = {}
    path, last = None, 0
    with open(sys.argv[1], encoding="utf-8") as report:
        for record in report:
            key, _, value = record.strip().partition(":")
            if key == "SF":
                path = os.path.relpath(value)
                last = last_line(path) if path.startswith("src/") else 0
            elif key == "DA":
                line, count = map(int, value.split(",")[:2])
                if line <= last:
                    # A file that is in several programs counts once.
                    lines[path, line] = max(count, lines.get((path, line), 0))
    rooms = collections.defaultdict(lambda: [0, 0])
    for (path, _), count in lines.items():
        room = re.sub(r"\.rs$", "", path.split("/")[1])
        for name in (room, "all"):
            rooms[name][0] += count > 0
            rooms[name][1] += 1
    print(f"{'room':12} {'lines':>7} {'run':>7} {'%':>6}")
    for name, (run, whole) in sorted(rooms.items(), key=lambda room: (room[0] == "all", room[0])):
        print(f"{name:12} {whole:7} {run:7} {100 * run / whole:6.1f}")


main()
