//! A second process beside the updater, for as long as a version is on trial: when the updater is killed, it takes the trial back.
//!
//! It knows of the updater's life by a pipe, which the kernel closes with it. It belongs to a group of its own, so that a lost
//! terminal or a Ctrl-C ends the updater alone.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::FlockOperation;

use super::place::Place;
use super::service::Service;
use super::state::lock;
use super::trial;

/// What the updater says before it ends by itself.
const DONE: &[u8] = b"done";

/// The guard of a trial, as the updater has it.
pub(super) struct Guard(Option<Child>);

impl Guard {
    /// Starts one. Where it cannot be started, a trial that is left alone still ends with the boot.
    pub(super) fn start(place: &Place, systemctl: &Path, most: Duration) -> Guard {
        let mut command = Command::new("/proc/self/exe");
        command.arg("--guard").arg("--root").arg(place.at("/")).arg("--systemctl").arg(systemctl);
        command.arg("--wait-s").arg(most.as_secs().to_string()).process_group(0);
        // Whoever reads the updater's words must not wait for this one.
        Guard(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(child) = &mut self.0 else { return };
        // It may have ended; then nobody reads this.
        let _ = child.stdin.take().map(|mut pipe| pipe.write_all(DONE));
        let _ = child.wait();
    }
}

/// The guard itself: waits for the end of the updater, and gives the sentence for what it took back.
pub(super) fn watch(place: &Place, service: &Service, most: Duration) -> Option<String> {
    let mut said = Vec::new();
    // A pipe that cannot be read is one whose other end is gone.
    let _ = std::io::stdin().read_to_end(&mut said);
    if said == DONE {
        return None;
    }
    // The next updater may be at work already; it ends the trial itself.
    let folder = place.own_versions().ok()?;
    let _held = lock(&folder.join("lock"), FlockOperation::LockExclusive).ok()?;
    trial::end_abandoned(place, service, most).unwrap_or_else(|why| Some(why.to_string()))
}
