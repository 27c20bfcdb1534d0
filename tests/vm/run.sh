#!/bin/sh
# Runs examples/vivid_guest.rs and then the real binary (an argument names it, else the debug build) in a virtual machine
# whose kernel has cameras: Debian's own kernel with its vivid driver.
# Needs no KVM and changes nothing on the host; the kernel package is unpacked below target/vm, not installed.
# And what tests/bad_machine has of control groups, under the one hierarchy (cgroup v2), as a board's system has it. PARTS names
# which of the three, or leaves some out.
# Prints a line for each check; the exit status is 0 only when all are well.
set -eu
cd "$(dirname "$0")/../.."
vm=$PWD/target/vm
guest=$PWD/target/debug/examples/vivid_guest
spotter=$(realpath "${1:-target/debug/spotter}")

sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
missing=
for pair in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio v4l2-ctl:v4l-utils; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086
    $sudo apt-get update -q && $sudo apt-get install -qy --no-install-recommends $missing
fi

cargo build --locked --example vivid_guest
[ $# -gt 0 ] || cargo build --locked
parts=${PARTS:-vivid box groups}
built=$(CARGO_TERM_COLOR=never cargo test --locked --test bad_machine --no-run 2>&1) || { echo "$built" >&2; exit 1; }
tests=$(echo "$built" | sed -n 's|^ *Executable .*(\(target/.*/bad_machine-[0-9a-f]*\))$|\1|p')
[ -n "$tests" ] || { echo "cargo named its test program otherwise than is known here: $built" >&2; exit 1; }

mkdir -p "$vm"
if [ ! -e "$vm/root/boot" ]; then
    newest() { apt-cache search '^linux-image-6\.1\.0-[0-9]+-amd64$' | cut -d' ' -f1 | sort -V | tail -1; }
    package=$(newest)
    [ -n "$package" ] || { $sudo apt-get update -q && package=$(newest); }
    [ -n "$package" ] || { echo "no linux-image-6.1.0-*-amd64 in apt's lists" >&2; exit 1; }
    (cd "$vm" && rm -f ./*.deb && apt-get download "$package")
    rm -rf "$vm/unpack" && dpkg-deb -x "$vm"/linux-image-*.deb "$vm/unpack" && mv "$vm/unpack" "$vm/root"
fi
kernel=$(basename "$vm"/root/lib/modules/*)
busybox depmod -b "$vm/root" "$kernel" 2>/dev/null

# A module with all it needs, what is needed first.
needs() {
    grep "/$1\.ko:" "$vm/root/lib/modules/$kernel/modules.dep" | tr -d ':' | tr ' ' '\n' | tac | sed "s|^|lib/modules/$kernel/|"
}
initrd=$vm/initrd
rm -rf "$initrd" && mkdir -p "$initrd/bin" "$initrd/modules"
cp "$(command -v busybox)" "$initrd/bin/busybox"
for wanted in virtio_pci 9pnet_virtio 9p; do needs "$wanted"; done | awk '!seen[$0]++' > "$vm/order"
: > "$initrd/modules/order"
while read -r module; do
    cp "$vm/root/$module" "$initrd/modules/"
    basename "$module" >> "$initrd/modules/order"
done < "$vm/order"
needs vivid > "$initrd/modules/vivid"
for wanted in loop crc32c_generic ext4; do needs "$wanted"; done | awk '!seen[$0]++' > "$initrd/modules/disk"
# A webcam and an HDMI grabber, one capture node each.
options="n_devs=2 num_inputs=1,1 input_types=0,3 node_types=0x1,0x1"
sed -e "s|@VM_DIR@|$vm|" -e "s|@GUEST@|$guest|" -e "s|@SPOTTER@|$spotter|" -e "s|@REPOSITORY@|$PWD|" -e "s|@VIVID_OPTIONS@|$options|" -e "s|@PARTS@|$parts|" -e "s|@TESTS@|$PWD/$tests|" tests/vm/init > "$initrd/init"
chmod +x "$initrd/init"
(cd "$initrd" && find . | cpio -o -H newc --quiet | gzip -1) > "$vm/initrd.gz"

log=$vm/console.log
timeout "${VM_TIMEOUT_S:-600}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1024 -nographic -no-reboot \
    -kernel "$vm"/root/boot/vmlinuz-"$kernel" -initrd "$vm/initrd.gz" \
    -append "console=ttyS0 quiet panic=-1 random.trust_cpu=on" \
    -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
    -nic none </dev/null 2>&1 | stdbuf -o0 tr -d '\r' | tee "$log" | grep -aE '^(ok|FAILED|VM-RESULT|note|cannot|Kernel panic)' || true
grep -qa '^VM-RESULT 0$' "$log" || { echo "the checks in the guest failed; the guest's console is in $log" >&2; tail -n 30 "$log" >&2; exit 1; }
