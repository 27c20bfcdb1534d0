//! A test that runs itself once more on a small disk: a real file system, mounted in a namespace of the test's own, which the
//! kernel takes away with it. There [`INSIDE`] names its folder.

use std::path::Path;
use std::process::Command;

pub const INSIDE: &str = "SPOTTER_SMALL_DISK";

/// Runs the test `name` of this program once more; `options` are what the disk is mounted with.
pub fn on_a_small_disk(name: &str, options: &str) {
    let folder = tempfile::tempdir().expect("there is room");
    let own = std::env::current_exe().expect("we run");
    let script = "mount -t tmpfs -o \"$4\" spotter-test \"$1\" && exec \"$2\" --exact \"$3\" --nocapture";
    let mut said = String::new();
    // Root without the right to mount has it in a user namespace, as others have.
    for flags in ["-m", "-Urm"] {
        let out = Command::new("unshare")
            .args([flags, "sh", "-c", script, "sh"])
            .args([folder.path(), &own, Path::new(name), Path::new(options)])
            .env(INSIDE, folder.path())
            .output()
            .expect("unshare is part of util-linux");
        said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        if out.status.success() && said.contains("1 passed") {
            return;
        }
        if said.contains("running 1 test") {
            break;
        }
    }
    panic!("{said}");
}
