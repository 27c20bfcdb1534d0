#!/usr/bin/env bash
# The pages in a real browser, on a real box: `tests/browser/run.sh [BINARY]`.
#
# Without BINARY the release build is made: a debug build draws its demo cameras too slowly to be watched. Wants Node.js
# and Chromium (CHROMIUM names another than /usr/bin/chromium). The one package is kept beside the tests, out of the
# tree, in the version that package.json names; no lock file, which would name the registry it came from.
set -euo pipefail

refuse() {
  printf '%s\n' "$*" >&2
  exit 1
}

cd "$(dirname "$0")"
if [ $# -gt 0 ]; then
  binary=$OLDPWD/$1
  case $1 in /*) binary=$1 ;; esac
else
  (cd ../.. && cargo build --release --locked)
  binary=$(cd ../.. && pwd)/target/release/spotter
fi
[ -x "$binary" ] || refuse "there is no program $binary; build it, or call this without an argument"
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || refuse "there is no ${CHROMIUM:-/usr/bin/chromium}: install chromium, or name a browser in CHROMIUM"
command -v node >/dev/null || refuse "Node.js is wanted: install nodejs and npm"

version_of() { node -p "require('$1').$2" 2>/dev/null || true; }
wanted=$(version_of ./package.json 'dependencies["playwright-core"]')
if [ "$(version_of ./node_modules/playwright-core/package.json version)" != "$wanted" ]; then
  npm install --no-package-lock --no-audit --no-fund --silent
fi

# One file after the other: two browsers at once would only stand in each other's way.
for file in *.test.mjs; do
  SPOTTER_BIN=$binary node --test --test-reporter=spec "$file"
done
