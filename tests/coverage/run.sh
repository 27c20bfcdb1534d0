#!/usr/bin/env bash
# Prints how many lines of each room the tests run through: `tests/coverage/run.sh [ARGS of cargo test]`, else the library's tests.
#
# The compiler counts (-C instrument-coverage), in our own code alone; LLVM's tools of the compiler's version read what it
# counted: rustup's component llvm-tools, or Debian's package. What is left is in target/coverage.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ $# -gt 0 ] || set -- --lib
llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')

# The path of one of LLVM's tools.
tool() {
  local own
  own=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/$1
  [ -x "$own" ] && echo "$own" && return
  command -v "$1-$llvm" || {
    printf '%s of LLVM %s is not here: rustup component add llvm-tools, or install llvm-%s\n' "$1" "$llvm" "$llvm" >&2
    exit 1
  }
}
profdata=$(tool llvm-profdata)
cov=$(tool llvm-cov)

out=$PWD/target/coverage
rm -rf "$out"
mkdir -p "$out"
export RUSTC_WORKSPACE_WRAPPER=$PWD/tests/coverage/rustc.sh
cargo test --locked --no-run --message-format=json "$@" >"$out/built.json"
LLVM_PROFILE_FILE=$out/%p-%m.profraw cargo test --locked "$@" >"$out/tests.log" 2>&1 ||
  printf 'some tests failed, %s has them; the figures are of what ran all the same\n' "$out/tests.log" >&2
grep '^test result' "$out/tests.log"
"$profdata" merge --sparse --failure-mode=all -o "$out/all.profdata" "$out"/*.profraw
mapfile -t programs < <(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$out/built.json")
objects=()
for program in "${programs[@]:1}"; do objects+=(--object "$program"); done
"$cov" export --format=lcov --instr-profile "$out/all.profdata" "${programs[0]}" "${objects[@]}" --sources src >"$out/lines.info"
tests/coverage/rooms.py "$out/lines.info"
