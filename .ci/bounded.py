#!/usr/bin/env python3
"""Runs a test program so that a test that never ends is named, and costs no more than itself: `bounded.py PROGRAM [--skip TEST]...`.

A program of tests that says nothing for SILENCE_S seconds (600 without it) is ended with all that it started. The tests that had begun
and not ended are named and count as failed; those that had not begun, and those whose reason to fail would have been told at the end,
are run anew, without them.
"""

import os
import re
import select
import signal
import subprocess
import sys

SILENCE_S = float(os.environ.get("SILENCE_S", "600"))
ENDED = re.compile(r"^test (\S+)(?: - should panic)? \.\.\. (ok|ignored|FAILED)")
# Several at once: the harness says so after a minute. One at a time: its name is the line that is not ended yet.
BEGUN = re.compile(r"^test (\S+) has been running for over|^test (\S+) \.\.\. (?!ok|ignored|FAILED)")


def run(command):
    """Runs it and shows its words: its status, nothing when it was ended for its silence, and its lines."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    said, status = b"", None
    while True:
        if not select.select([child.stdout], [], [], SILENCE_S)[0]:
            break
        more = os.read(child.stdout.fileno(), 65536)
        if not more:
            status = child.wait()
            break
        said += more
        sys.stdout.buffer.write(more)
        sys.stdout.buffer.flush()
    if status is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return status, said.decode(errors="replace").split("\n")


def wanted(command):
    """The tests that it would run."""
    listed = subprocess.run([*command, "--list", "--format", "terse"], stdout=subprocess.PIPE, check=True, text=True).stdout
    return [line.removesuffix(": test") for line in listed.splitlines() if line.endswith(": test")]


def main():
    program, command = sys.argv[1], sys.argv[1:]
    failed, todo = False, None
    while True:
        status, lines = run(command)
        if status is not None:
            sys.exit(status if status > 0 or (status == 0 and not failed) else 101)
        failed = True
        results = {match[1]: match[2] for match in map(ENDED.match, lines) if match}
        begun = {match[1] or match[2] for match in map(BEGUN.match, lines) if match} - results.keys()
        ended = [name for name, result in results.items() if result != "FAILED"]
        todo = [name for name in (wanted(command) if todo is None else todo) if name not in ended]
        # Where nothing says which it was (a silence of less than a minute), it may be any of them.
        begun = begun or set(todo) - results.keys()
        print(f"\nended after {SILENCE_S:g} s without a word; begun and not ended:")
        for name in sorted(begun):
            print(f"test {name} ... NOT ENDED")
        passed, ignored = (list(results.values()).count(result) for result in ("ok", "ignored"))
        print(f"test result: FAILED. {passed} passed; {len(begun)} failed; {ignored} ignored; the others follow", flush=True)
        todo = [name for name in todo if name not in begun]
        if not todo:
            sys.exit(101)
        command = [program, "--exact", *todo]


if __name__ == "__main__":
    main()
