#!/usr/bin/env bash
# Fetches ONNX Runtime's library into target/onnxruntime/, where a program that was built here looks for it:
# `.ci/onnxruntime.sh [fetch|offer]`.
#
#   fetch   if it is not there      offer   say how to; at a terminal, ask and fetch
#
# It is the one file that we want of the Python package of the same name; no Python is needed to run it. What was
# fetched is told by the stamp beside it, so that another version is fetched when this file names one.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly VERSION=1.32.0
folder=target/onnxruntime
library=$folder/libonnxruntime.so

is_there() { [ -f "$library" ] && [ "$(cat "$folder/version" 2>/dev/null)" = "$VERSION" ]; }

# shellcheck source=.ci/root.sh
. .ci/root.sh

# A pip: the one that is there, or that of an environment below target/.
pip() {
  local venv=target/pip-venv
  if python3 -m pip --version >/dev/null 2>&1; then
    python3 -m pip "$@"
    return
  fi
  if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    if ! python3 -m venv "$venv" >/dev/null 2>&1; then
      as_root apt-get update -qq
      as_root apt-get install -y -qq --no-install-recommends python3-venv
      rm -rf "$venv"
      python3 -m venv "$venv"
    fi
  fi
  "$venv/bin/python" -m pip "$@"
}

fetch() {
  is_there && return
  local machine fetched
  machine=$(uname -m)
  mkdir -p "$folder"
  fetched=$(mktemp -d "$folder/fetched.XXXXXX")
  # shellcheck disable=SC2064 # the folder is known now
  trap "rm -rf '$fetched'" EXIT
  printf '== fetching ONNX Runtime %s\n' "$VERSION"
  # The library is the same for every Python, whichever is here.
  pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --implementation cp --python-version 3.12 \
    --platform "manylinux_2_27_$machine" --platform "manylinux_2_28_$machine" --dest "$fetched" "onnxruntime==$VERSION"
  python3 - "$fetched" "$library.new" <<'PYTHON'
import glob, re, shutil, sys, zipfile

fetched, out = sys.argv[1:]
[wheel] = glob.glob(fetched + "/*.whl")
with zipfile.ZipFile(wheel) as package:
    [name] = [n for n in package.namelist() if re.fullmatch(r"onnxruntime/capi/libonnxruntime\.so[.0-9]*", n)]
    with package.open(name) as source, open(out, "wb") as target:
        shutil.copyfileobj(source, target)
PYTHON
  mv "$library.new" "$library"
  printf '%s\n' "$VERSION" >"$folder/version"
  printf '== %s\n' "$library"
}

offer() {
  is_there && return
  printf 'ONNX Runtime is not here; with it poses are found in about half the time: make onnxruntime\n'
  [ -t 0 ] && [ -t 1 ] || return 0
  local answer
  read -r -t 20 -p 'Fetch it now (28 MB)? [y/N] ' answer || answer=
  # Without it the box runs as well, so a fetch that fails is no reason not to.
  case $answer in [yY]*) "$0" fetch || printf 'it could not be fetched; going on without it\n' >&2 ;; esac
}

case ${1:-fetch} in
  fetch) fetch ;;
  offer) offer ;;
  *)
    printf 'usage: .ci/onnxruntime.sh [fetch|offer]\n' >&2
    exit 1
    ;;
esac
