#!/usr/bin/env bash
# Boots the disk image of board/image.sh in QEMU's `virt` machine, every instruction translated, with the kernel's own camera driver
# (vivid), and looks at it from outside as a browser would and from inside through a hand that only the test's copy has:
#
#   the first boot is cut off twice in its midst, and the next one ends what was begun
#   a first boot makes key, name and data partition; the unit is active; the picture has the right colours
#   the service is killed, halted, and comes back by itself
#   a signed update is installed and kept; what others signed, half of one and one that is never ready are not (update.sh)
#   the power is cut CUTS times (3 without it; 20 is the full proof) while sets are logged: it boots, and no set is lost that the
#   log had taken. QEMU is killed; what the guest had not yet handed to its disk is gone, what it had is on the host's
#
# It prints a line for each check and ends with 0 only when all are well. Before it: make image, cross/debian.sh feeder.
set -euo pipefail
cd "$(dirname "$0")/../.."

CUTS=${CUTS:-3}
PORT=${PORT:-18480}
image=target/image
work=$image/test
feeder=target/cross/aarch64-unknown-linux-gnu/debug/examples/log_feeder
url=http://127.0.0.1:$PORT
# A translated machine on busy cores is slow; reaching this is a failure.
readonly PATIENCE_S=${PATIENCE_S:-600}
# The root's place in the image, as board/image.sh lays it out.
readonly OFFSET=1048576

# shellcheck source=tests/image/update.sh
. tests/image/update.sh

failed=0 qemu='' key=''
say() { printf '%s\n' "$*"; }
check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then say "ok $what"; else say "FAILED $what"; failed=1; fi
}
fatal() { say "FAILED $*"; tail -n 30 "$work/console.log" | tr -d '\r'; exit 1; }

for file in "$image/spotter.img" "$image/vmlinuz" "$image/initrd.img" "$feeder"; do
  [ -e "$file" ] || { say "there is no $file; make image and cross/debian.sh feeder make it" >&2; exit 1; }
done

cut_power() {
  [ -n "$qemu" ] || return 0
  kill -9 "$qemu" 2>/dev/null || true
  wait "$qemu" 2>/dev/null || true
  qemu=''
}
trap cut_power EXIT

# ---- The test's copy of the image: a camera, a hand, and something that logs ----
rm -rf "$work"
mkdir -p "$work"
disk="$work/disk.img?offset=$OFFSET"
cp --sparse=always "$image/spotter.img" "$work/disk.img"
debugfs -R "dump /etc/spotter/spotter.toml $work/spotter.toml" "$disk" 2>/dev/null
sed -i -e 's|^name = "demo"|name = "rack"|' \
  -e 's|^source = .*|source = "v4l2:/dev/spotter/port-platform-vivid.0?size=640x360"|' "$work/spotter.toml"
releases=$(make_releases)
echo vivid >"$work/vivid.load"
# One webcam, with bars of 75 % as its picture.
echo 'options vivid n_devs=1 num_inputs=1 input_types=0 node_types=0x1' >"$work/vivid.options"
debugfs -w -f /dev/stdin "$disk" >"$work/debugfs.log" 2>&1 <<EOF
rm /etc/spotter/spotter.toml
write $work/spotter.toml /etc/spotter/spotter.toml
write $work/vivid.load /etc/modules-load.d/vivid.conf
write $work/vivid.options /etc/modprobe.d/vivid.conf
mkdir /usr/local/lib/spotter-test
write tests/image/agent /usr/local/lib/spotter-test/agent
write tests/image/restart /usr/local/lib/spotter-test/restart
write $feeder /usr/local/lib/spotter-test/log_feeder
$releases
write tests/image/agent.service /etc/systemd/system/spotter-test.service
symlink /etc/systemd/system/multi-user.target.wants/spotter-test.service /etc/systemd/system/spotter-test.service
EOF
mv "$work/disk.img" "$work/never-booted.img"

