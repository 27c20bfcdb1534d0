//! The box as root: not by accident.
//!
//! A unit without `User=` would run cameras, decoders and a web server with every right of the machine, and would work, so
//! nobody would notice. When systemd starts the box as root, it refuses unless it is told why.
//!
//! A shell or a script of root's may start what it likes; that somebody is there and sees it.

use crate::error::Exit;

/// What is said of it.
const REFUSED: &str = "spotter is started as root by systemd; set User= in its unit, or say why with --as-root WHY";

/// Whether this process may run the box: nothing, or how it ends. `why`: what `--as-root` says.
pub(super) fn refused(why: Option<&str>) -> Option<Exit> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    match why.map(str::trim) {
        Some(why) if !why.is_empty() => log::warn!("running as root: {why}"),
        Some(_) => return Some(super::say(REFUSED, Exit::Usage)),
        None if started_by_systemd() => return Some(super::say(REFUSED, Exit::Usage)),
        None => {}
    }
    None
}

/// Leaves no core file of a box that systemd started, whatever collects them on this machine, and shows its environment to
/// nobody but root: both hold the key, and the passwords of cameras. The unit's `LimitCORE=0` alone does not bind a
/// collector that core_pattern names. Who starts the box by hand may look inside.
pub(super) fn keep_to_itself() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    if started_by_systemd()
        && let Err(why) = set_dumpable_behavior(DumpableBehavior::NotDumpable)
    {
        log::warn!("a crash of this box may leave a core file: {why}");
    }
}

/// systemd gives the process that it starts the number of that process (since version 248); what this one starts inherits
/// the variable, and the number is then another's.
fn started_by_systemd() -> bool {
    std::env::var("SYSTEMD_EXEC_PID").is_ok_and(|pid| pid == std::process::id().to_string())
}
