#!/usr/bin/env bash
# Holds the functions that src/jpeg/nvjpeg/ffi.rs loads against the real libraries: NVIDIA's nvJPEG and CUDA runtime, from
# their Python packages, for both processors. Each must be exported. With a built spotter (its path as the argument) the
# libraries of this machine's processor are then opened for real; without a graphics processor that must end with one
# clear sentence.
set -euo pipefail
cd "$(dirname "$0")/../.."
spotter=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wanted() { grep -oE "^ +$1[A-Z][A-Za-z]+: fn" src/jpeg/nvjpeg/ffi.rs | tr -d ' :' | sed 's/fn$//'; }

for machine in x86_64 aarch64; do
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: \
    --platform "manylinux2014_$machine" -d "$work/$machine" nvidia-nvjpeg-cu12 nvidia-cuda-runtime-cu12
  for wheel in "$work/$machine"/*.whl; do python3 -m zipfile -e "$wheel" "$work/$machine"; done
  mkdir "$work/$machine/lib"
  mv "$work/$machine"/nvidia/*/lib/*.so* "$work/$machine/lib"
  for pair in nvjpeg:libnvjpeg.so.12 cuda:libcudart.so.12; do
    library="$work/$machine/lib/${pair#*:}"
    exported=$(readelf --dyn-syms --wide "$library" | awk '$7 != "UND" { sub(/@.*/, "", $8); print $8 }')
    missing=0 count=0
    for name in $(wanted "${pair%:*}"); do
      count=$((count + 1))
      grep -qx "$name" <<<"$exported" || { echo "$machine ${pair#*:}: $name is not exported"; missing=1; }
    done
    [ "$count" -gt 0 ] && [ "$missing" = 0 ]
    wheel=$(basename "$(ls "$work/$machine"/*"${pair%:*}"*.whl)")
    echo "$machine ${pair#*:}: all $count functions are exported ($(cut -d- -f1,2 <<<"$wheel"))"
  done
done

[ -n "$spotter" ] || exit 0
here="$work/$(uname -m)/lib"
printf '[[camera]]\nname = "a"\nsource = "demo:"\npose = false\n[jpeg]\nencoder = "nvjpeg"\ncuda = "%s"\n' "$here" >"$work/box.toml"
if said=$("$spotter" check --config "$work/box.toml" 2>&1); then
  grep '^# \[jpeg\]' <<<"$said"
else
  echo "here: $said"
  [ "$(wc -l <<<"$said")" = 1 ] && grep -qE '^(spotter: )?(CUDA|nvJPEG) ' <<<"$said"
fi
