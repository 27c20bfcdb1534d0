#!/usr/bin/env bash
# The aarch64 build with Debian's own cross toolchain, where no container engine is at hand, and its tests under
# qemu-user: `cross/debian.sh build` makes the release binary; `cross/debian.sh test` runs the library's tests, those of the
# stand-ins for a board's hardware, and the real binary on the demo camera, `test-all` every test but those of cross/left-out, or, with
# arguments of cargo's as `--test NAME`, a part of them. The loader and the libraries are Debian's own arm64 ones, beside the host's.
# `feeder` makes a helper of the disk image's test.
#
# Debian's rustc is used, because the aarch64 standard library that Debian ships belongs to that compiler alone.
set -euo pipefail
cd "$(dirname "$0")/.."

TARGET=aarch64-unknown-linux-gnu
export RUSTC=/usr/bin/rustc
export CARGO_TARGET_DIR=$PWD/target/cross
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export PKG_CONFIG_ALLOW_CROSS=1
# What cannot be installed beside the host's own is unpacked here.
SYSROOT=$CARGO_TARGET_DIR/sysroot
export PKG_CONFIG_LIBDIR=$SYSROOT/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-L native=$SYSROOT/usr/lib/aarch64-linux-gnu"
# The build must not think that it runs inside the host's toolchain.
unset RUSTUP_TOOLCHAIN CARGO RUSTDOC

step() { printf '\n== %s\n' "$*"; "$@"; }

# What a board is built with; a light form takes the library, and what has stand-ins for a board's hardware. What is translated wants
# our own code optimised, too.
whole=(--locked --target "$TARGET" --config profile.dev.package.spotter.opt-level=2 --features tensorrt)
light=("${whole[@]}" --lib --test gpu --test tensorrt)

# GStreamer's elements for H.264, its RTSP server and what they link to, unpacked and no more: installed they would take the place of
# some of the host's own packages. The loader and GStreamer look there besides, but not in its lib/: the C library is the host's, as
# its loader is.
ELEMENTS=$CARGO_TARGET_DIR/elements
unpack_elements() {
  local libraries=$ELEMENTS/usr/lib/aarch64-linux-gnu
  if [ ! -d "$ELEMENTS" ]; then
    as_root rm -rf "$ELEMENTS.part"
    step as_root mmdebstrap --quiet --mode=root --architectures=arm64 --variant=extract --aptopt='APT::Install-Recommends "false"' \
      --include=gstreamer1.0-plugins-bad,gstreamer1.0-plugins-ugly,gstreamer1.0-libav,libgstrtspserver-1.0-0 \
      bookworm "$ELEMENTS.part" ${IMAGE_MIRROR:+"$IMAGE_MIRROR"}
    as_root mv "$ELEMENTS.part" "$ELEMENTS"
  fi
  export LD_LIBRARY_PATH=$libraries:$libraries/blas:$libraries/lapack:$libraries/pulseaudio GST_PLUGIN_PATH_1_0=$libraries/gstreamer-1.0
}

case "${1:-}" in
  install)
    # shellcheck source=.ci/root.sh
    . .ci/root.sh
    step as_root dpkg --add-architecture arm64
    step as_root apt-get update -qq
    # Never at the cost of the host's own packages.
    step as_root apt-get install -y -qq --no-remove --no-install-recommends rustc-web cargo-web libstd-rust-web-dev:arm64 \
      gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user-static mmdebstrap cmake nasm pkg-config libclang-dev file \
      libgstreamer1.0-dev:arm64 libgstreamer-plugins-base1.0-0:arm64 \
      gstreamer1.0-plugins-base:arm64 gstreamer1.0-plugins-good:arm64 libjpeg-dev:arm64
    # These -dev packages replace those of another architecture, so they go into a folder instead; the libraries they
    # point to stand beside them.
    mkdir -p "$SYSROOT/debs"
    (cd "$SYSROOT/debs" && step apt-get download -qq -o APT::Sandbox::User=root libgstreamer-plugins-base1.0-dev:arm64 \
      libgstreamer-plugins-base1.0-0:arm64 libgstrtspserver-1.0-dev:arm64 libgstrtspserver-1.0-0:arm64 \
      liborc-0.4-dev:arm64 liborc-0.4-0:arm64)
    for deb in "$SYSROOT"/debs/*.deb; do dpkg -x "$deb" "$SYSROOT"; done
    ;;
  build)
    step /usr/bin/cargo build --release --locked --target "$TARGET"
    step file "$CARGO_TARGET_DIR/$TARGET/release/spotter"
    # Debian 12 has 2.36; whether it runs on JetPack 6 too is for board/deb.sh to say.
    step cross/glibc.sh "$CARGO_TARGET_DIR/$TARGET/release/spotter" 2.36
    ;;
  feeder)
    # What logs sets in the guest of tests/image/run.sh while the power is cut.
    step /usr/bin/cargo build "${whole[@]}" --example log_feeder
    ;;
  compile)
    # What `test` runs, beforehand: compiling may go on beside other work, tests on a processor that is translated may not.
    step /usr/bin/cargo test "${light[@]}" --no-run
    step /usr/bin/cargo build "${whole[@]}" --bins --examples
    ;;
  test | test-all)
    wanted=("${light[@]}")
    [ "$1" = test ] || wanted=("${whole[@]}" "${@:2}")
    # Tests start programs, which only the kernel can run through qemu.
    # shellcheck source=.ci/root.sh
    . .ci/root.sh
    # shellcheck source=board/binfmt.sh
    . board/binfmt.sh
    trap forget_arm64 EXIT
    run_arm64
    [ "$1" = test ] || unpack_elements
    step /usr/bin/cargo build "${whole[@]}" --bins --examples
    # CC is what stand-ins are made with, STRIP what makes a release small, SPOTTER_SLOWER how much longer a picture may take,
    # SPOTTER_KILLS how many times the log and an update are killed. One program at a time, two tests of it: more only wait for each
    # other's translation, by the clock. What never ends is named, and the others are run all the same.
    RUNNER="${RUNNER:+$RUNNER }env CC=aarch64-linux-gnu-gcc STRIP=aarch64-linux-gnu-strip SPOTTER_SLOWER=10 SPOTTER_KILLS=10 \
      RUST_TEST_THREADS=2 .ci/bounded.py" CARGO=/usr/bin/cargo LEFT_OUT=cross/left-out LANES=${LANES:-1} step .ci/tests.sh "${wanted[@]}"
    picture=$CARGO_TARGET_DIR/aarch64-demo.jpg
    rm -f "$picture"
    step "$CARGO_TARGET_DIR/$TARGET/debug/spotter" snapshot 'demo:squat?size=640x360' -o "$picture"
    [ "$(head -c 2 "$picture" | od -An -tx1 | tr -d ' ')" = ffd8 ] || { echo "no JPEG came out"; exit 1; }
    ls -l "$picture"
    ;;
  *)
    echo "usage: cross/debian.sh install|build|feeder|compile|test|test-all" >&2
    exit 2
    ;;
esac
