# Sourced by what runs programs of an arm64 system on another machine: has the kernel run them through qemu, for as long as the
# sourcing script runs. Where that is set up already, or the machine is one of that kind, it does nothing.
# shellcheck shell=bash

binfmt=/proc/sys/fs/binfmt_misc
forget_arm64() { [ -z "${registered:-}" ] || echo -1 >"$binfmt/qemu-aarch64"; }

run_arm64() {
  if [ "$(uname -m)" = aarch64 ] || [ -e "$binfmt/qemu-aarch64" ]; then return; fi
  [ -e "$binfmt/register" ] || mount -t binfmt_misc binfmt_misc "$binfmt" || return
  # The first bytes of such a program, and which of them count. F: the kernel holds qemu open, so that it works in a chroot.
  local magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
  local mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
  printf '%s' ":qemu-aarch64:M::$magic:$mask:$(command -v qemu-aarch64-static):F" >"$binfmt/register" || return
  registered=yes
}
