# Sourced by what runs programs of an arm64 system on another machine: has the kernel run them through qemu, for as long as the
# sourcing script runs. Where that is set up already, or the machine is one of that kind, it does nothing. The kernel listens to root
# alone; the script sources .ci/root.sh before.
# shellcheck shell=bash

binfmt=/proc/sys/fs/binfmt_misc
tell() { printf '%s' "$1" | as_root tee "$binfmt/$2" >/dev/null; }
forget_arm64() { [ -z "${registered:-}" ] || tell -1 qemu-aarch64; }

run_arm64() {
  if [ "$(uname -m)" = aarch64 ] || [ -e "$binfmt/qemu-aarch64" ]; then return; fi
  [ -e "$binfmt/register" ] || as_root mount -t binfmt_misc binfmt_misc "$binfmt"
  # The first bytes of such a program, and which of them count. F: the kernel holds qemu open, so that it works in a chroot.
  local magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
  local mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
  tell ":qemu-aarch64:M::$magic:$mask:$(command -v qemu-aarch64-static):F" register
  registered=yes
}
