#!/usr/bin/env bash
# Holds the functions that src/jpeg/nvjpeg/ffi.rs loads against the real libraries: NVIDIA's nvJPEG and CUDA runtime of CUDA
# 12 and 13, from their Python packages, for both processors. Each must be exported. With a built spotter (its path as the
# argument) the libraries of this machine's processor are then opened for real; without a graphics processor that must end
# with one clear sentence.
set -euo pipefail
cd "$(dirname "$0")/../.."
spotter=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wanted() { grep -oE "^ +$1[A-Z][A-Za-z]+: fn" src/jpeg/nvjpeg/ffi.rs | tr -d ' :' | sed 's/fn$//'; }

# A library and the beginning of its functions' names.
check() {
  local count=0 missing=0 name exported
  exported=$(readelf --dyn-syms --wide "$1" | awk '$7 != "UND" { sub(/@.*/, "", $8); print $8 }')
  for name in $(wanted "$2"); do
    count=$((count + 1))
    grep -qx "$name" <<<"$exported" || { echo "$3: $name is not exported"; missing=1; }
  done
  [ "$count" -gt 0 ] && [ "$missing" = 0 ] || exit 1
  echo "$3: all $count functions are exported"
}

for machine in x86_64 aarch64; do
  for cuda in 12 13; do
    into="$work/$machine-$cuda"
    packages=(nvidia-nvjpeg nvidia-cuda-runtime)
    [ "$cuda" = 13 ] || packages=("${packages[@]/%/-cu$cuda}")
    python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: \
      --platform "manylinux2014_$machine" -d "$into" "${packages[@]}"
    for wheel in "$into"/*.whl; do python3 -m zipfile -e "$wheel" "$into"; done
    mkdir "$into/lib"
    find "$into/nvidia" -name '*.so*' -exec mv {} "$into/lib" \;
    for pair in nvjpeg:nvjpeg cuda:cuda_runtime; do
      wheel=$(basename "$into"/*"${pair#*:}"*.whl)
      library=$(echo "$into"/lib/lib"${pair%:*}"*.so."$cuda")
      check "$library" "${pair%:*}" "$machine $(basename "$library") of $(cut -d- -f1,2 <<<"$wheel")"
    done
  done
done

[ -n "$spotter" ] || exit 0
for cuda in 12 13; do
  lib="$work/$(uname -m)-$cuda/lib"
  printf '[[camera]]\nname = "a"\nsource = "demo:"\npose = false\n[jpeg]\nencoder = "nvjpeg"\ncuda = "%s"\n' "$lib" >"$work/box.toml"
  if said=$("$spotter" check --config "$work/box.toml" 2>&1); then
    grep '^# \[jpeg\]' <<<"$said"
  else
    echo "opened here, CUDA $cuda: $said"
    [ "$(wc -l <<<"$said")" = 1 ] && grep -qE '^(spotter: )?(CUDA|nvJPEG) ' <<<"$said"
  fi
done
