#!/usr/bin/env bash
# A disk image of a whole box: Debian 12 for arm64, the arm64 package, and what make-box makes of them. It is what a box is made
# like, to be tried where there is no board: QEMU's `virt` machine boots it (tests/image/run.sh). A Jetson boots by NVIDIA's own
# chain instead and is flashed by board/flash.sh, from the same package and the same make-box.
#
#   sudo board/image.sh PACKAGE.deb       writes target/image/spotter.img, and kernel and initrd beside it
#
# How it is laid out:
#   1  SPOTTER-ROOT  ext4, mounted read-only: a power cut finds nothing half written. The first boot opens it once, for key,
#                    host name and machine id.
#   2  SPOTTER-DATA  ext4, made by the first boot in the room behind: log, pictures, caches, versions and the journal. It alone is
#                    written to, by programs that sync what must not be lost.
#   /tmp, /var/tmp and /var/lib/systemd are in memory. make-box writes these lines of fstab and says why.
#
# It has no login and no ssh: IMAGE_HOOK names a script that is run in the image as root before it is closed and may add one.
# IMAGE_PACKAGES adds packages (gstreamer1.0-plugins-bad and gstreamer1.0-libav for H.264 of network cameras), IMAGE_DATA_MIB is the
# room behind the root, IMAGE_MIRROR another Debian mirror.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly SUITE=bookworm
# Nothing that a box does not need: no shell history, no man pages, no mail.
PACKAGES=(systemd-sysv systemd-timesyncd systemd-resolved dbus udev kmod initramfs-tools linux-image-arm64 fdisk e2fsprogs logsave
  avahi-daemon)
# How far the root is larger than what is in it.
readonly SPARE_MIB=64
readonly FIRST_MIB=1

refuse() { printf '%s\n' "$*" >&2; exit 1; }
step() { printf '== %s\n' "$*"; }

package=${1:?usage: board/image.sh PACKAGE.deb}
[ "$(id -u)" = 0 ] || refuse "an image is made as root: owners and devices are part of it"
[ -f "$package" ] || refuse "there is no $package; make deb-arm64 makes it"
[ "$(dpkg-deb -f "$package" Architecture)" = arm64 ] || refuse "$package is not for arm64"
for program in mmdebstrap sfdisk mkfs.ext4; do
  command -v "$program" >/dev/null || refuse "there is no $program; .ci/setup.sh image installs it"
done
read -ra more <<<"${IMAGE_PACKAGES:-}"
PACKAGES+=("${more[@]}")

out=target/image
root=$out/root
rm -rf "$out"
mkdir -p "$out"

# shellcheck source=.ci/root.sh
. .ci/root.sh
# shellcheck source=board/binfmt.sh
. board/binfmt.sh
trap forget_arm64 EXIT
run_arm64

step "Debian $SUITE for arm64"
own=$out/own
mkdir -p "$own/etc/systemd/network" "$own/etc/initramfs-tools/conf.d" "$own/etc/network"
printf 'LABEL=SPOTTER-ROOT / ext4 rw 0 1\n' >"$own/etc/fstab"
echo spotter >"$own/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$own/etc/hosts"
printf '[Match]\nName=en* eth*\n\n[Network]\nDHCP=yes\nMulticastDNS=no\n' >"$own/etc/systemd/network/20-wired.network"
# The initrd of this machine and no other; a whole one takes a slow machine minutes to unpack.
printf 'MODULES=list\nCOMPRESS=gzip\n' >"$own/etc/initramfs-tools/conf.d/spotter"
printf '%s\n' virtio_pci virtio_mmio virtio_blk virtio_net ext4 >"$own/etc/initramfs-tools/modules"
# What the package depends on comes with the rest, by its first name; where that is not enough, dpkg says so below.
depends=$(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed -e 's/^ *//' -e 's/[ (|:].*//')
mapfile -t depends <<<"$depends"
joined=$(IFS=,; echo "${PACKAGES[*]},${depends[*]}")
mmdebstrap --quiet --mode=root --architectures=arm64 --variant=minbase --include="$joined" \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --aptopt='APT::Install-Recommends "false"' \
  --essential-hook="cp -rT $own \"\$1\"" \
  --customize-hook="cp $package \"\$1/spotter.deb\"" \
  --customize-hook="chroot \"\$1\" dpkg --install /spotter.deb" \
  --customize-hook="rm \"\$1/spotter.deb\"" \
  "$SUITE" "$root" ${IMAGE_MIRROR:+"$IMAGE_MIRROR"}

step "a box"
"$root/usr/lib/spotter/make-box" --data-partition --read-only --root "$root"
chroot "$root" systemctl --quiet enable systemd-networkd systemd-resolved systemd-timesyncd
# They would write to a root that is read-only.
chroot "$root" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  e2scrub_reap.service systemd-networkd-wait-online.service
ln -sf /run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
# Filled by the first boot of each box.
: >"$root/etc/machine-id"
if [ -n "${IMAGE_HOOK:-}" ]; then
  install -m 755 "$IMAGE_HOOK" "$root/image-hook"
  chroot "$root" /image-hook
  rm "$root/image-hook"
fi
chroot "$root" chown -R root:spotter /etc/spotter

step "the disk"
cp -L "$root/vmlinuz" "$out/vmlinuz"
cp -L "$root/initrd.img" "$out/initrd.img"
size_mib=$(($(du -sm --apparent-size "$root" | cut -f 1) * 112 / 100 + SPARE_MIB))
truncate -s "${size_mib}M" "$out/root.ext4"
mkfs.ext4 -q -F -L SPOTTER-ROOT -m 0 -d "$root" "$out/root.ext4"
# GPT wants a MiB at each end.
truncate -s "$((FIRST_MIB + size_mib + ${IMAGE_DATA_MIB:-512} + 1))M" "$out/spotter.img"
printf 'label: gpt\nstart=%sMiB, size=%sMiB, type=linux, name=SPOTTER-ROOT\n' "$FIRST_MIB" "$size_mib" |
  sfdisk --quiet "$out/spotter.img"
dd if="$out/root.ext4" of="$out/spotter.img" bs=1M seek="$FIRST_MIB" conv=sparse,notrunc status=none
rm "$out/root.ext4"
rm -rf "$own"
du -h "$out/spotter.img" | cut -f 1
step "$out/spotter.img; tests/image/run.sh boots it"
