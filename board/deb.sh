#!/usr/bin/env bash
# The Debian package: the programs, the overlay of the box, man pages, completions. `board/deb.sh amd64` packs what `make build` made,
# `board/deb.sh arm64` what cross/debian.sh or cross made. It prints the package's path.
#
# GLIBC_MOST says how new the system may be that it is for: 2.35 (default) for Ubuntu 22.04 and all that are newer.
set -euo pipefail
cd "$(dirname "$0")/.."

arch=${1:?usage: board/deb.sh amd64|arm64}
root=$PWD
case $arch in
  amd64) target=x86_64-unknown-linux-gnu binary=target/release/spotter options=() ;;
  arm64)
    target=aarch64-unknown-linux-gnu
    binary=target/cross/$target/release/spotter
    # cross builds into target/, cross/debian.sh into a folder of its own; the newer one was meant.
    [ "$binary" -nt target/$target/release/spotter ] || binary=target/$target/release/spotter
    options=(--target "$target")
    ;;
  *) echo "packages are made for amd64 and arm64, not for $arch" >&2; exit 2 ;;
esac
[ -x "$binary-update" ] || { echo "there is no $binary-update to pack; make deb and make deb-arm64 build it first" >&2; exit 1; }
for program in "$binary" "$binary-update"; do cross/glibc.sh "$program" "${GLIBC_MOST:-2.35}"; done

cargo run --quiet --locked --example papers -- target/papers
export CARGO_TARGET_DIR=${binary%/release/spotter}
CARGO_TARGET_DIR=$root/${CARGO_TARGET_DIR%/"$target"}
PATH=$root/target/tools/bin:$PATH
mkdir -p target/debian
cargo deb --quiet --no-build --locked --strip "${options[@]}" --output "$root/target/debian/"
package=$(find target/debian -name "spotter_*_$arch.deb" -newer target/papers/man/spotter.1 | sort -V | tail -n 1)
[ -n "$package" ] || { echo "cargo deb made no package for $arch" >&2; exit 1; }
echo "$package"
