#!/usr/bin/env bash
# A package in a bare Debian for its processor, by apt, as somebody would install it: what it wants can be had, its files are where they
# belong, the program runs and checks its config, a changed config survives an upgrade, and a purge leaves the log. As root; another
# processor's programs run through qemu-user. It prints a line for each check and ends with 0 only when all are well.
#
#   tests/image/install.sh [PACKAGE.deb]       the newest arm64 package without it
#
# SUITE names another Debian than bookworm, INSTALL_BASE one that is there already.
set -euo pipefail
cd "$(dirname "$0")/../.."

package=${1:-$(find target/debian -name 'spotter_*_arm64.deb' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)}
[ -f "$package" ] || { echo "there is no package; make deb and make deb-arm64 make them" >&2; exit 1; }
arch=$(dpkg-deb -f "$package" Architecture)
case $arch in amd64) processor=x86_64 ;; arm64) processor=aarch64 ;; *) echo "packages are not made for $arch" >&2; exit 1 ;; esac
[ "$(id -u)" = 0 ] || { echo "this wants root" >&2; exit 1; }
root=target/install
mkdir -p target
: >target/install.log
failed=0
check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then echo "ok $what"; else echo "FAILED $what"; failed=1; fi
}
logged() { "$@" >>target/install.log 2>&1; }
inside() { chroot "$root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }

# shellcheck source=.ci/root.sh
. .ci/root.sh
# shellcheck source=board/binfmt.sh
. board/binfmt.sh
[ "$arch" != arm64 ] || run_arm64
finish() {
  umount "$root/proc" 2>/dev/null || true
  forget_arm64
}
trap finish EXIT

[ ! -e "$root/proc/version" ] || umount "$root/proc"
rm -rf "$root"
if [ -n "${INSTALL_BASE:-}" ]; then
  cp -a "$INSTALL_BASE" "$root"
else
  mmdebstrap --quiet --mode=root --architectures="$arch" --variant=minbase --skip=cleanup/apt "${SUITE:-bookworm}" "$root" \
    ${IMAGE_MIRROR:+"$IMAGE_MIRROR"}
fi
mount -t proc proc "$root/proc"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp "$package" "$root/spotter.deb"

check "apt installs it with all that it wants" logged inside apt-get install -qq --yes --no-install-recommends /spotter.deb
check "dpkg says that it is whole" inside dpkg --audit
check "its files are as they were packed" inside dpkg --verify spotter
for file in usr/bin/spotter usr/bin/spotter-update usr/lib/spotter/launch etc/spotter/spotter.toml usr/lib/systemd/system/spotter.service usr/lib/spotter/first-boot \
  usr/lib/udev/rules.d/70-spotter.rules usr/share/spotter/avahi/spotter.service usr/share/spotter/models/demo-pose.onnx \
  usr/share/man/man1/spotter.1.gz usr/share/man/man1/spotter-update.1.gz usr/share/bash-completion/completions/spotter; do
  check "there is /$file" test -s "$root/$file"
done
check "it is for $processor" grep -q "spotter .*$processor-linux" <(inside spotter --version)
check "the config is right" logged inside spotter check --config /etc/spotter/spotter.toml
check "it takes a picture" inside spotter snapshot 'demo:squat?size=320x240' -o /a.jpg
check "which is a JPEG" test "$(head -c 2 "$root/a.jpg" | od -An -tx1 | tr -d ' ')" = ffd8
check "GStreamer's plugins are there: a pipeline gives a picture" \
  inside spotter snapshot 'gst:videotestsrc num-buffers=30 ! video/x-raw,width=320,height=240' -o /b.jpg
check "the user is in video and render" test "$(inside id -Gn spotter | tr ' ' '\n' | grep -cxE 'video|render')" = 2
check "the service may read the config, others not" test "$(stat -c '%a' "$root/etc/spotter")" = 750
for unit in spotter spotter-first-boot spotter-clocks; do
  check "$unit.service is enabled" test -L "$root/etc/systemd/system/multi-user.target.wants/$unit.service"
done

echo '# a change' >>"$root/etc/spotter/spotter.toml"
check "it installs over itself" logged inside dpkg -i /spotter.deb
check "and leaves the changed config alone" grep -qx '# a change' "$root/etc/spotter/spotter.toml"
mkdir -p "$root/var/lib/spotter"
echo log >"$root/var/lib/spotter/spotter.db"
check "it goes" logged inside apt-get purge -qq --yes spotter
check "its program with it" test ! -e "$root/usr/bin/spotter"
check "the log stays" test -s "$root/var/lib/spotter/spotter.db"
[ "$failed" = 0 ] || { tail -n 20 target/install.log; exit 1; }
echo "all is well"
