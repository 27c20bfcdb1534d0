#!/usr/bin/env bash
# Makes a crate of a few rooms in target/mutants: `tests/mutants/slice.sh NAME`, which prints its folder.
#
# A mutant of one file then costs the build of that file's room and of what it imports, seconds instead of the whole box's
# minute, and what is changed is a copy. The rooms' own tests come with them. Dependencies are the box's own, by its
# Cargo.toml and Cargo.lock, so that what `cargo test` has built of them is used again.
set -euo pipefail
cd "$(dirname "$0")/../.."

name=$1
case $name in
  mailbox) rooms='pub mod mailbox;' ;;
  head) rooms='pub mod http { pub mod head; pub mod query; }' ;;
  shots) rooms='pub mod events; pub mod frame; pub mod time; pub mod jpeg { pub mod shots; mod queue; pub use shots::Variant; }' ;;
  sink) rooms='pub mod error; pub mod metrics; pub mod sink; pub mod skeleton; pub mod store; pub mod threads; pub mod time; pub mod workout;' ;;
  workout) rooms='pub mod skeleton; pub mod time; pub mod workout;' ;;
  *)
    printf 'no slice is named %s\n' "$name" >&2
    exit 1
    ;;
esac

slice=target/mutants/$name
rm -rf "$slice"
mkdir -p "$slice/src" "$slice/tests"
printf '%s\n' "//! A slice of the box for mutants." '#![allow(missing_docs, dead_code)]' "$rooms" >"$slice/src/lib.rs"
for room in $(grep -oE 'mod [a-z_]+' <<<"$rooms" | cut -d ' ' -f 2); do
  for file in "src/$room" "src/$room.rs" "src/http/$room.rs" "src/jpeg/$room.rs"; do
    [ -e "$file" ] || continue
    case $file in src/http | src/jpeg) continue ;; esac
    mkdir -p "$(dirname "$slice/$file")"
    cp -r "$file" "$slice/$file"
  done
done
cp -r tests/receiver "$slice/tests/"
# The interleavings of the mailbox are tests of it like its own.
[ "$name" != mailbox ] || cp tests/mailbox_loom.rs "$slice/tests/"
# Under a name of its own, since all are built into one target folder.
sed "s/^name = \"spotter\"/name = \"spotter-$name\"/" Cargo.lock >"$slice/Cargo.lock"
# The package, its features, dependencies and profiles: everything but targets and what is only for packing.
awk '/^\[\[/ { skip = 1 } /^\[[^[]/ { skip = /^\[package\.metadata/ } !skip' Cargo.toml |
  sed -e '/^default-run/d' -e "s/^name = \"spotter\"/name = \"spotter-$name\"/" >"$slice/Cargo.toml"
printf '[lib]\nname = "spotter"\n[workspace]\n' >>"$slice/Cargo.toml"
printf '%s\n' "$slice"
