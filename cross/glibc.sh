#!/usr/bin/env bash
# The newest symbol version of glibc that a binary wants, and whether the system it is for has it. A binary that is too new does not
# start there at all ("version `GLIBC_2.38' not found"), so it is better refused here.
#
#   cross/glibc.sh BINARY [MOST]    MOST: 2.35 (default) for JetPack 6 and Ubuntu 22.04, 2.36 for Debian 12, 2.39 for JetPack 7
#                                   and Ubuntu 24.04
set -euo pipefail

binary=${1:?usage: cross/glibc.sh BINARY [MOST]}
most=${2:-2.35}
newest=$(readelf --wide --version-info "$binary" | grep -o 'GLIBC_[0-9][0-9.]*' | cut -d _ -f 2 | sort -Vu | tail -n 1)
[ -n "$newest" ] || { echo "$binary wants no glibc at all, so it is none of ours" >&2; exit 1; }
printf 'newest GLIBC symbol: %s\n' "$newest"
if [ "$(printf '%s\n%s\n' "$newest" "$most" | sort -V | tail -n 1)" != "$most" ]; then
  echo "$binary wants glibc $newest, and its system has $most (JetPack 6: 2.35); build it in cross/jetpack6.Dockerfile" >&2
  exit 1
fi
