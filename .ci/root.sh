# Sourced by the scripts that install something: `as_root COMMAND...` runs it as root, without a question of dpkg's, or says what to run.
# shellcheck shell=bash

as_root() {
  if [ "$(id -u)" = 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    printf 'this needs root: run as root, or install sudo, or run yourself: %s\n' "$*" >&2
    exit 1
  fi
}
