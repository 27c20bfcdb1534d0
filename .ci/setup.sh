#!/usr/bin/env bash
# Installs what a Debian or Ubuntu machine lacks, and nothing else: `.ci/setup.sh run|test|box|spot|deb|image`.
#
#   run    to build and run the box      test   to run its tests      box   for the slow tests (browser, VM, qemu)
#   deb    to pack it                    spot   to make and sign a release
#   image  to make a disk image and boot it
#
# A stamp below target/ remembers what was found to be there, so that a second call costs nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

# The oldest compiler that builds the box; Cargo.toml says the same.
readonly OLDEST=1.94

# libclang-dev: bindings to the kernel's video interface are made while building. cmake, nasm: the JPEG encoder.
RUN=(build-essential cmake nasm pkg-config libclang-dev ca-certificates
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav)
TEST=(libgstrtspserver-1.0-dev libjpeg-dev gstreamer1.0-plugins-ugly gstreamer1.0-tools ffmpeg curl openssl python3
  shellcheck systemd minisign)
BOX=(qemu-system-x86 qemu-user-static busybox-static v4l-utils chromium wrk strace valgrind python3-venv cpio)

DEB=(binutils dpkg-dev)
# What strips and signs a release.
SPOT=(binutils minisign)
# And one for a board, on another machine.
[ "$(uname -m)" = aarch64 ] || SPOT+=(binutils-aarch64-linux-gnu)
IMAGE=(mmdebstrap arch-test qemu-system-arm qemu-user-static fdisk e2fsprogs dosfstools curl python3 ffmpeg)
# The tool that packs, of one version.
readonly CARGO_DEB=3.8.0

# Node.js is often there by another way than the distribution's packages, which then stand in its way.
command -v npm >/dev/null || BOX+=(nodejs npm)
# nginx-light is one of several packages with the same program.
command -v nginx >/dev/null || BOX+=(nginx-light)

# shellcheck source=.ci/root.sh
. .ci/root.sh

say() { printf '== %s\n' "$*"; }

refuse() {
  printf '%s\n' "$*" >&2
  exit 1
}

is_installed() { dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

install_missing() {
  missing=()
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [ "${#missing[@]}" = 0 ] && return
  command -v apt-get >/dev/null || refuse "only Debian and Ubuntu are set up by this script; install by hand: ${missing[*]}"
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

is_new_enough() {
  local version
  version=$("$1" --version 2>/dev/null | awk '{print $2}') || return 1
  [ -n "$version" ] && [ "$(printf '%s\n%s\n' "$OLDEST" "$version" | sort -V | head -n 1)" = "$OLDEST" ]
}

can_be_had() { [ -n "$(apt-cache policy "$1" 2>/dev/null | awk '/Candidate:/ && $2 != "(none)"')" ]; }

# A compiler: what is there if it is new enough, else rustup's, else the distribution's.
rust() {
  if command -v cargo >/dev/null && is_new_enough rustc; then return; fi
  if ! command -v rustup >/dev/null && command -v apt-get >/dev/null; then
    as_root apt-get update -qq
    if can_be_had rustc-web; then
      install_missing rustc-web cargo-web rustfmt-web rust-web-clippy
    elif can_be_had rustup; then
      install_missing rustup
    fi
  fi
  hash -r
  if command -v cargo >/dev/null && is_new_enough rustc; then return; fi
  if command -v rustup >/dev/null; then
    say "rustup toolchain install stable"
    rustup toolchain install stable --profile default && rustup default stable
  fi
  is_new_enough rustc || refuse "no Rust $OLDEST or newer could be had; install one (rustup: rust-lang.org/tools/install) and come again"
}

packer() {
  if [ -x target/tools/bin/cargo-deb ]; then return; fi
  say "cargo install cargo-deb $CARGO_DEB"
  cargo install --quiet --locked --no-default-features --version "$CARGO_DEB" --root target/tools cargo-deb
}

what=${1:-run}
stamp=target/setup-$what
mkdir -p target
if [ "$stamp" -nt "$0" ] && command -v cargo >/dev/null; then exit; fi
case $what in
  run) install_missing "${RUN[@]}" ;;
  test) install_missing "${RUN[@]}" "${TEST[@]}" ;;
  box) install_missing "${RUN[@]}" "${TEST[@]}" "${BOX[@]}" ;;
  spot) install_missing "${RUN[@]}" "${SPOT[@]}" ;;
  deb) install_missing "${RUN[@]}" "${DEB[@]}" ;;
  image) install_missing "${RUN[@]}" "${DEB[@]}" "${IMAGE[@]}" ;;
  *) refuse "usage: .ci/setup.sh run|test|box|spot|deb|image" ;;
esac
rust
case $what in deb | image) packer ;; esac
# The tests of that engine are not left out where it could be had.
if [ "$what" = test ] || [ "$what" = box ]; then .ci/onnxruntime.sh fetch; fi
touch "$stamp"
