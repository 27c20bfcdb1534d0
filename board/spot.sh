#!/usr/bin/env bash
# A release for boxes that run: a file that spotter-update takes, signed with minisign.
#
#   board/spot.sh stage amd64|arm64                  lays what make build or make cross made into target/spot/ARCH; prints the folder
#   board/spot.sh pack FOLDER VERSION ARCH [BOARD]   packs and signs FOLDER, whose bin/spotter is the program; prints the file
#
# ARCH of pack is the processor's name, x86_64 or aarch64. BOARD is `any` or one name of the board's /proc/device-tree/compatible.
# KEY is minisign's secret key (~/.minisign/minisign.key without it), for whose password minisign asks. OUT is the folder of the result,
# target/spot without it.
set -euo pipefail

refuse() { printf '%s\n' "$*" >&2; exit 1; }

stage() {
  cd "$(dirname "$0")/.."
  local target binary folder
  case $1 in
    amd64) binary=target/release/spotter strip=strip ;;
    arm64)
      target=aarch64-unknown-linux-gnu strip=aarch64-linux-gnu-strip
      binary=target/cross/$target/release/spotter
      # cross builds into target/, cross/debian.sh into a folder of its own; the newer one was meant.
      [ "$binary" -nt target/$target/release/spotter ] || binary=target/$target/release/spotter
      ;;
    *) refuse "releases are made for amd64 and arm64, not for $1" ;;
  esac
  [ -x "$binary" ] || refuse "there is no $binary to pack; make build and make cross build it"
  cross/glibc.sh "$binary" "${GLIBC_MOST:-2.35}" >&2
  folder=target/spot/$1
  rm -rf "$folder"
  mkdir -p "$folder/bin" "$folder/models"
  "$strip" -o "$folder/bin/spotter" "$binary"
  cp board/models/demo-pose.onnx board/models/README.md "$folder/models/"
  echo "$folder"
}

pack() {
  local folder=$1 version=$2 arch=$3 board=${4:-any} out=${OUT:-target/spot} work bytes label file options=()
  [ -x "$folder/bin/spotter" ] || refuse "there is no program $folder/bin/spotter"
  command -v minisign >/dev/null || refuse "there is no minisign; .ci/setup.sh spot installs it"
  mkdir -p "$out"
  file=$out/spotter_${version}_$arch$([ "$board" = any ] || printf '_%s' "${board//[^a-zA-Z0-9-]/-}").spot
  work=$(mktemp -d "$out/.spot.XXXXXX")
  # shellcheck disable=SC2064 # of this call
  trap "rm -rf '$work'" EXIT
  bytes=$(find "$folder" -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%d", sum }')
  # The same folder makes the same payload: no names, no times, one order.
  tar --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' -C "$folder" -c . |
    gzip -n "-${GZIP_LEVEL:-9}" >"$work/payload"
  label="product=spotter version=$version arch=$arch board=$board bytes=$bytes"
  [ -z "${KEY:-}" ] || options+=(-s "$KEY")
  minisign -S "${options[@]}" -t "$label" -m "$work/payload" -x "$work/signature" >&2
  { echo 'spotter release 1'; cat "$work/signature" "$work/payload"; } >"$work/release"
  mv "$work/release" "$file"
  echo "$file"
}

case ${1:-} in
  stage) stage "${2:?which processor: amd64 or arm64}" ;;
  pack) pack "${2:?which folder}" "${3:?which version}" "${4:?which processor: x86_64 or aarch64}" "${5:-any}" ;;
  *) sed -n '2,/^set/{s/^# \{0,1\}//;/^set/d;p}' "$0" >&2; exit 2 ;;
esac
