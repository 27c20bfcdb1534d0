#!/usr/bin/env bash
# Flashes a Jetson Orin Nano with an NVMe drive as a box: installs the arm64 package into the root file system of NVIDIA's
# Linux_for_Tegra (which has the whole overlay in it), lets make-box do the rest, and calls NVIDIA's own flash script.
#
#   sudo board/flash.sh BSP PACKAGE.deb        BSP: the folder Linux_for_Tegra, as NVIDIA's archive unpacks
#
# BSP must be ready to flash a plain system: the sample root file system unpacked into rootfs/, apply_binaries.sh run, a user made with
# tools/l4t_create_default_user.sh. Every precondition is looked at before anything is changed, and each has its sentence.
# The module lies in recovery mode on USB when this is started.
#
# DRY_RUN=1 prints every command instead and changes nothing. BOARD names another board of NVIDIA's list, NVME another drive.
# ROOT_GIB limits the root file system, so that room is left for a data partition; without it the root takes the whole drive,
# stays writable, and the log lies in it.
#
# None of this has met a Jetson yet: the commands are those of NVIDIA's guide for release 36, and release 39 is taken to have the
# same files.
set -euo pipefail

bsp=${1:?usage: board/flash.sh BSP PACKAGE.deb}
package=${2:?usage: board/flash.sh BSP PACKAGE.deb}
board=${BOARD:-jetson-orin-nano-devkit}
nvme=${NVME:-nvme0n1p1}
here=$(cd "$(dirname "$0")/.." && pwd)

refuse() { printf '%s\n' "$*" >&2; exit 1; }

# Prints the command, and runs it unless this is a rehearsal.
run() {
  printf '+'
  printf ' %q' "$@"
  printf '\n'
  if [ "${DRY_RUN:-0}" != 1 ]; then "$@"; fi
}

# ---- Preconditions ----
[ -d "$bsp" ] || refuse "there is no folder $bsp; unpack NVIDIA's Jetson_Linux_R*_aarch64.tbz2 and name its Linux_for_Tegra"
bsp=$(cd "$bsp" && pwd)
rootfs=$bsp/rootfs
flash=$bsp/tools/kernel_flash/l4t_initrd_flash.sh
layout=$bsp/tools/kernel_flash/flash_l4t_t234_nvme.xml
qspi=bootloader/generic/cfg/flash_t234_qspi.xml
[ -x "$flash" ] || refuse "$bsp has no tools/kernel_flash/l4t_initrd_flash.sh, so it is not a whole Linux_for_Tegra"
[ -f "$bsp/$board.conf" ] || refuse "$bsp knows no board $board; BOARD takes one of its *.conf, without the ending"
[ -f "$layout" ] || refuse "$bsp has no tools/kernel_flash/flash_l4t_t234_nvme.xml, the layout of an NVMe drive"
[ -f "$bsp/$qspi" ] || refuse "$bsp has no $qspi, the layout of the boot flash"
[ -x "$rootfs/bin/bash" ] || refuse "$rootfs is empty; unpack NVIDIA's sample root file system into it, as root"
release_file=$rootfs/etc/nv_tegra_release
[ -f "$release_file" ] || refuse "$rootfs is not NVIDIA's yet; run apply_binaries.sh in $bsp"
release=$(sed -n 's/^# R\([0-9]*\) .*/\1/p' "$release_file" | head -n 1)
case $release in
  36) most=2.35 ;;
  39) most=2.39 ;;
  *) refuse "release ${release:-unknown} in etc/nv_tegra_release is none for this board; 36 (JetPack 6) or 39 (JetPack 7.2) is wanted" ;;
esac
awk -F : '$3 >= 1000 && $3 < 60000 { found = 1 } END { exit !found }' "$rootfs/etc/passwd" ||
  refuse "$rootfs has no user, so nobody could ever log in; make one with tools/l4t_create_default_user.sh"
[ -f "$package" ] || refuse "there is no $package; make deb-arm64 makes it"
[ "$(dpkg-deb -f "$package" Architecture)" = arm64 ] || refuse "$package is not for arm64"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-deb --extract "$package" "$work"
"$here/cross/glibc.sh" "$work/usr/bin/spotter" "$most" >/dev/null ||
  refuse "$package was built for a newer system than release $release has"
if [ -n "${ROOT_GIB:-}" ]; then
  [[ $ROOT_GIB =~ ^[1-9][0-9]*$ && $ROOT_GIB -ge 8 ]] || refuse "ROOT_GIB wants a whole number of GiB, 8 or more, not $ROOT_GIB"
fi
if [ "$(uname -m)" != aarch64 ] && [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] && [ "${DRY_RUN:-0}" != 1 ]; then
  refuse "this machine cannot run programs of the board; install qemu-user-static and binfmt-support"
fi
command -v lsusb >/dev/null || refuse "there is no lsusb, by which the board is found; install usbutils"
# Recovery mode: NVIDIA's 0955, and a product that ends in 23. Other numbers are a system that has booted.
lsusb | grep -qi 'ID 0955:7.23' ||
  refuse "no board in recovery mode is on USB: bridge FC REC and GND, plug in power, and the USB-C cable to this machine"
[ "$(id -u)" = 0 ] || [ "${DRY_RUN:-0}" = 1 ] || refuse "flashing wants root, since owners and devices of the root file system are written"

# ---- The package and what makes it a box ----
box=() size=()
if [ -n "${ROOT_GIB:-}" ]; then
  box=(--data-partition)
  size=(-S "${ROOT_GIB}GiB")
fi
run cp "$package" "$rootfs/spotter.deb"
run cp /etc/resolv.conf "$rootfs/etc/resolv.conf"
run chroot "$rootfs" apt-get update
run chroot "$rootfs" env DEBIAN_FRONTEND=noninteractive apt-get install --yes /spotter.deb
run rm "$rootfs/spotter.deb"
run chroot "$rootfs" /usr/lib/spotter/make-box "${box[@]}"
# No desktop: it takes most of a GiB of the memory that pose needs.
run chroot "$rootfs" systemctl set-default multi-user.target
run chroot "$rootfs" systemctl enable avahi-daemon

# ---- The flash, by NVIDIA's own script, which wants to be called in its folder ----
run cd "$bsp"
run ./tools/kernel_flash/l4t_initrd_flash.sh --external-device "$nvme" "${size[@]}" \
  -c tools/kernel_flash/flash_l4t_t234_nvme.xml -p "-c $qspi" --showlogs --network usb0 "$board" internal
echo "done; the box shows its name, address and key on the console, and the key is in /etc/spotter/key"