# ---- The machine ----
# As fast as it goes, its clock being the host's. A machine that is told how long something takes it gets -icount instead: its time
# goes by its own instructions, one a nanosecond, whatever else the host does meanwhile, as on a core of about 1 GHz.
accel=tcg,thread=multi
readonly BY_INSTRUCTIONS=(-icount shift=0)
# A clock without a battery.
readonly UNSET_CLOCK=(-rtc base=1970-01-02T00:00:00)
power_on() { # EXTRA QEMU OPTIONS...
  : >"$work/console.log"
  # Nothing of the boot before may be left in the pipes.
  exec 3>&- 4>&- || true
  rm -f "$work/hand.in" "$work/hand.out"
  mkfifo "$work/hand.in" "$work/hand.out"
  qemu-system-aarch64 -M virt -cpu cortex-a76 -smp 2 -m 1024 -accel "$accel" -display none -monitor none \
    -serial "file:$work/console.log" -kernel "$image/vmlinuz" -initrd "$image/initrd.img" \
    -append "root=LABEL=SPOTTER-ROOT ro console=ttyAMA0 panic=10 quiet systemd.show_status=0" \
    -drive "if=none,id=disk,file=$work/disk.img,format=raw" -device virtio-blk-pci,drive=disk \
    -netdev "user,id=net,hostfwd=tcp:127.0.0.1:$PORT-:80" -device virtio-net-pci,netdev=net,romfile= \
    -device virtio-rng-pci -device virtio-serial-pci -chardev "pipe,id=hand,path=$work/hand" \
    -device virtserialport,chardev=hand,name=spotter.test -no-reboot "$@" </dev/null 2>"$work/qemu.log" &
  qemu=$!
  exec 3<>"$work/hand.in" 4<>"$work/hand.out"
}

# Nothing else ends the wait for a machine that is not: this end keeps its pipes open.
still_runs() { kill -0 "$qemu" 2>/dev/null || fatal "the machine does not run: $(tail -n 1 "$work/qemu.log")"; }

# Until the hand is there.
boot() { # EXTRA QEMU OPTIONS...
  local line end=$((SECONDS + PATIENCE_S))
  power_on "$@"
  until read -r -t 5 line <&4 && [[ $line == READY* ]]; do
    still_runs
    [ "$SECONDS" -lt "$end" ] || fatal "no hand in the guest after $PATIENCE_S s"
  done
}

# guest COMMAND: in the guest, as root; its words on stdout, its status as this one's.
guest() {
  local line
  printf '%s\n' "$1" >&3
  while read -r -t "$PATIENCE_S" line <&4; do
    case $line in
      'END '*) return "${line#END }" ;;
      READY*) ;;
      *) printf '%s\n' "$line" ;;
    esac
  done
  fatal "the guest does not answer to: $1"
}
says() {
  if guest "$1" >"$work/said" && grep -qE "$2" "$work/said"; then return 0; fi
  sed 's/^/note: /' "$work/said"
  return 1
}
said_not() { ! grep -qE "$1" "$work/said"; }
said_too() { grep -qE "$1" "$work/said" || { sed 's/^/note: /' "$work/said"; return 1; }; }

fetch() { curl -s --max-time 20 -H "X-Api-Key: $key" -o "$work/answer" -w '%{http_code}' "$url$1"; }
# until_answer PATH CODE
until_answer() {
  local end=$((SECONDS + PATIENCE_S)) code=none
  while [ "$SECONDS" -lt "$end" ]; do
    code=$(fetch "$1" || true)
    [ "$code" = "$2" ] && return 0
    sleep 0.2
  done
  say "note: $1 still answers $code"
  return 1
}

# The eight bars of vivid, each off by at most 20 of 255.
right_colours() {
  ffmpeg -v error -y -i "$work/answer" -vf 'format=rgb24,crop=iw:8:0:ih*3/4,scale=8:1:flags=area' -f rawvideo -pix_fmt rgb24 "$work/bars" ||
    return 1
  od -An -v -tu1 -w3 "$work/bars" | awk '
    BEGIN { split("191 191 191 191 191 0 0 191 191 0 191 0 191 0 191 191 0 0 0 0 191 0 0 0", want) }
    { for (i = 1; i <= 3; i++) { off = $i - want[(NR - 1) * 3 + i]; if (off < 0) off = -off; if (off > worst) worst = off } }
    END { printf "note: %d bars, off by at most %d of 255\n", NR, worst; exit !(NR == 8 && worst <= 20) }'
}

# Boots, and cuts the power as soon as a command holds, looking every hundredth of a second.
cut_as_soon_as() { # COMMAND...
  local end=$((SECONDS + PATIENCE_S))
  power_on "${UNSET_CLOCK[@]}"
  until "$@"; do
    still_runs
    [ "$SECONDS" -lt "$end" ] || fatal "the moment to cut the power does not come: $*"
    sleep 0.01
  done
  cut_power
}
on_console() { grep -q "$1" "$work/console.log"; }
# What the disk holds, seen from outside: the place of the data partition in bytes, and the label of the file system in it.
data_place() {
  sfdisk --dump "$work/disk.img" | awk -F '[=,]' '/name="SPOTTER-DATA"/ { printf "%.0f\n", $2 * 512 }'
}
has_data_partition() { [ -n "$(data_place)" ]; }
data_label() { blkid --probe --offset "$(data_place)" --match-tag LABEL --output value "$work/disk.img" || true; }

# ---- The first boot, cut off in its midst ----
cp --sparse=always "$work/never-booted.img" "$work/disk.img"
cut_as_soon_as has_data_partition
say "note: cut as the data partition is in the table; the label in it: '$(data_label)'"
check "the file system in it was not ready yet" test "$(data_label)" != SPOTTER-DATA
cut_as_soon_as on_console 'the data partition .* was made'
check "cut again when the data partition is ready" test "$(data_label)" = SPOTTER-DATA
boot "${UNSET_CLOCK[@]}"
guest 'journalctl -b -o cat -u spotter-first-boot' >"$work/said"
check "the third boot made the key and no partition: that is where it was cut" said_too 'a key was made'
check "and left the data partition as it was" said_not 'data partition .* was made'
check "the first boot's key is there" says 'cat /etc/spotter/key' '^SPOTTER_API_KEY=[a-z2-9]{24}$'
key=$(sed -n 's/^SPOTTER_API_KEY=//p' "$work/said")
check "the data partition is mounted" says 'findmnt -no SOURCE,LABEL,OPTIONS /var/lib/spotter' 'SPOTTER-DATA +rw'
check "the root is read-only again" says 'findmnt -no OPTIONS /' '^ro,'
check "no unit has failed after the cuts" says 'echo "count $(systemctl --failed --plain --no-legend | wc -l)"' '^count 0$'
check "its picture comes" until_answer /snapshot 200
check "its log answers" until_answer /api/v1/sets.json 200
cut_power

# ---- The first boot, with a clock that was never set ----
mv "$work/never-booted.img" "$work/disk.img"
accel=tcg
boot "${UNSET_CLOCK[@]}" "${BY_INSTRUCTIONS[@]}"
accel=tcg,thread=multi
check "the first boot makes a key of 24 letters, for root and the service alone" \
  says 'stat -c "%a %U:%G" /etc/spotter/key; cat /etc/spotter/key' '^SPOTTER_API_KEY=[a-z2-9]{24}$'
check "and nobody else may read it" said_too '^640 root:spotter$'
key=$(sed -n 's/^SPOTTER_API_KEY=//p' "$work/said")
check "the first picture comes" until_answer /snapshot 200
uptime=$(guest 'cut -d " " -f 1 /proc/uptime')
say "note: first picture ${uptime} s after the kernel's start (first boot, an instruction a nanosecond), loader not counted"
check "its colours are right" right_colours
check "without the key there is none" test "$(curl -s -o /dev/null -w '%{http_code}' "$url/snapshot")" = 401
check "the unit is active, and its user is not root" \
  says 'systemctl is-active spotter; ps -o user= -p "$(systemctl show -p MainPID --value spotter)" || stat -c %U "/proc/$(systemctl show -p MainPID --value spotter)"' '^spotter$'
check "no unit has failed" says 'systemctl --failed --plain --no-legend; echo "count $(systemctl --failed --plain --no-legend | wc -l)"' '^count 0$'
check "the box has a name of its own" says 'cat /proc/sys/kernel/hostname /etc/hostname' '^spotter-[0-9a-f]{4}$'
check "the root is read-only" says 'findmnt -no OPTIONS /' '^ro,'
check "the log is on the data partition" says 'findmnt -no SOURCE,LABEL,OPTIONS /var/lib/spotter' 'SPOTTER-DATA +rw'
check "and is open" until_answer /api/v1/sets 200
check "the versions are there too, where the service cannot write" \
  says 'findmnt -no LABEL /var/lib/spotter-versions; stat -c "%a %U" /var/lib/spotter-versions /var/lib/spotter-data' '^SPOTTER-DATA$'
check "but root alone" test "$(grep -cx '755 root' "$work/said")" = 2
check "the version of the package was chosen" says 'cat /run/spotter/program; stat -c " %U" /run/spotter' '^/usr/bin/spotter'
check "the journal outlives a restart" says 'findmnt -no SOURCE /var/log/journal; ls /var/log/journal' '^[0-9a-f]{32}$'
check "the camera has a name that stays" says 'ls /dev/spotter' '^port-platform-vivid.0$'
check "it is found in the network" says 'systemctl is-active avahi-daemon; ls /etc/avahi/services' '^spotter.service$'
check "the login shows address and key" says 'cat /etc/issue.d/spotter.issue' "key: $key"
guest 'systemctl show -p After,Wants,Requires spotter' >"$work/said"
check "nothing waits for the network or the time" said_not 'network-online|time-sync'

# ---- Killed and halted: times are the guest's own ----
comes_back() { # SIGNAL MOST_S
  local seconds
  guest "/usr/local/lib/spotter-test/restart $1" >"$work/said" || { sed 's/^/note: /' "$work/said"; return 1; }
  seconds=$(sed -n 's/^back //p' "$work/said")
  say "note: ready again $seconds s after kill -$1: $(tail -n 1 "$work/said")"
  awk -v s="$seconds" -v most="$2" 'BEGIN { exit !(s <= most) }'
}
check "killed, it is back within 3 s" comes_back KILL 3
check "and shows its picture" until_answer /snapshot 200
check "halted, the watchdog brings it back" comes_back STOP 60
check "and shows its picture" until_answer /snapshot 200
check "by the watchdog, as the journal says" says 'journalctl -u spotter -o cat | grep -i watchdog' 'Watchdog timeout'

# ---- A wrong config stops it, once ----
guest 'systemctl stop spotter; mkdir -p /run/systemd/system/spotter.service.d; printf "[Service]\nEnvironmentFile=\n" >/run/systemd/system/spotter.service.d/test.conf; systemctl daemon-reload; systemctl start spotter; sleep 3' || true
check "a wrong config is tried once and not again" says 'systemctl show -p ExecMainStatus,NRestarts,ActiveState spotter' '^ExecMainStatus=2$'
check "it was not tried again" said_too '^NRestarts=0$'
check "and counts as failed" said_too '^ActiveState=failed$'
guest 'rm -r /run/systemd/system/spotter.service.d; systemctl daemon-reload; systemctl reset-failed spotter; systemctl start spotter'
check "with its key it starts" until_answer /snapshot 200

# ---- Updates, by the host's clock again ----
cut_power
boot
check "its picture comes" until_answer /snapshot 200
update_guest

# ---- Power cuts while sets are logged ----
: >"$work/stored"
taken_all() {
  python3 - "$work/answer" "$work/stored" <<'PY'
import json, sys
log = json.load(open(sys.argv[1]))
sets = log if isinstance(log, list) else log["sets"]
have = {s.get("exercise") or s.get("name") for s in sets}
want = {line.strip() for line in open(sys.argv[2])}
missing = sorted(want - have)
print(f"note: {len(want)} sets were taken, {len(sets)} are in the log, {len(missing)} are missing {missing[:3]}")
sys.exit(bool(missing) or not want)
PY
}
for cut in $(seq "$CUTS"); do
  guest 'systemctl stop spotter'
  printf '%s\n' "cd / && PUMP_KEY=a HOOK_SECRET=b setpriv --reuid spotter --regid spotter --clear-groups /usr/local/lib/spotter-test/log_feeder /var/lib/spotter http://127.0.0.1:9 http://127.0.0.1:9 $((cut * 100000)) >&3" >&3
  # Between one and five seconds from the first set on, and then whatever comes in that moment.
  read -r -t "$PATIENCE_S" line <&4 || fatal "nothing is logged"
  end=$((SECONDS + 1 + RANDOM % 5))
  while [ "$SECONDS" -lt "$end" ] && [[ $line == 'stored Lift '* ]]; do
    echo "${line#stored }" >>"$work/stored"
    read -r -t 30 line <&4 || fatal "the log has stopped"
  done
  cut_power
  boot
  check "power cut $cut of $CUTS: it boots and shows its picture" until_answer /snapshot 200
  uptime=$(guest 'cut -d " " -f 1 /proc/uptime')
  say "note: first picture at most ${uptime} s after the kernel's start"
  check "power cut $cut of $CUTS: the log answers" until_answer /api/v1/sets.json 200
  check "power cut $cut of $CUTS: no set is lost" taken_all
done
check "the key is still the same" says 'cat /etc/spotter/key' "=$key$"
[ "$failed" = 0 ] || { say "the guest's console is in $work/console.log"; exit 1; }
say "all is well"
